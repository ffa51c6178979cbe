//go:build unix

package kernel

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded returns memory for n elements that ends at, or for front begins after, a page that must not be touched:
// a stray access is a fault at once.
func guarded[T any](t testing.TB, n int, front bool) []T {
	t.Helper()
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	page := unix.Getpagesize()
	pages := (size + page - 1) / page
	b, err := unix.Mmap(-1, 0, (pages+2)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(b); err != nil {
			t.Error(err)
		}
	})
	for _, edge := range [][]byte{b[:page], b[(pages+1)*page:]} {
		if err := unix.Mprotect(edge, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	body := b[page : (pages+1)*page]
	if !front {
		body = body[len(body)-size:]
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(body))), n)
}
