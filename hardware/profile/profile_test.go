package profile

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestEveryMachineIsWholeAndSourced(t *testing.T) {
	all := Machines()
	if !slices.IsSortedFunc(all, func(a, b Machine) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("machines are not sorted by name")
	}
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		if u, err := url.Parse(m.Source); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%s: source %q is no https address", m.Name, m.Source)
		}
		if _, err := time.Parse(time.DateOnly, m.Checked); err != nil {
			t.Errorf("%s: checked %q: %v", m.Name, m.Checked, err)
		}
		if usd, err := strconv.ParseFloat(m.USDPerHour, 64); err != nil || !(usd > 0 && usd < 1000) {
			t.Errorf("%s: price %q", m.Name, m.USDPerHour)
		}
		if m.GPU == "" || m.Provider == "" || m.GPUs < 1 || m.GPUGB <= 0 || m.VCPUs < 1 || m.MemoryGB <= 0 {
			t.Errorf("%s: incomplete: %+v", m.Name, m)
		}
		if found, ok := Find(m.Name); !ok || found != m {
			t.Errorf("Find(%q) = %+v, %v", m.Name, found, ok)
		}
		if title := m.Title(); !strings.Contains(title, m.USDPerHour) || !strings.Contains(title, m.Checked) {
			t.Errorf("Title() = %q lacks the price or its date", title)
		}
	}
	if _, ok := Find("nobody/nothing"); ok {
		t.Error("Find finds a machine that is not there")
	}
}

// TestMachinesAgreeWithOffers checks every figure against a collection of published offers.
func TestMachinesAgreeWithOffers(t *testing.T) {
	text, err := os.ReadFile(sharedData(t, "prices/gpu-rental/offerings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var offers []struct {
		Provider string      `json:"provider_id"`
		GPU      string      `json:"gpu_model"`
		VRAM     float64     `json:"vram_gb"`
		Link     *string     `json:"interconnect"`
		Tier     string      `json:"tier"`
		USD      json.Number `json:"price_usd_hour"`
		VCPU     *int        `json:"vcpu"`
		RAM      *float64    `json:"ram_gb"`
		Source   string      `json:"source_url"`
		Day      string      `json:"collected_at"`
	}
	if err := json.Unmarshal(text, &offers); err != nil {
		t.Fatal(err)
	}
	for _, m := range Machines() {
		matched := false
		for _, o := range offers {
			link := ""
			if o.Link != nil {
				link = *o.Link
			}
			matched = matched || o.Provider == strings.ToLower(m.Provider) && (o.Tier == "on-demand" || o.Tier == "secure") &&
				o.GPU == m.GPU && o.VRAM == m.GPUGB && link == m.Link && o.USD.String() == m.USDPerHour &&
				o.VCPU != nil && *o.VCPU == m.VCPUs && o.RAM != nil && *o.RAM == m.MemoryGB && o.Source == m.Source && o.Day == m.Checked
		}
		if !matched {
			t.Errorf("%s: no offer agrees with %+v", m.Name, m)
		}
	}
}

// sharedData finds a public data file beside the checkout, or skips; with CI set its absence is a failure.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	dir, _ := os.Getwd()
	roots := []string{os.Getenv("ASSAY_SHARED")}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		file := filepath.Join(root, "data", name)
		if _, err := os.Stat(file); root != "" && err == nil {
			return file
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("public data %s is not there; set ASSAY_SHARED", name)
	}
	t.Skipf("public data %s is not there; set ASSAY_SHARED", name)
	return ""
}
