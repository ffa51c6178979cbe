package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	update = flag.Bool("update", false, "rewrite the pictures in testdata")
	keep   = flag.String("keep", "", "write every chart a test draws to this folder")
)

var nan = math.NaN()

// around makes a value with a symmetric interval.
func around(v, half float64) Value { return Value{v, v - half, v + half} }

func scatter() CostQualityInput {
	in := CostQualityInput{
		Subtitle: "Arithmetic, code, four languages and long context, 400 questions a model, greedy.",
		XTitle:   "US dollars per million output tokens",
		Source:   "assay v0.1, AMD EPYC 9B14 (2 cores) on 22 November 2026, n = 400. Machine at $0.0475 per hour (assumed); list prices of 20 November 2026. Invented numbers: a drawing test.",
	}
	for _, r := range []struct {
		name, family  string
		cost, quality float64
	}{
		{"Qwen2.5-0.5B Q8_0", "Qwen", 0.31, 35.5}, {"Qwen2.5-0.5B Q4_0", "Qwen", 0.25, 34}, {"Llama-3.2-1B Q4_0", "Llama", 0.48, 43},
		{"Qwen2.5-1.5B Q4_0", "Qwen", 0.7, 62}, {"Qwen2.5-1.5B Q8_0", "Qwen", 0.9, 63}, {"Llama-3.2-3B Q4_0", "Llama", 1.6, 71},
		{"Qwen2.5-3B Q4_0", "Qwen", 1.5, 73}, {"SmolLM2-135M", "SmolLM", 0.09, 12}, {"SmolLM2-360M", "SmolLM", 0.17, 21.5},
		{"通义千问 7B", "国产 模型", 4.7, 82.5}, {"深度求索 R1 蒸馏", "国产 模型", 4.1, 84},
	} {
		half := 196 * math.Sqrt(r.quality/100*(1-r.quality/100)/400)
		in.Measured = append(in.Measured, Point{Name: r.name, Family: r.family, Cost: Value{r.cost, r.cost / 1.08, r.cost * 1.08}, Accuracy: around(r.quality, half)})
	}
	for _, l := range []struct {
		name string
		cost float64
	}{
		{"gpt-5-nano", 0.40}, {"gpt-5-mini", 2}, {"gpt-5", 10}, {"claude-haiku-4.5", 5}, {"claude-sonnet-4.5", 15}, {"claude-opus-4.5", 25},
		{"gemini-2.5-flash-lite", 0.40}, {"gemini-2.5-flash", 2.5}, {"gemini-2.5-pro", 10}, {"deepseek-chat", 0.42}, {"mistral-small", 0.30}, {"grok-4-fast", 0.50}, {"qwen3-max", 6},
	} {
		in.Listed = append(in.Listed, Listed{l.name, l.cost})
	}
	return in
}

func board(models int) LeaderboardInput {
	in := LeaderboardInput{
		Title:    "Small models on two cores",
		Subtitle: "Share of questions answered right, greedy decoding, each task at level 2. Bars: 95% intervals.",
		Source:   "assay v0.1, AMD EPYC 9B14 (2 cores) on 22 November 2026. Machine at $0.0475 per hour (assumed). Invented numbers: a drawing test.",
		Panels:   []Panel{{"Overall", "n = 400"}, {"Math", "n = 100"}, {"Code", "n = 100"}, {"Multilingual", "n = 100"}, {"Long context", "n = 100"}},
		Columns:  []Column{{"Decode", "tokens/s"}, {"TTFT", "p50, ms"}, {"Cost", "$ per correct"}},
	}
	for i := range models {
		r := Row{Name: fmt.Sprintf("model-%d Q8_0", i+1), Family: []string{"Qwen", "Llama", "SmolLM"}[i%3]}
		for k := range in.Panels {
			q := math.Min(100, math.Max(0, 92-float64(i)*8.3+float64((k*7+i*5)%11)))
			half := 196 * math.Sqrt(q/100*(1-q/100)/100)
			r.Cells = append(r.Cells, Cell{Value{q, math.Max(0, q-half), math.Min(100, q+half)},
				[]string{fmt.Sprintf("%.0f", 300/float64(i+1)), fmt.Sprint(120 + 31*i + k), fmt.Sprintf("%.4f", 0.0004*float64(i+1+k))}})
		}
		in.Rows = append(in.Rows, r)
	}
	return in
}

