//go:build !unix

package kernel

import "testing"

// guarded is plain memory where pages cannot be protected in a portable way.
func guarded[T any](_ testing.TB, n int, _ bool) []T { return make([]T, n) }
