package config

import (
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzParse checks that any file either is decoded or has a fault, in order and
// with a place, and that no secret is read.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(governed))
	_, cases := faultCases(f)
	for _, c := range cases {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		c, faults := parseText(t, string(data))
		if d := time.Since(begin); d > 300*time.Millisecond {
			t.Fatal(d)
		}
		if c == nil && len(faults) == 0 {
			t.Fatal("got neither a configuration nor a fault")
		}
		for i, fault := range faults {
			if fault.File != "gateway.yaml" || fault.Line < 0 || fault.Column < 0 || fault.Message == "" || fault.Fix == "" {
				t.Errorf("got the fault %+v", fault)
			}
			if !utf8.ValidString(fault.String()) {
				t.Errorf("got %q, which is not UTF-8", fault.String())
			}
			if i > 0 && faults[i-1].Line > fault.Line {
				t.Errorf("got %v before %v", faults[i-1], fault)
			}
		}
		if len(faults) == 0 {
			checkDecoded(t, c)
		}
	})
}

// checkDecoded checks what the other packages may rely on.
func checkDecoded(t *testing.T, c *Config) {
	if c.Name == "" || c.Version == "" {
		t.Errorf("got name %q, version %q", c.Name, c.Version)
	}
	for _, s := range c.Servers {
		kinds := 0
		for _, is := range []bool{s.API != nil, s.Upstream != nil, s.Federate != nil} {
			if is {
				kinds++
			}
		}
		if kinds != 1 || !entityName().MatchString(s.Name) {
			t.Errorf("got a server %+v", s)
		}
		if s.API == nil {
			continue
		}
		for _, tool := range s.API.Tools {
			for _, v := range append(tool.Override.Defaults, tool.Override.Hidden...) {
				if !v.JSON.IsValid() {
					t.Errorf("got %s = %s, which is not JSON", v.Name, v.JSON)
				}
			}
		}
	}
}
