package generate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Programming languages a function can be asked in.
const (
	JavaScript = "javascript"
	Python     = "python"
)

// codeFamilies lists the tasks of the code pack: functions composed of a growing number of steps.
// What is judged is what the function returns, on inputs that the prompt does not show.
func codeFamilies() []Family {
	languages := []string{JavaScript, Python}
	return []Family{
		{Pack: "code", Name: "arithmetic", Title: "functions of a number", MinLevel: 1, MaxLevel: 6, Answer: Program, Languages: languages, weight: 1, make: makeArithmetic},
		{Pack: "code", Name: "list", Title: "functions of a list of numbers", MinLevel: 1, MaxLevel: 6, Answer: Program, Languages: languages, weight: 1, make: makeList},
		{Pack: "code", Name: "string", Title: "functions of a text", MinLevel: 1, MaxLevel: 6, Answer: Program, Languages: languages, weight: 1, make: makeString},
	}
}

// codeSteps[level] is how many steps a function has.
var codeSteps = [...]int{1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32}

// A Case is one hidden test: f(In...) must return Out.
type Case struct {
	In  []any `json:"in"`
	Out any   `json:"out"`
}

// binding says how tightly an expression holds together.
type binding int

const (
	loose binding = iota // sums
	tight                // products
	atom                 // names, calls, brackets
)

// expr is an expression in both languages.
type expr struct {
	js, py         string
	jsBind, pyBind binding
}

// at gives the expression's text for a place that needs at least the binding b.
func (e expr) at(b binding) (js, py string) {
	js, py = e.js, e.py
	if e.jsBind < b {
		js = "(" + js + ")"
	}
	if e.pyBind < b {
		py = "(" + py + ")"
	}
	return js, py
}

// step is one thing a function does to a value of type T.
type step[T any] struct {
	say    string // "adds 3 to it"; %s stands for what it is done to
	key    string // the step's canonical text
	write  func(e expr) expr
	result func(T) (T, bool) // false: the value leaves the range where both languages agree
	edge   T                 // an input that tells the step from its near misses, as > from >=; may be zero
}

// assemble chains steps into an item; each candidate comes from draw and is kept where every input
// stays in range.
func assemble[T any](rng *rand.Rand, level int, p Params, param string, inputs []T, draw func(rng *rand.Rand, level int) step[T]) (Item, error) {
	values := append([]T(nil), inputs...)
	e := expr{js: param, py: param, jsBind: atom, pyBind: atom}
	var says, keys []string
	var steps []step[T]
	for tries := 0; len(says) < codeSteps[level]; tries++ {
		if tries > 100*codeSteps[level] {
			return Item{}, fmt.Errorf("no step fits after %v", keys)
		}
		s := draw(rng, level)
		next := make([]T, len(values))
		fits := true
		for i, v := range values {
			var ok bool
			if next[i], ok = s.result(v); !ok {
				fits = false
				break
			}
		}
		if !fits {
			continue
		}
		object := param
		if len(says) > 0 {
			object = "the result"
		}
		says = append(says, fmt.Sprintf(s.say, object))
		keys = append(keys, s.key)
		e, values, steps = s.write(e), next, append(steps, s)
	}
	meta := map[string]string{"language": p.Language, "function": "f"}
	if !p.train {
		tests, err := json.Marshal(casesOf(inputs, values, steps))
		if err != nil {
			return Item{}, err
		}
		meta["tests"] = string(tests)
	}
	title, target := "JavaScript", fmt.Sprintf("function f(%s) { return %s; }", param, e.js)
	if p.Language == Python {
		title, target = "Python", fmt.Sprintf("def f(%s): return %s", param, e.py)
	}
	return Item{
		Canonical: "f(" + param + "): " + strings.Join(keys, ", "),
		Prompt:    question("Write a one-line %s function f(%s) that %s.", title, param, strings.Join(says, ", then ")),
		Target:    target,
		Meta:      meta,
	}, nil
}

// casesOf pairs inputs with values, and adds each step's edge where it stays in range.
func casesOf[T any](inputs, values []T, steps []step[T]) []Case {
	cases := make([]Case, len(inputs))
	for i := range inputs {
		cases[i] = Case{In: []any{inputs[i]}, Out: values[i]}
	}
	for _, s := range steps {
		v, ok := s.edge, true
		for _, t := range steps {
			if v, ok = t.result(v); !ok {
				break
			}
		}
		if ok {
			cases = append(cases, Case{In: []any{s.edge}, Out: v})
		}
	}
	return cases
}

// safe is the largest integer that JavaScript's numbers hold exactly.
const safe = 1<<53 - 1

