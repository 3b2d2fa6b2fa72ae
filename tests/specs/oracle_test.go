package specs_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	v2 "github.com/pb33f/libopenapi/datamodel/high/v2"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"toolgate/shared/openapi"
)

// readings are the operations of a document, "METHOD /path", each with its
// parameters, "location name", where required with an exclamation mark.
type readings map[string][]string

// TestAgainstLibopenapi compares which operations and parameters we find with
// what another reader of the same document finds.
func TestAgainstLibopenapi(t *testing.T) {
	for _, path := range specPaths(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := libopenapiReadings(t, path)
			got := ourReadings(t, path)
			if len(got) != len(want) {
				t.Errorf("got %d operations, want %d", len(got), len(want))
			}
			compared := 0
			for key, parameters := range want {
				slices.Sort(parameters)
				slices.Sort(got[key])
				if !slices.Equal(got[key], parameters) {
					t.Errorf("%s: got the parameters %q, want %q", key, got[key], parameters)
				}
				compared += len(parameters)
			}
			t.Logf("%d operations and %d parameters are the same", len(want), compared)
		})
	}
}

func ourReadings(t *testing.T, path string) readings {
	t.Helper()
	got := make(readings)
	d := parse(t, path)
	names := d.Names(0)
	for _, o := range d.Operations {
		key := o.Method + " " + o.Path
		got[key] = nil
		tool, verdict := d.Tool(o, names[o], openapi.ToolOptions{Output: openapi.OutputNone})
		if tool == nil {
			t.Errorf("%s: %q", key, verdict.Reasons)
			continue
		}
		for _, p := range tool.Binding.Params {
			got[key] = append(got[key], reading(string(p.In), p.Name, p.Required))
		}
		if body := tool.Binding.Body; body != nil && d.Dialect == "2.0" && body.Kind != "json" {
			for _, p := range body.Properties {
				got[key] = append(got[key], reading("formData", p.Name, p.Required))
			}
		}
	}
	return got
}

func reading(in, name string, required bool) string {
	if required {
		return in + " " + name + "!"
	}
	return in + " " + name
}

func libopenapiReadings(t *testing.T, path string) readings {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(data)
	if err != nil {
		t.Fatal(err)
	}
	defer document.Release()
	if strings.HasPrefix(document.GetVersion(), "2.") {
		model, err := document.BuildV2Model()
		if model == nil {
			t.Fatal(err)
		}
		return readings2(&model.Model)
	}
	model, err := document.BuildV3Model()
	if model == nil {
		t.Fatal(err)
	}
	return readings3(&model.Model)
}

// sentByGateway are headers that are not parameters, in canonical form.
var sentByGateway = []string{"Accept", "Authorization", "Content-Type", "Cookie", "Host"}

// kept tells whether a parameter is one that a caller sets. secrets are those
// of the security schemes.
func kept(in, name string, secrets []string) bool {
	return !slices.Contains(secrets, in+" "+name) && !(in == "header" && slices.Contains(sentByGateway, http.CanonicalHeaderKey(name)))
}

func readings3(model *v3.Document) readings {
	var secrets []string
	if model.Components != nil && model.Components.SecuritySchemes != nil {
		for scheme := range model.Components.SecuritySchemes.ValuesFromOldest() {
			if scheme.Type == "apiKey" {
				secrets = append(secrets, scheme.In+" "+scheme.Name)
			}
		}
	}
	found := make(readings)
	for path, item := range model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			merged := make(map[string]string)
			for _, list := range [][]*v3.Parameter{item.Parameters, operation.Parameters} {
				for _, p := range list {
					if kept(p.In, p.Name, secrets) {
						merged[p.In+" "+p.Name] = reading(p.In, p.Name, p.In == "path" || p.Required != nil && *p.Required)
					}
				}
			}
			found.add(method, path, merged)
		}
	}
	return found
}

func readings2(model *v2.Swagger) readings {
	var secrets []string
	if model.SecurityDefinitions != nil {
		for scheme := range model.SecurityDefinitions.Definitions.ValuesFromOldest() {
			if scheme.Type == "apiKey" {
				secrets = append(secrets, scheme.In+" "+scheme.Name)
			}
		}
	}
	found := make(readings)
	for path, item := range model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			merged := make(map[string]string)
			for _, list := range [][]*v2.Parameter{item.Parameters, operation.Parameters} {
				for _, p := range list {
					if p.In != "body" && kept(p.In, p.Name, secrets) {
						merged[p.In+" "+p.Name] = reading(p.In, p.Name, p.In == "path" || p.Required != nil && *p.Required)
					}
				}
			}
			found.add(method, path, merged)
		}
	}
	return found
}

func (r readings) add(method, path string, parameters map[string]string) {
	key := fmt.Sprintf("%s %s", strings.ToUpper(method), path)
	r[key] = nil
	for _, p := range parameters {
		r[key] = append(r[key], p)
	}
}
