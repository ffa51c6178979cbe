package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/hardware"
)

func newInspectCommand() *cobra.Command {
	var asJSON bool
	var context int
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Say what a model file holds and what memory it needs",
		Long: `Inspect reads a GGUF file, a Hugging Face folder or a llama2.c file, or an embedded model, and
says what is in it, also where this engine cannot run it, and whether this machine has the memory
for it.`,
		Example: `  assay inspect model.gguf
  assay inspect --json --context 8192 ./Qwen3-0.6B`,
		Args: arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if context < 0 {
				return usagef("--context %d: want 0 or more tokens", context)
			}
			s, err := inspect(args[0], context)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), s)
			}
			fields := summaryFields(s)
			if s.Memory != nil {
				host, err := hardware.Detect(cmd.Context())
				if err != nil {
					return err
				}
				fields = append(fields, [2]string{"this machine", fits(s.Memory.Total, host.Memory.Available)})
			}
			return writeFields(cmd.OutOrStdout(), fields)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&context, "context", 0, "tokens of context to work out the memory for (default: the model's own)")
	return cmd
}

// inspect summarises a model, also a GGUF file that this engine cannot run.
func inspect(name string, context int) (checkpoint.Summary, error) {
	if err := exists(name); err != nil {
		return checkpoint.Summary{}, err
	}
	if !slices.Contains(reference.Names(), name) {
		return checkpoint.Inspect(name, context)
	}
	c, err := openCheckpoint(name)
	if err != nil {
		return checkpoint.Summary{}, err
	}
	defer c.Close()
	return c.Summary(context), nil
}

func summaryFields(s checkpoint.Summary) [][2]string {
	size := func(n int64) string { return humanize.IBytes(uint64(n)) }
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return humanize.Comma(int64(n))
	}
	var types []string
	for _, k := range s.Types {
		types = append(types, fmt.Sprintf("%s %s in %d tensors", k.Type, size(k.Bytes), k.Tensors))
	}
	usable := "yes"
	if !s.Usable {
		usable = "no: " + s.Why
	}
	fields := [][2]string{
		{"path", s.Path}, {"format", s.Format}, {"name", s.Name}, {"architecture", s.Arch}, {"runs here", usable},
		{"parameters", fmt.Sprintf("%s (%s)", humanize.SIWithDigits(float64(s.Parameters), 2, ""), humanize.Comma(s.Parameters))},
		{"types", strings.Join(types, ", ")},
		{"context", number(s.Context)}, {"layers", number(s.Layers)}, {"hidden", number(s.Hidden)}, {"feed forward", number(s.FFN)},
	}
	if s.Heads > 0 {
		fields = append(fields, [2]string{"heads", fmt.Sprintf("%d, of which %d for keys and values, of %d", s.Heads, s.KVHeads, s.HeadDim)})
	}
	template := "no"
	if s.ChatTemplate {
		template = "yes"
	}
	fields = append(fields, [2]string{"vocabulary", number(s.Vocab)},
		[2]string{"tokenizer", strings.TrimSpace(s.Tokenizer + " " + s.PreTokenizer)}, [2]string{"chat template", template})
	if m := s.Memory; m != nil {
		fields = append(fields, [2]string{"memory", fmt.Sprintf("%s: weights %s, and %s of keys and values for %s tokens", size(m.Total), size(m.Weights), size(m.KVCache), humanize.Comma(int64(m.Context)))})
	}
	return fields
}

// fits says whether so many bytes are available.
func fits(need int64, available *int64) string {
	if available == nil {
		return "available memory unknown"
	}
	has := humanize.IBytes(uint64(*available)) + " available"
	if need > *available {
		return "too small: " + has
	}
	return "has it: " + has
}
