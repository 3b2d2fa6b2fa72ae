package conformance_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"
)

// check is one check of a scenario in the suite's checks.json.
type check struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Description  string `json:"description"`
	Status       string `json:"status"` // SUCCESS, FAILURE, WARNING, SKIPPED or INFO
	ErrorMessage string `json:"errorMessage"`
}

// failed reports whether the check found a fault. The suite counts a warning as
// one as soon as it compares with expected failures, and so do we.
func (c check) failed() bool { return c.Status == "FAILURE" || c.Status == "WARNING" }

// String says what was found.
func (c check) String() string {
	s := fmt.Sprintf("%s %s: %s", c.Status, c.ID, c.Description)
	if c.ErrorMessage != "" {
		s += ": " + c.ErrorMessage
	}
	return s
}

// resultFolder is how the suite names the folder of one scenario's results.
var resultFolder = regexp.MustCompile(`^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$`)

// readResults reads what a run of the suite wrote to dir: the checks of each
// scenario.
func readResults(dir string) (map[string][]check, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the results: %w", err)
	}
	results := map[string][]check{}
	for _, entry := range entries {
		m := resultFolder.FindStringSubmatch(entry.Name())
		if m == nil {
			return nil, fmt.Errorf("reading the results: %q is not named after a scenario", entry.Name())
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name(), "checks.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the suite could not run the scenario
		}
		if err != nil {
			return nil, fmt.Errorf("reading the results: %w", err)
		}
		var checks []check
		if err := json.Unmarshal(data, &checks); err != nil {
			return nil, fmt.Errorf("reading the checks of %s: %w", m[1], err)
		}
		results[m[1]] = checks
	}
	return results, nil
}

// readRequirements returns the scenarios that the suite runs against a server
// for a revision: those that count, then those that it only reports. The
// gateway has to pass both.
func readRequirements(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the requirements: %w", err)
	}
	var file struct {
		Server    []string `yaml:"server"`
		NotScored []struct {
			Scenario string `yaml:"scenario"`
			Leg      string `yaml:"leg"`
		} `yaml:"not_scored"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("reading the requirements: %w", err)
	}
	scenarios := file.Server
	for _, s := range file.NotScored {
		if s.Leg == "server" {
			scenarios = append(scenarios, s.Scenario)
		}
	}
	return scenarios, nil
}

// expectedFailures are the entries of an expected-failures file of the suite:
// "scenario", or "scenario:check" for one check of it.
type expectedFailures []string

// readExpectedFailures reads a file in the suite's own format. Here every entry
// needs a comment that says why it is there.
func readExpectedFailures(path string) (expectedFailures, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the expected failures: %w", err)
	}
	var file struct {
		Server []yaml.Node `yaml:"server"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("reading the expected failures of %s: %w", path, err)
	}
	var expected expectedFailures
	for _, n := range file.Server {
		if n.LineComment == "" && n.HeadComment == "" {
			return nil, fmt.Errorf("%s:%d: %s has no comment: say why it is expected to fail", path, n.Line, n.Value)
		}
		expected = append(expected, n.Value)
	}
	return expected, nil
}

// unknown returns the entries whose scenario is not one of those.
func (e expectedFailures) unknown(scenarios []string) []string {
	return slices.DeleteFunc(slices.Clone(e), func(entry string) bool {
		scenario, _, _ := strings.Cut(entry, ":")
		return slices.Contains(scenarios, scenario)
	})
}

// judge returns what is wrong with the result of a scenario: the checks that
// failed although they were expected to pass, and the entries of expected that
// are stale because all is well.
func (e expectedFailures) judge(scenario string, checks []check) []string {
	if len(checks) == 0 {
		return []string{"it did not run, or checked nothing"}
	}
	var failed []check
	for _, c := range checks {
		if c.failed() {
			failed = append(failed, c)
		}
	}
	var faults []string
	if slices.Contains(e, scenario) {
		if len(failed) == 0 {
			faults = append(faults, "it passes: remove it from the expected failures")
		}
		return faults
	}
	for _, c := range failed {
		if !slices.Contains(e, scenario+":"+c.ID) {
			faults = append(faults, c.String())
		}
	}
	for _, entry := range e {
		s, id, _ := strings.Cut(entry, ":")
		isOf := func(c check) bool { return c.ID == id }
		if s == scenario && slices.ContainsFunc(checks, isOf) && !slices.ContainsFunc(failed, isOf) {
			faults = append(faults, "check "+id+" passes: remove it from the expected failures")
		}
	}
	return faults
}

func TestJudge(t *testing.T) {
	pass, fail := check{ID: "a", Status: "SUCCESS"}, check{ID: "b", Status: "FAILURE", Description: "B", ErrorMessage: "no"}
	warn, skip := check{ID: "c", Status: "WARNING", Description: "C"}, check{ID: "d", Status: "SKIPPED"}
	tests := []struct {
		name     string
		expected expectedFailures
		checks   []check
		want     []string
	}{
		{"passes", nil, []check{pass, skip}, nil},
		{"did not run", nil, nil, []string{"it did not run, or checked nothing"}},
		{"fails", nil, []check{pass, fail, warn}, []string{"FAILURE b: B: no", "WARNING c: C"}},
		{"fails as expected", expectedFailures{"s"}, []check{pass, fail}, nil},
		{"passes unexpectedly", expectedFailures{"s"}, []check{pass}, []string{"it passes: remove it from the expected failures"}},
		{"another one is expected", expectedFailures{"t", "t:b"}, []check{fail}, []string{"FAILURE b: B: no"}},
		{"one check as expected", expectedFailures{"s:b"}, []check{pass, fail}, nil},
		{"another check fails", expectedFailures{"s:b"}, []check{fail, warn}, []string{"WARNING c: C"}},
		{"one check passes", expectedFailures{"s:a", "s:b"}, []check{pass, fail}, []string{"check a passes: remove it from the expected failures"}},
		{"one check is not reached", expectedFailures{"s:z"}, []check{pass}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.expected.judge("s", tt.checks); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadExpectedFailures(t *testing.T) {
	tests := []struct {
		name, file string
		want       expectedFailures
		wantErr    string
	}{
		{"empty", "server: []\n", nil, ""},
		{"comments", "server:\n  - a # because\n  # so\n  - b:c\n", expectedFailures{"a", "b:c"}, ""},
		{"no comment", "server:\n  - a # because\n  - b\n", nil, ":3: b has no comment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "expected.yml")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readExpectedFailures(path)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got error %v, want %q", err, tt.wantErr)
			}
		})
	}
	if got := (expectedFailures{"a", "b:c", "d:e"}).unknown([]string{"a", "b"}); !slices.Equal(got, []string{"d:e"}) {
		t.Errorf("unknown: got %q, want d:e", got)
	}
}
