//go:build !amd64 || purego

package kernel

var wanted = []string{"generic"}
