//go:build !amd64 || purego

package probe

func kernels() kernel { return plain }