func inRange(v int64) (int64, bool) { return v, v >= -safe && v <= safe }

func makeArithmetic(rng *rand.Rand, level int, p Params) (Item, error) {
	inputs := []int64{0, 1, 2, 3, 7, 10, 25, 100}
	for range 4 {
		inputs = append(inputs, int64(between(rng, 11, 999)))
	}
	return assemble(rng, level, p, "x", inputs, drawArithmetic)
}

func drawArithmetic(rng *rand.Rand, level int) step[int64] {
	top, kinds := 999, 3
	if level > 1 {
		top = 99
	}
	if level > 2 {
		top, kinds = 20, 8
	}
	c := int64(between(rng, 2, top))
	s := arithmeticStep(rng.IntN(kinds), c)
	s.edge = c
	return s
}

func arithmeticStep(kind int, c int64) step[int64] {
	switch kind {
	case 0:
		return step[int64]{
			say:    fmt.Sprintf("adds %d to %%s", c),
			key:    fmt.Sprintf("+ %d", c),
			write:  func(e expr) expr { return infix(e, loose, "+", c) },
			result: func(v int64) (int64, bool) { return inRange(v + c) },
		}
	case 1:
		return step[int64]{
			say:    fmt.Sprintf("subtracts %d from %%s", c),
			key:    fmt.Sprintf("- %d", c),
			write:  func(e expr) expr { return infix(e, loose, "-", c) },
			result: func(v int64) (int64, bool) { return inRange(v - c) },
		}
	case 2:
		return step[int64]{
			say:    fmt.Sprintf("multiplies %%s by %d", c),
			key:    fmt.Sprintf("* %d", c),
			write:  func(e expr) expr { return infix(e, tight, "*", c) },
			result: func(v int64) (int64, bool) { return inRange(v * c) },
		}
	case 3: // only of what is not negative: the languages' remainders differ below 0
		return step[int64]{
			say: fmt.Sprintf("takes the remainder of %%s divided by %d", c*7),
			key: fmt.Sprintf("%% %d", c*7),
			write: func(e expr) expr {
				e = infix(e, tight, "%", c*7)
				return e
			},
			result: func(v int64) (int64, bool) { return v % (c * 7), v >= 0 },
		}
	case 4:
		return step[int64]{
			say:    fmt.Sprintf("takes the larger of %%s and %d", c),
			key:    fmt.Sprintf("max %d", c),
			write:  func(e expr) expr { return call(e, "Math.max", "max", c) },
			result: func(v int64) (int64, bool) { return max(v, c), true },
		}
	case 5:
		return step[int64]{
			say:    fmt.Sprintf("takes the smaller of %%s and %d", c*50),
			key:    fmt.Sprintf("min %d", c*50),
			write:  func(e expr) expr { return call(e, "Math.min", "min", c*50) },
			result: func(v int64) (int64, bool) { return min(v, c*50), true },
		}
	case 6:
		return step[int64]{
			say: fmt.Sprintf("divides %%s by %d rounding down", c),
			key: fmt.Sprintf("floor / %d", c),
			write: func(e expr) expr {
				js, py := e.at(tight)
				return expr{fmt.Sprintf("Math.floor(%s / %d)", js, c), fmt.Sprintf("%s // %d", py, c), atom, tight}
			},
			result: func(v int64) (int64, bool) { return v / c, v >= 0 },
		}
	default:
		return step[int64]{
			say: fmt.Sprintf("adds %d to %%s if it is even and otherwise multiplies it by %d", c, 3),
			key: fmt.Sprintf("even ? + %d : * 3", c),
			write: func(e expr) expr {
				return expr{
					fmt.Sprintf("(v => v %% 2 === 0 ? v + %d : v * 3)(%s)", c, e.js),
					fmt.Sprintf("(lambda v: v + %d if v %% 2 == 0 else v * 3)(%s)", c, e.py), atom, atom,
				}
			},
			result: func(v int64) (int64, bool) {
				if v%2 == 0 {
					return inRange(v + c)
				}
				return inRange(v * 3)
			},
		}
	}
}

// infix writes e op c.
func infix(e expr, b binding, op string, c int64) expr {
	js, py := e.at(b)
	return expr{fmt.Sprintf("%s %s %d", js, op, c), fmt.Sprintf("%s %s %d", py, op, c), b, b}
}

// call writes name(e, c).
func call(e expr, js, py string, c int64) expr {
	return expr{fmt.Sprintf("%s(%s, %d)", js, e.js, c), fmt.Sprintf("%s(%s, %d)", py, e.py, c), atom, atom}
}
