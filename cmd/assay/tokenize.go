package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/engine/tokenizer"
)

func newTokenizeCommand() *cobra.Command {
	var target string
	var ids, special, parse bool
	cmd := &cobra.Command{
		Use:   "tokenize -m MODEL [--ids]",
		Short: "Show the tokens of a text",
		Long: `Tokenize reads text on standard input and prints a model's tokens of it: a line for each with
its id and text, or with --ids the ids alone on one line, separated by blanks. Any file with a
vocabulary will do, also a GGUF file without weights.`,
		Example: `  printf 'Hello world' | assay tokenize -m tiny --ids`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := io.ReadAll(cmd.InOrStdin())
			if err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			spec, err := openVocab(target)
			if err != nil {
				return err
			}
			tok, err := tokenizer.New(spec)
			if err != nil {
				return fmt.Errorf("%s: %w", target, err)
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			for i, id := range tok.Encode(string(text), special, parse) {
				switch {
				case !ids:
					fmt.Fprintf(out, "%7d  %q\n", id, tok.Piece(id))
				case i > 0:
					fmt.Fprintf(out, " %d", id)
				default:
					out.WriteString(strconv.Itoa(int(id)))
				}
			}
			if ids {
				out.WriteByte('\n')
			}
			return out.Flush()
		},
	}
	modelFlag(cmd, &target)
	cmd.Flags().BoolVar(&ids, "ids", false, "print the ids alone, on one line")
	cmd.Flags().BoolVar(&special, "special", false, "add the tokens the model wants around a text, such as its beginning-of-sequence mark")
	cmd.Flags().BoolVar(&parse, "parse-special", false, "take the text of control tokens, such as <|end|>, for the tokens themselves")
	return cmd
}

// openVocab reads the vocabulary of a model, without its weights where that can be.
func openVocab(target string) (tokenizer.Spec, error) {
	if err := exists(target); err != nil {
		return tokenizer.Spec{}, err
	}
	if !slices.Contains(reference.Names(), target) {
		return checkpoint.OpenVocab(target)
	}
	c, err := openCheckpoint(target)
	if err != nil {
		return tokenizer.Spec{}, err
	}
	defer c.Close()
	return c.Vocab, nil
}
