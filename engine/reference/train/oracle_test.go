package train

import "math"

// oracle is the model once more, in float64, position by position, with no thought of speed: what
// the trainer's forward pass and gradients are compared with. It shares only the order of the
// weights in params.flat.
type oracle struct {
	s Shape
	w []float64
}

// loss is the weighted cross-entropy of a sequence, in nats.
func (o oracle) loss(seq sequence) float64 {
	s := o.s
	rest := o.w
	take := func(n int) []float64 {
		head := rest[:n]
		rest = rest[n:]
		return head
	}
	qd, kvd := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	embed := take(s.Vocab * s.Hidden)
	n := len(seq.tokens) - 1
	x := make([][]float64, n)
	for i := range x {
		x[i] = append([]float64(nil), embed[int(seq.tokens[i])*s.Hidden:][:s.Hidden]...)
	}
	for range s.Layers {
		attnNorm, wq, wk, wv, wo := take(s.Hidden), take(qd*s.Hidden), take(kvd*s.Hidden), take(kvd*s.Hidden), take(s.Hidden*qd)
		ffnNorm, gate, up, down := take(s.Hidden), take(s.FFN*s.Hidden), take(s.FFN*s.Hidden), take(s.Hidden*s.FFN)
		keys, values := make([][]float64, n), make([][]float64, n)
		for i := range x {
			normed := o.norm(x[i], attnNorm)
			keys[i] = o.rope(product(wk, normed), i)
			values[i] = product(wv, normed)
		}
		for i := range x {
			q := o.rope(product(wq, o.norm(x[i], attnNorm)), i)
			mixed := make([]float64, qd)
			for h := range s.Heads {
				kv := h * s.KVHeads / s.Heads
				weights := make([]float64, i+1)
				var sum float64
				for j := range weights {
					var dot float64
					for d := range s.HeadDim {
						dot += q[h*s.HeadDim+d] * keys[j][kv*s.HeadDim+d]
					}
					weights[j] = math.Exp(dot / math.Sqrt(float64(s.HeadDim)))
					sum += weights[j]
				}
				for j, w := range weights {
					for d := range s.HeadDim {
						mixed[h*s.HeadDim+d] += w / sum * values[j][kv*s.HeadDim+d]
					}
				}
			}
			add(x[i], product(wo, mixed))
		}
		for i := range x {
			normed := o.norm(x[i], ffnNorm)
			g, u := product(gate, normed), product(up, normed)
			for j := range g {
				g[j] *= u[j] / (1 + math.Exp(-g[j]))
			}
			add(x[i], product(down, g))
		}
	}
	final := take(s.Hidden)
	var loss float64
	for i := range x {
		if seq.weight[i] == 0 {
			continue
		}
		logits := product(embed, o.norm(x[i], final))
		var sum float64
		for _, l := range logits {
			sum += math.Exp(l)
		}
		loss += float64(seq.weight[i]) * (math.Log(sum) - logits[seq.tokens[i+1]])
	}
	return loss
}

func (o oracle) norm(x, w []float64) []float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	scale := 1 / math.Sqrt(sum/float64(len(x))+o.s.NormEps)
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[i] * scale * w[i]
	}
	return y
}

// rope turns neighbouring pairs of each head by angles that fall geometrically.
func (o oracle) rope(x []float64, pos int) []float64 {
	d := o.s.HeadDim
	for h := 0; h < len(x); h += d {
		for i := 0; i < d; i += 2 {
			sin, cos := math.Sincos(float64(pos) * math.Pow(o.s.RopeTheta, -float64(i)/float64(d)))
			x[h+i], x[h+i+1] = x[h+i]*cos-x[h+i+1]*sin, x[h+i]*sin+x[h+i+1]*cos
		}
	}
	return x
}

// product is w (len(w)/len(x), len(x)) times x.
func product(w, x []float64) []float64 {
	y := make([]float64, len(w)/len(x))
	for i := range y {
		for j, v := range x {
			y[i] += w[i*len(x)+j] * v
		}
	}
	return y
}

func add(x, y []float64) {
	for i := range x {
		x[i] += y[i]
	}
}
