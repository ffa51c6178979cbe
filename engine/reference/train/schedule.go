package train

// Schedule is the learning rate over a training: a linear warm-up to Peak, a plateau, and a
// linear fall to zero over the last Decay steps ("warm-up, stable, decay"; Hu et al. 2024,
// MiniCPM, section 4). Before the fall the rate does not depend on Steps, so a training can be
// made longer from any checkpoint of its plateau and still be the one an uninterrupted training
// of the new length would have been.
type Schedule struct {
	Peak   float64 `json:"peak"`
	Warmup int     `json:"warmup"` // steps
	Decay  int     `json:"decay"`  // steps
	Steps  int     `json:"steps"`  // in all
}

// Rate is the learning rate of a step, counted from 0.
func (s Schedule) Rate(step int) float64 {
	rate := s.Peak
	if step < s.Warmup {
		rate *= float64(step+1) / float64(s.Warmup)
	}
	if left := s.Steps - step; left < s.Decay {
		rate *= float64(max(left, 0)) / float64(s.Decay)
	}
	return rate
}
