package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/local"
)

// samplingFlags adds the flags that say how tokens are chosen.
func samplingFlags(cmd *cobra.Command, s *engine.Sampling) {
	f := cmd.Flags()
	f.Float64Var(&s.Temperature, "temp", 0, "temperature; 0 is greedy")
	f.IntVar(&s.TopK, "top-k", 0, "choose among the k likeliest tokens; 0 is off")
	f.Float64Var(&s.TopP, "top-p", 0, "choose among the likeliest tokens of this total probability; 0 is off")
	f.Float64Var(&s.MinP, "min-p", 0, "choose among tokens at least this likely, relative to the likeliest; 0 is off")
	f.Uint64Var(&s.Seed, "seed", 1, "seed of the choice")
}

func newGenerateCommand() *cobra.Command {
	var (
		target, prompt string
		chat           bool
		req            engine.Request
		opt            local.Options
	)
	cmd := &cobra.Command{
		Use:   "generate -m MODEL [-p PROMPT]",
		Short: "Continue a prompt",
		Long: `Generate prints what a model says after a prompt: the new text alone on standard output, as it
comes. With --chat the prompt is a user's message, rendered by the model's chat template;
otherwise the model sees it as it stands. Without --prompt it is read from standard input.`,
		Example: `  assay generate -m tiny -p $'Q: What is 17 + 25?\nA:' --stop $'\n'
  assay generate -m llama-3.2-1b.gguf --chat -p "Name three rivers." -n 100 --temp 0.7`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("prompt") {
				text, err := io.ReadAll(cmd.InOrStdin())
				if err != nil {
					return fmt.Errorf("prompt: %w", err)
				}
				prompt = string(text)
			}
			if req.MaxTokens < 0 {
				return usagef("--tokens %d: want 0 or more", req.MaxTokens)
			}
			e, err := openTarget(target, opt)
			if err != nil {
				return err
			}
			defer e.Close()
			if chat {
				if !e.Info().Chat {
					return usagef("--chat: %s has no chat template", target)
				}
				req.Messages = []engine.Message{{Role: engine.User, Content: prompt}}
			} else {
				req.Prompt = prompt
			}
			var broken error
			out := cmd.OutOrStdout()
			resp, err := e.Generate(cmd.Context(), req, func(c engine.Chunk) {
				if broken == nil && !c.Reasoning {
					_, broken = io.WriteString(out, c.Text)
				}
			})
			if errors.Is(err, engine.ErrBadRequest) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			if broken != nil {
				return fmt.Errorf("standard output: %w", broken)
			}
			if f, ok := out.(*os.File); ok && isTerminal(f) {
				fmt.Fprintln(out)
				fmt.Fprintf(cmd.ErrOrStderr(), "%d tokens in, %d out, ended by %s\n", resp.Usage.Input, resp.Usage.Output, resp.Stop)
			}
			return nil
		},
	}
	f := cmd.Flags()
	modelFlag(cmd, &target)
	f.StringVarP(&prompt, "prompt", "p", "", "text to continue (default: standard input)")
	f.BoolVar(&chat, "chat", false, "render the prompt by the model's chat template")
	f.IntVarP(&req.MaxTokens, "tokens", "n", 0, "most tokens to generate; 0 is up to the end of the context")
	f.StringArrayVar(&req.Stop, "stop", nil, "text that ends the answer; may be repeated")
	f.IntVar(&opt.Context, "context", 0, "tokens of context (default: the model's, at most 4096)")
	f.IntVarP(&opt.Threads, "threads", "t", 0, "threads that compute (default: all usable cores)")
	samplingFlags(cmd, &req.Sampling)
	return cmd
}

// modelFlag adds -m, which names the one model of a command.
func modelFlag(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVarP(target, "model", "m", "", "GGUF file, Hugging Face folder, llama2.c file, or an embedded model's name")
	cobra.CheckErr(cmd.MarkFlagRequired("model"))
}
