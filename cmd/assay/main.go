// Command assay measures language models on this machine: how fast, how right, at what cost,
// compared with which alternative, and how sure.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tokenassay/assay/tasks/sandbox"
)

func main() {
	sandbox.Main() // does not return in the processes that confine model-written programs
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Stdin, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	os.Exit(code)
}
