package config

import (
	"testing"
	"time"
	"unicode/utf8"

	"toolgate/shared/fault"
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
		var c *Config
		var faults fault.Faults
		const most = 300 * time.Millisecond
		took := most + 1
		for range 5 { // a busy machine is slow once, a parser each time
			if took <= most {
				break
			}
			begin := time.Now()
			c, faults = parseText(t, string(data))
			took = min(took, time.Since(begin))
		}
		if took > most {
			t.Fatal(took)
		}
		if c == nil && len(faults) == 0 {
			t.Fatal("got neither a configuration nor a fault")
		}
		for i, f := range faults {
			if f.File != "gateway.yaml" || f.Line < 0 || f.Column < 0 || f.Message == "" || f.Fix == "" {
				t.Errorf("got the fault %+v", f)
			}
			if !utf8.ValidString(f.String()) {
				t.Errorf("got %q, which is not UTF-8", f.String())
			}
			if i > 0 && faults[i-1].Line > f.Line {
				t.Errorf("got %v before %v", faults[i-1], f)
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
