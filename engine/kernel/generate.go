package kernel

//go:generate go run -C _asm . -set avx2 -out ../avx2_amd64.s -stubs ../avx2_stubs_amd64.go -pkg kernel