// charts are all the pictures: name and how to draw it.
func charts() map[string]func(f Format, dark bool) ([]byte, error) {
	cost := func(change func(*CostQualityInput)) func(Format, bool) ([]byte, error) {
		return func(f Format, dark bool) ([]byte, error) {
			in := scatter()
			change(&in)
			in.Dark = dark
			var b bytes.Buffer
			err := CostQuality(&b, f, in)
			return b.Bytes(), err
		}
	}
	lead := func(n int, change func(*LeaderboardInput)) func(Format, bool) ([]byte, error) {
		return func(f Format, dark bool) ([]byte, error) {
			in := board(n)
			change(&in)
			in.Dark = dark
			var b bytes.Buffer
			err := Leaderboard(&b, f, in)
			return b.Bytes(), err
		}
	}
	return map[string]func(Format, bool) ([]byte, error){
		"cost": cost(func(*CostQualityInput) {}),
		"cost-one": cost(func(in *CostQualityInput) {
			in.Measured, in.Listed = in.Measured[:1], nil
		}),
		"cost-tiny": cost(func(in *CostQualityInput) {
			in.Measured = []Point{
				{Name: "tiny", Family: "reference", Cost: Value{0.0021, 0.0019, 0.0024}, Accuracy: Value{41, 36.2, 46}},
				{Name: "small", Family: "reference", Cost: Value{0.0068, 0.0061, 0.0077}, Accuracy: Value{63, 58, 67.7}},
			}
		}),
		"cost-zero": cost(func(in *CostQualityInput) {
			in.XTitle = "US dollars per correct answer"
			in.Listed = nil
			in.Measured = []Point{
				{Name: "never right", Family: "Qwen", Cost: Value{nan, 0.02, math.Inf(1)}, Accuracy: Value{0, 0, 3.7}, Note: "no correct answer: above $0.02 each"},
				{Name: "a model with a name that is really far too long for any chart, q4_k_m", Family: "Llama", Cost: Value{0.00004, 0.00003, nan}, Accuracy: Value{100, 96.3, 100}},
				{Name: "not asked", Family: "Llama", Cost: around(1, 0.1), Accuracy: Value{nan, nan, nan}},
				{Name: "seldom right", Family: "Qwen", Cost: Value{0.003, 0.001, 0.02}, Accuracy: Value{1, 0.2, 5}},
			}
		}),
		"cost-listed": cost(func(in *CostQualityInput) { in.Measured = nil }),
		"board":       lead(6, func(*LeaderboardInput) {}),
		"board-one": lead(1, func(in *LeaderboardInput) {
			in.Rows[0].Name = "tiny"
			in.Rows[0].Cells[2].Score = Value{nan, nan, nan}
			in.Rows[0].Cells[3].Score = Value{0, 0, 3.7}
			in.Rows[0].Cells[3].Texts[2] = "–"
		}),
		"board-two": lead(2, func(in *LeaderboardInput) {
			in.Rows[0].Name, in.Rows[1].Name = "small", "tiny"
			in.Rows[1].Cells[3].Score = Value{0, 0, 3.7}
		}),
		"board-three": lead(3, func(in *LeaderboardInput) {}),
		"board-many": lead(12, func(in *LeaderboardInput) {
			in.Rows[3].Name = "深度求索 R1 蒸馏 Qwen 7B"
			in.Rows[5].Name = "an-organisation/a-model-with-a-very-long-name-7B-instruct-Q4_K_M"
			in.Rows[4].Cells[4].Score = Value{100, 96.3, 100}
		}),
		"board-crowd": lead(30, func(*LeaderboardInput) {}),
	}
}

// goldens are the pictures kept in testdata, at a quarter of the size.
var goldens = []string{"cost.png", "cost-dark.png", "cost-zero.png", "board-two.png", "board-many.png", "board-many-dark.png"}

func TestPictures(t *testing.T) {
	all := charts()
	for name, draw := range all {
		for _, dark := range []bool{false, true} {
			file := name + ".png"
			if dark {
				file = name + "-dark.png"
			}
			golden := slices.Contains(goldens, file)
			if dark && !golden && *keep == "" {
				continue // the same shapes in other colours
			}
			t.Run(file, func(t *testing.T) {
				data, err := draw(PNG, dark)
				if err != nil {
					t.Fatal(err)
				}
				if *keep != "" {
					if err := os.WriteFile(filepath.Join(*keep, file), data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				picture, err := png.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				if size := picture.Bounds().Size(); size != image.Pt(1680, 1050) {
					t.Errorf("size %v, want 1680×1050", size)
				}
				if !golden {
					return
				}
				got := quarter(picture)
				path := filepath.Join("testdata", file)
				if *update {
					var b bytes.Buffer
					if err := png.Encode(&b, got); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				kept, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				want, err := png.Decode(bytes.NewReader(kept))
				if err != nil {
					t.Fatal(err)
				}
				if mean, worst := difference(want, got); mean > tolerance || worst > worstTolerance {
					t.Errorf("differs from %s: %.3f on average and %d at worst, of 255; -keep writes the picture, -update the golden", path, mean, worst)
				}
			})
		}
	}
}

// Rounding differs between architectures by less than this; a word that moved, by more
// (TestDifferenceNotices).
const (
	tolerance      = 0.05
	worstTolerance = 40
)

// quarter shrinks a picture to a quarter of its width and height by averaging.
func quarter(m image.Image) *image.Gray {
	b := m.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx()/4, b.Dy()/4))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			sum := 0
			for dy := range 4 {
				for dx := range 4 {
					sum += int(color.GrayModel.Convert(m.At(b.Min.X+4*x+dx, b.Min.Y+4*y+dy)).(color.Gray).Y)
				}
			}
			out.SetGray(x, y, color.Gray{Y: uint8(sum / 16)})
		}
	}
	return out
}

