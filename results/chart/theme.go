package chart

import "image/color"

// theme holds the colours of a chart.
type theme struct {
	paper color.NRGBA // behind everything
	ink   color.NRGBA // titles, the labels that matter
	mute  color.NRGBA // axes, notes, the labels that matter less
	grid  color.NRGBA
	area  color.NRGBA // under the frontier
	hues  []color.NRGBA
}

// The hues are Okabe and Ito's, told apart by people with any common colour vision
// (https://jfly.uni-koeln.de/color/), the dark ones raised to the same contrast. A family past
// the last hue gets the muted colour.

func light() theme {
	return theme{
		paper: rgb(0xffffff), ink: rgb(0x1b1f27), mute: rgb(0x667080), grid: rgb(0xe7e9ee), area: faded(rgb(0x1b1f27), 10),
		hues: []color.NRGBA{rgb(0x0072b2), rgb(0xd55e00), rgb(0x009e73), rgb(0xa6447c), rgb(0x2b9fd9), rgb(0xb8860b)},
	}
}

func night() theme {
	return theme{
		paper: rgb(0x12151c), ink: rgb(0xedf0f5), mute: rgb(0x97a0af), grid: rgb(0x262b36), area: faded(rgb(0xedf0f5), 14),
		hues: []color.NRGBA{rgb(0x56b4e9), rgb(0xf0863a), rgb(0x35c79a), rgb(0xe08fbd), rgb(0x9fd3f2), rgb(0xf0d264)},
	}
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func faded(c color.NRGBA, alpha uint8) color.NRGBA { c.A = alpha; return c }

// hue returns the colour of the i-th family.
func (t theme) hue(i int) color.NRGBA {
	if i < 0 || i >= len(t.hues) {
		return t.mute
	}
	return t.hues[i]
}

// families returns the distinct names in order of first appearance.
func families(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, n := range names {
		if n != "" && !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}
