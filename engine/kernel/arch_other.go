//go:build !amd64 || purego

package kernel

func archTables() []*table { return nil }

// pause waits a moment without giving up the CPU.
//
//go:noinline
func pause(n uint32) {
	for range n {
		pauseSink()
	}
}

//go:noinline
func pauseSink() {}