// difference returns the mean and the largest difference of two grey pictures.
func difference(a image.Image, b *image.Gray) (mean float64, worst int) {
	if a.Bounds() != b.Bounds() {
		return 255, 255
	}
	sum := 0
	for y := range b.Rect.Dy() {
		for x := range b.Rect.Dx() {
			d := int(color.GrayModel.Convert(a.At(x, y)).(color.Gray).Y) - int(b.GrayAt(x, y).Y)
			d = max(d, -d)
			sum += d
			worst = max(worst, d)
		}
	}
	return float64(sum) / float64(b.Rect.Dx()*b.Rect.Dy()), worst
}

func TestDifferenceNotices(t *testing.T) {
	draw := func(change func(*LeaderboardInput)) *image.Gray {
		in := board(6)
		change(&in)
		var b bytes.Buffer
		if err := Leaderboard(&b, PNG, in); err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		return quarter(m)
	}
	plain := draw(func(*LeaderboardInput) {})
	changed := draw(func(in *LeaderboardInput) { in.Rows[3].Name = "model-9 Q8_0" })
	if mean, worst := difference(plain, changed); mean <= tolerance && worst <= worstTolerance {
		t.Errorf("one changed digit makes %.3f on average and %d at worst: within tolerance", mean, worst)
	}
}

func TestSameBytes(t *testing.T) {
	for name, draw := range charts() {
		if name != "cost" && name != "board-many" {
			continue
		}
		for _, f := range []Format{PNG, SVG} {
			a, err := draw(f, false)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := draw(f, false); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s as %s: two drawings differ (%v)", name, f, err)
			}
		}
	}
}

func TestSVG(t *testing.T) {
	var b bytes.Buffer
	if err := CostQuality(&b, SVG, scatter()); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		if err := os.WriteFile(filepath.Join(*keep, "cost.svg"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := wellFormed(b.Bytes()); err != nil {
		t.Error(err)
	}
	text := b.String()
	for want, there := range map[string]bool{"What accuracy costs": true, "Qwen2.5-3B": true, "@font-face": true, "base64": true, "深": false, "NaN": false} {
		if strings.Contains(text, want) != there {
			t.Errorf("%q in the SVG: %v, want %v", want, !there, there)
		}
	}
	if b.Len() > 2<<20 {
		t.Errorf("SVG of %d bytes: the fallback font is in it", b.Len())
	}
}

// wellFormed checks that data is XML in which no attribute holds a number that is none.
func wellFormed(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := tok.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					return fmt.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	if err := CostQuality(&bytes.Buffer{}, PNG, CostQualityInput{Measured: []Point{{Name: "x", Cost: Exactly(nan)}}}); !errors.Is(err, ErrEmpty) {
		t.Errorf("CostQuality of nothing: %v, want ErrEmpty", err)
	}
	if err := CostQuality(&bytes.Buffer{}, "gif", scatter()); err == nil || !strings.Contains(err.Error(), "gif") {
		t.Errorf("CostQuality as gif: %v, want an error that names the format", err)
	}
}

// Whatever the numbers and names, a chart is drawn or refused, and no NaN reaches the file.
func FuzzCostQuality(f *testing.F) {
	f.Add("a", 0.1, 50.0, 45.0, 55.0, "b", 2.0)
	f.Add("a very long name 模型 \x00\xff", 1e-300, 0.0, math.NaN(), math.Inf(1), "", 1e300)
	f.Add("", -1.0, 1e9, 0.0, 0.0, "x", math.NaN())
	f.Add("x", 5e-324, 100.0, -5.0, 500.0, "y", math.MaxFloat64)
	f.Fuzz(func(t *testing.T, name string, cost, accuracy, lo, hi float64, other string, price float64) {
		in := CostQualityInput{Title: name, Source: other, XTitle: "dollars", Measured: []Point{
			{Name: name, Family: other, Cost: Value{cost, lo, hi}, Accuracy: Value{accuracy, lo, hi}},
			{Name: other, Cost: Exactly(price), Accuracy: Exactly(50)},
		}, Listed: []Listed{{other, price}, {name, cost}}}
		var b bytes.Buffer
		if err := CostQuality(&b, SVG, in); err != nil {
			if !errors.Is(err, ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		if err := wellFormed(b.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}
