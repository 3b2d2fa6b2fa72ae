package cost

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write operations.json from the page with what was counted")

var use = regexp.MustCompile("`([^`]+)`")

// TestOperationsAreThoseCounted holds the table that is built in against the page that
// tests/costs writes.
func TestOperationsAreThoseCounted(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "services", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Operations
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| what") {
			continue
		}
		o := Operations{How: strings.TrimSpace(cells[1])}
		for _, m := range use.FindAllStringSubmatch(cells[0], -1) {
			o.Uses = append(o.Uses, m[1])
		}
		if o.Uses == nil {
			o.Uses = []string{strings.TrimSpace(cells[0])}
		}
		if o.Uses[0] == "legacySSE" {
			continue // by the minute of a stream, and not by the call
		}
		switch o.Uses[0] { // the page says which others count alike
		case "llm-token-limit":
			o.Uses = append(o.Uses, "azure-openai-token-limit")
		case "cache-lookup":
			o.Uses = append(o.Uses, "cache-lookup-value", "cache-store-value")
		}
		o.Reads, o.Writes = number(t, cells[2]), number(t, cells[3])
		// The page has the price, of which a read unit is an eighth and a write unit
		// five eighths of a dollar for a million.
		o.ReadUnits = o.Reads
		o.WriteUnits = max(o.Writes, math.Round((number(t, cells[5])-o.Reads*0.125)/0.625*100)/100)
		rows = append(rows, o)
	}
	if len(rows) < 20 {
		t.Fatalf("got %d rows from the page, want all of them", len(rows))
	}
	want, err := json.Marshal(rows, jsontext.Multiline(true))
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("operations.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(want) != string(operationsFile) {
		t.Error("operations.json is stale: go test ./shared/cost -update writes it")
	}
}

func number(t *testing.T, cell string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(cell), "$"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func prices(t *testing.T) *Prices {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "local", "prices.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPrices(content)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func load() Load {
	return Load{Calls: 1e6, LatencyMS: 200, Hours: 730, FlexMB: 512, FlexConcurrency: 4, LambdaMB: 256, Arch: "arm64"}
}

// TestBills has bills that were worked out by hand, with the prices of 2026-11-23.
func TestBills(t *testing.T) {
	p := prices(t)
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.005*math.Max(1, want) {
			t.Errorf("%s: got %.4f, want %.4f", name, got, want)
		}
	}
	l := load()
	// 1,000,000 calls of a second at least and 0.5 GB are 500,000 GB-s, 100,000 free.
	near("flex, alone", l.Flex(p).High, 400_000*0.000026+0.75*0.40)
	// Calls come at a rate of 0.3805 a second, so an instance is busy for 1-e^-0.3805.
	near("flex, at random", l.Flex(p).Low, (0.5*730*3600*(1-math.Exp(-1e6/(730*3600.0)))-100_000)*0.000026+0.75*0.40)
	near("lambda", l.Lambda(p).Low, 0) // 50,000 GB-s and a million requests are free
	l.Calls, l.Uses = 100e6, []string{"quota"}
	near("lambda, many", l.Lambda(p).High, (100e6*0.2*0.25-400_000)*0.0000133334+99*0.20+100*0.75)
	near("tables, many", l.Flex(p).Lines[2].High, 100*0.072)
	near("flex, full", l.Flex(p).Lines[0].Low, (0.5*100e6*0.2/4-100_000)*0.000026)
	l.LogBytes = 1000
	near("logs", l.Flex(p).Lines[3].Low, 100*2.30)
	for _, b := range l.Tiers(p) {
		if b.Where == "API Management Consumption" {
			near("consumption", b.Low, 99*3.5)
		}
	}
	l.Hours = 1 // 27,778 calls a second
	for _, b := range l.Tiers(p) {
		if b.Where == "API Management Standard" && (b.Lines[0].How != "12" || b.Note == "") {
			t.Errorf("got %+v, want 12 units, and that there are fewer", b)
		}
	}
	for _, b := range []Bill{l.Flex(p), l.Lambda(p)} {
		if b.Low > b.High {
			t.Errorf("%s: got %v to %v", b.Where, b.Low, b.High)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*Load){
		"calls": func(l *Load) { l.Calls = math.NaN() }, "latency": func(l *Load) { l.LatencyMS = 0 }, "hours": func(l *Load) { l.Hours = 731 },
		"concurrency": func(l *Load) { l.FlexConcurrency = 0 }, "logs": func(l *Load) { l.LogBytes = -1 },
		"set-header": func(l *Load) { l.Uses = []string{"set-header"} },
	} {
		l := load()
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		change(&l)
		if err := l.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReadPrices(t *testing.T) {
	for in, want := range map[string]string{
		`{`:                       "reading the prices",
		`{"dates":"x"}`:           "dates",
		`{"date":"x"}`:            `"flex.gigabyteSecond"`,
		`{"tiers":[{"name":""}]}`: "tier",
	} {
		if _, err := ReadPrices([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
	if p := prices(t); len(p.Sources) == 0 || fmt.Sprint(p.Date) == "" {
		t.Error("got prices without sources")
	}
}
