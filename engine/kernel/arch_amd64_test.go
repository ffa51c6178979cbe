//go:build !purego

package kernel

// wanted is what a full test run covers on this architecture.
var wanted = []string{"generic", "avx2"}
