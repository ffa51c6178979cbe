package bench

import "time"

// TTFT is the time to first token: from when the request was due to its first non-empty piece
// of output, reasoning included. Not ok where no output came.
func (m Measurement) TTFT() (d time.Duration, ok bool) { return m.First, m.First > 0 }

// E2E is the time from when the request was due to its last non-empty piece of output.
// Not ok where no output came.
func (m Measurement) E2E() (d time.Duration, ok bool) { return m.Last, m.First > 0 }

// Delay is how late the request went out: from when it was due until Generate was called. Under a
// closed pattern it is the harness's own doing, under an open one also the machine's.
func (m Measurement) Delay() time.Duration { return m.Sent }

// TPOT is the time per output token after the first, (E2E - TTFT)/(output - 1). Not ok with
// fewer than two output tokens, or where no output came.
func (m Measurement) TPOT() (d time.Duration, ok bool) {
	if m.First <= 0 || m.Usage.Output < 2 {
		return 0, false
	}
	return (m.Last - m.First) / time.Duration(m.Usage.Output-1), true
}

// DecodePerSec is output tokens per second after the first, (output - 1)/(last - first). Not ok
// with fewer than two output tokens, or where all output came at one instant: an engine that
// does not stream.
func (m Measurement) DecodePerSec() (perSec float64, ok bool) {
	if m.First <= 0 || m.Usage.Output < 2 || m.Last <= m.First {
		return 0, false
	}
	return float64(m.Usage.Output-1) / (m.Last - m.First).Seconds(), true
}

// PrefillPerSec is input tokens per second until the first output: tokens that were not
// cached over the time from sending to the first piece. It therefore includes one step of
// decoding and any wait for other requests. Not ok where no output came or nothing was left to read.
func (m Measurement) PrefillPerSec() (perSec float64, ok bool) {
	fresh := m.Usage.Input - m.Usage.CachedInput
	if m.First <= m.Sent || fresh <= 0 {
		return 0, false
	}
	return float64(fresh) / (m.First - m.Sent).Seconds(), true
}

// OutputPerSec is all output tokens over the whole request, due until done: what one caller
// gets. Not ok where there was no output.
func (m Measurement) OutputPerSec() (perSec float64, ok bool) {
	if m.Done <= 0 || m.Usage.Output == 0 {
		return 0, false
	}
	return float64(m.Usage.Output) / m.Done.Seconds(), true
}

// JoulesPerToken is energy per output token. Not ok where either is unknown.
func (m Measurement) JoulesPerToken() (joules float64, ok bool) {
	if m.Joules == nil || m.Usage.Output == 0 {
		return 0, false
	}
	return *m.Joules / float64(m.Usage.Output), true
}

// Answered says whether the model completed an answer, judged or not: such an outcome never needs
// to be asked again.
func (o Outcome) Answered() bool { return o.Stop != "" && o.Stop != stopCancel }

// Complete says whether nothing is left to do: answered and judged.
func (o Outcome) Complete() bool { return o.Answered() && o.Err == "" && o.Score != nil }

// Throughput is output tokens per second of wall time over outcomes that were under way
// together: all their tokens over the time from the first that was due to the last that was done, ramp
// and drain included. Not ok without output. Outcomes of different tasks or models do not belong
// together: between their timed phases lies time that is not theirs.
func Throughput(outcomes []Outcome) (perSec float64, ok bool) {
	var first, last time.Time
	tokens := 0
	for _, o := range outcomes {
		if !o.Answered() {
			continue
		}
		if first.IsZero() || o.Due.Before(first) {
			first = o.Due
		}
		if end := o.Due.Add(o.Done); end.After(last) {
			last = end
		}
		tokens += o.Usage.Output
	}
	if tokens == 0 || !last.After(first) {
		return 0, false
	}
	return float64(tokens) / last.Sub(first).Seconds(), true
}
