package policies

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toolgate/shared/policy"
)

func TestZZ(t *testing.T) {
	n := map[string]int{}
	filepath.WalkDir("/work/shared/policy-corpus", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".xml" {
			return nil
		}
		b, _ := os.ReadFile(path)
		doc, faults := policy.Parse(filepath.Base(path), b, policy.ParseOptions{})
		if doc == nil || faults.Err() != nil {
			n["parse"]++
			return nil
		}
		if policy.Validate(doc, policy.ValidateOptions{}).Err() != nil {
			n["validate"]++
			return nil
		}
		e, f := policy.Compose([]policy.Layer{{Scope: policy.ScopeAPI, Document: doc}}, nil)
		if f.Err() != nil {
			n["compose"]++
			return nil
		}
		s := &policy.Services{Sender: senderFunc(nil), Backends: oneBackend{}, Sink: noSink{}}
		withMemory(s, time.Now)
		_, f = policy.Compile(e, policy.CompileOptions{Policies: Registry(), Services: s})
		if f.Err() != nil {
			n["compile"]++
			for _, x := range f {
				if !strings.Contains(x.Message, "not run by") && !strings.Contains(x.Message, "unknown backend") {
					t.Log(x)
				}
			}
			return nil
		}
		n["ok"]++
		return nil
	})
	t.Log(n)
}
