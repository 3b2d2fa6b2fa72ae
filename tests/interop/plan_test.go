package interop_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A step is a request that a client sends, in the form that the scripts in
// tests/npm read, and what must come of it.
type step struct {
	Method   string         `json:"method"`
	Params   jsontext.Value `json:"params,omitempty"`
	Progress bool           `json:"progress,omitzero"` // ask for progress notifications

	// want is JSON that the answer must contain, as contains defines it. An
	// answer is {"result":…} or {"error":{"code":…,"message":…}}, and with
	// Progress {"progress":[…]} as well.
	want string

	// wantLegacy replaces want for clients of the initialize era; "" = want.
	wantLegacy string
}

// plan is what a client does, in this order.
type plan []step

// answer is what came of a step.
type answer struct {
	Result   jsontext.Value   `json:"result,omitempty"`
	Error    jsontext.Value   `json:"error,omitempty"`
	Progress []jsontext.Value `json:"progress,omitempty"`
}

// judge compares the answers of a client with the plan.
func (p plan) judge(t *testing.T, legacy bool, answers []answer) {
	t.Helper()
	if len(answers) != len(p) {
		t.Fatalf("got %d answers, want %d", len(answers), len(p))
	}
	for i, s := range p {
		want := s.want
		if legacy && s.wantLegacy != "" {
			want = s.wantLegacy
		}
		got, err := json.Marshal(answers[i])
		if err != nil {
			t.Fatalf("%s %s: %v", s.Method, s.Params, err)
		}
		if err := contains(got, []byte(want)); err != nil {
			t.Errorf("%s %s: %v\ngot  %s\nwant %s", s.Method, s.Params, err, got, want)
		}
	}
}

// contains reports the first place where got lacks something of want: objects
// may have more members, arrays may not have more elements, and all else must
// be equal as JSON. An object in want may also stand for an array of named
// things, as lists of tools are: its members are elements of that name, and
// more may be there.
func contains(got, want jsontext.Value) error {
	return lacks("", got, want)
}

func lacks(at string, got, want jsontext.Value) error {
	switch want.Kind() {
	case '{':
		var w map[string]jsontext.Value
		if err := json.Unmarshal(want, &w); err != nil {
			return fmt.Errorf("reading what is wanted at %q: %w", at, err)
		}
		g, err := members(got)
		if err != nil {
			return fmt.Errorf("at %q: %w: %s", at, err, got)
		}
		for name, value := range w {
			if _, ok := g[name]; !ok {
				return fmt.Errorf("at %q: no member %q", at, name)
			}
			if err := lacks(at+"/"+name, g[name], value); err != nil {
				return err
			}
		}
		return nil
	case '[':
		var g, w []jsontext.Value
		if err := json.Unmarshal(want, &w); err != nil {
			return fmt.Errorf("reading what is wanted at %q: %w", at, err)
		}
		if err := json.Unmarshal(got, &g); err != nil || len(g) != len(w) {
			return fmt.Errorf("at %q: not an array of %d elements: %s", at, len(w), got)
		}
		for i := range w {
			if err := lacks(fmt.Sprintf("%s/%d", at, i), g[i], w[i]); err != nil {
				return err
			}
		}
		return nil
	}
	g, w := got.Clone(), want.Clone()
	if err := w.Canonicalize(); err != nil {
		return fmt.Errorf("reading what is wanted at %q: %w", at, err)
	}
	if err := g.Canonicalize(); err != nil || !bytes.Equal(g, w) {
		return fmt.Errorf("at %q: got %s, want %s", at, got, want)
	}
	return nil
}

// members returns the members of an object, or the elements of an array by
// their names.
func members(v jsontext.Value) (map[string]jsontext.Value, error) {
	if v.Kind() != '[' {
		var object map[string]jsontext.Value
		if err := json.Unmarshal(v, &object); err != nil {
			return nil, errors.New("not an object")
		}
		return object, nil
	}
	var array []jsontext.Value
	if err := json.Unmarshal(v, &array); err != nil {
		return nil, errors.New("not an array")
	}
	byName := map[string]jsontext.Value{}
	for _, element := range array {
		var named struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(element, &named); err != nil || named.Name == "" {
			return nil, errors.New("not an object, nor an array of named things")
		}
		if _, ok := byName[named.Name]; ok {
			return nil, fmt.Errorf("two are named %q", named.Name)
		}
		byName[named.Name] = element
	}
	return byName, nil
}

func TestContains(t *testing.T) {
	tests := []struct {
		name, got, want string
		wantErr         string // "" = contains
	}{
		{"equal", `{"a":[1,"x",null,true]}`, `{"a":[1.0,"\u0078",null,true]}`, ""},
		{"more members", `{"a":1,"b":2}`, `{"a":1}`, ""},
		{"fewer members", `{"a":1}`, `{"a":1,"b":2}`, `at "": no member "b"`},
		{"other value", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `at "/a/b": got 1, want 2`},
		{"more elements", `[1,2]`, `[1]`, `at "": not an array of 1 elements: [1,2]`},
		{"other element", `[{"a":1},{"a":2}]`, `[{"a":1},{"a":3}]`, `at "/1/a": got 2, want 3`},
		{"not an object", `1`, `{}`, `at "": not an object: 1`},
		{"by name", `[{"name":"a"},{"name":"b","c":1}]`, `{"b":{"c":1}}`, ""},
		{"by name, lacking", `[{"name":"a"}]`, `{"b":{}}`, `at "": no member "b"`},
		{"by name, twice", `[{"name":"a"},{"name":"a"}]`, `{"a":{}}`, `at "": two are named "a": [{"name":"a"},{"name":"a"}]`},
		{"without names", `[1]`, `{"a":{}}`, `at "": not an object, nor an array of named things: [1]`},
		{"other kind", `"1"`, `1`, `at "": got "1", want 1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := contains(jsontext.Value(tt.got), jsontext.Value(tt.want))
			if got := fmt.Sprint(err); err == nil && tt.wantErr != "" || err != nil && got != tt.wantErr {
				t.Errorf("got %v, want %q", err, tt.wantErr)
			}
		})
	}
}
