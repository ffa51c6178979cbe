package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine/quant"
)

func newConvertCommand() *cobra.Command {
	var as string
	var force bool
	cmd := &cobra.Command{
		Use:   "convert MODEL OUT.gguf",
		Short: "Write a model as a GGUF file",
		Long: `Convert writes a Hugging Face folder, a llama2.c file, a GGUF file or an embedded model as one
GGUF file, with its vocabulary and chat template. --type also changes the type of the matrices;
vectors stay F32, and a matrix whose rows do not divide into the type's blocks becomes F16.`,
		Example: `  assay convert ./TinyStories-656K tinystories.gguf
  assay convert model.gguf model-q8_0.gguf --type Q8_0`,
		Args: arguments(2, 2, "a model and the file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var to *quant.Type
			if as != "" {
				t, err := quant.Parse(as)
				if err != nil {
					return usageError{err}
				}
				to = &t
			}
			if _, err := os.Stat(args[1]); err == nil && !force {
				return fmt.Errorf("%s exists; --force replaces it", args[1])
			}
			c, err := openCheckpoint(args[0])
			if err != nil {
				return err
			}
			defer c.Close()
			n, err := writeFile(args[1], func(w io.Writer) error { return c.WriteGGUF(w, to) })
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", args[1], humanize.IBytes(uint64(n)))
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "type", "", "type of the matrices: F32, F16, BF16, Q8_0, Q4_0 (default: as they are)")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "replace an existing file")
	return cmd
}

// writeFile writes a file that appears whole or not at all, and returns its size. The model
// that is read may be the file that is replaced.
func writeFile(path string, write func(io.Writer) error) (int64, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return 0, fmt.Errorf("writing %s: %w", path, bare(err))
	}
	defer func() {
		if err := os.Remove(tmp.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, "assay:", err)
		}
	}()
	if err := write(tmp); err != nil {
		tmp.Close()
		return 0, fmt.Errorf("writing %s: %w", path, err)
	}
	info, err := tmp.Stat()
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return 0, fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return 0, fmt.Errorf("writing %s: %w", path, bare(err))
	}
	return info.Size(), nil
}

// bare is an error about a file without the name of the file, where another name says more.
func bare(err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		return file.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
