//go:build !linux

package probe

// pin does nothing: other systems do not let a thread be bound to a processor.
func pin(int) {}

func processors() []int { return nil }

func reserve(n int) (buf []byte, release func(), err error) { return make([]byte, n), func() {}, nil }
