package importer_test

import (
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"toolgate/shared/gatewaytest"
	"toolgate/shared/importer"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is made into the tests")

// planted is in every secret of the sources of tests.
const planted = "PLANTED"

// split takes a test apart: what is imported, what is done with the gateway that
// comes out, and what was wanted.
func split(a *txtar.Archive) (kind importer.Kind, vault string, source fstest.MapFS, steps []txtar.File, wanted map[string]string) {
	source, wanted = fstest.MapFS{}, map[string]string{}
	for _, f := range a.Files {
		name, isSource := strings.CutPrefix(f.Name, "source/")
		folder, isFolder := strings.CutPrefix(f.Name, "folder/")
		switch {
		case f.Name == "import":
			words := strings.Fields(string(f.Data))
			kind = importer.Kind(words[0])
			if len(words) > 1 {
				vault = words[1]
			}
		case isSource:
			source[name] = &fstest.MapFile{Data: f.Data}
		case isFolder:
			wanted[folder] = string(f.Data)
		case f.Name == "want":
			wanted["want"] = string(f.Data)
		default:
			steps = append(steps, f)
		}
	}
	return kind, vault, source, steps, wanted
}

// Saved replies become a folder, the folder builds, and its tools call the backend
// with the right URL, key and body.
func TestRoundTrips(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			kind, vault, source, steps, wanted := split(a)
			got := map[string]string{}
			made, err := importer.Import(t.Context(), kind, importer.Saved(source), importer.Options{Vault: vault})
			if err != nil {
				t.Fatalf("importing: %v", err)
			}
			whole := &txtar.Archive{Comment: a.Comment, Files: steps}
			for _, name := range slices.Sorted(maps.Keys(made.Files)) {
				got[name] = string(made.Files[name])
				if name != importer.RemarksFile {
					whole.Files = append(whole.Files, txtar.File{Name: name, Data: made.Files[name]})
				}
			}
			transcript, err := gatewaytest.Transcript(t.Context(), whole, nil)
			if err != nil {
				t.Fatalf("running the gateway: %v\n%s\n%s", err, transcript, got["gateway.yaml"])
			}
			got["want"] = transcript
			if *update {
				rewrite(t, file, a, got)
				return
			}
			for _, name := range slices.Sorted(maps.Keys(got)) {
				if got[name] != wanted[name] {
					t.Errorf("%s: got\n%s\nwant\n%s", name, got[name], wanted[name])
				}
				if strings.Contains(got[name], planted) {
					t.Errorf("%s has a secret in it:\n%s", name, got[name])
				}
			}
			for name := range wanted {
				if _, ok := got[name]; !ok {
					t.Errorf("got no %s", name)
				}
			}
		})
	}
}

// rewrite puts what was made into the test.
func rewrite(t *testing.T, file string, a *txtar.Archive, got map[string]string) {
	t.Helper()
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" || strings.HasPrefix(f.Name, "folder/") })
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if name != "want" {
			a.Files = append(a.Files, txtar.File{Name: "folder/" + name, Data: []byte(got[name])})
		}
	}
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got["want"])})
	if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is recorded of an import has no secret, and the import of the recording
// makes the same gateway.
func TestRecording(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind, vault, source, _, wanted := split(a)
		if source["resource.json"] == nil {
			continue // an extract is not recorded
		}
		recording := importer.Recorded(importer.Saved(source))
		if _, err := importer.Import(t.Context(), kind, recording, importer.Options{Vault: vault}); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		again := fstest.MapFS{}
		for name, content := range recording.Files {
			again[name] = &fstest.MapFile{Data: content}
			if strings.Contains(string(content), planted) {
				t.Errorf("%s: %s of the recording has a secret in it:\n%s", file, name, content)
			}
		}
		made, err := importer.Import(t.Context(), kind, importer.Saved(again), importer.Options{Vault: vault})
		if err != nil {
			t.Fatalf("%s: importing the recording: %v", file, err)
		}
		for name, content := range made.Files {
			if name != importer.RemarksFile && declarations(string(content)) != declarations(wanted[name]) {
				t.Errorf("%s: %s of the recording: got\n%s\nwant\n%s", file, name, content, wanted[name])
			}
		}
	}
}

// secretDeclaration is a named value that is a secret: their order is that in which
// they were met.
var secretDeclaration = regexp.MustCompile(`(?m)^  .*\{ secret: .*\n`)

// declarations is a text with those lines at its end, in order.
func declarations(text string) string {
	lines := secretDeclaration.FindAllString(text, -1)
	slices.Sort(lines)
	return secretDeclaration.ReplaceAllString(text, "") + strings.Join(lines, "")
}

// What is wrong with a source is said with the file that it is about.
func TestFaults(t *testing.T) {
	logic := `{"name":"a","type":"Microsoft.Logic/workflows","properties":{"definition":{"triggers":{"manual":{"type":"Request"}}}}}`
	for _, c := range []struct {
		name  string
		kind  importer.Kind
		files map[string]string
		want  string
	}{
		{"nothing", importer.LogicApps, nil, "resource.json is not there"},
		{"no JSON", importer.LogicApps, map[string]string{"resource.json": "{"}, "reading resource.json"},
		{"another type", importer.LogicApps, map[string]string{"resource.json": `{"name":"a","type":"Microsoft.Storage/x"}`}, `"Microsoft.Storage/x" is no Logic App`},
		{"no callback", importer.LogicApps, map[string]string{"resource.json": logic}, "triggers/manual/listCallbackUrl.json is not there"},
		{"a callback without URL", importer.LogicApps, map[string]string{"resource.json": logic, "triggers/manual/listCallbackUrl.json": `{"value":"sig=PLANTED"}`},
			`reading triggers/manual/listCallbackUrl.json: "value" is no https URL`},
		{"no request trigger", importer.LogicApps, map[string]string{"resource.json": `{"name":"a","type":"Microsoft.Logic/workflows"}`}, "no trigger of the type Request"},
		{"a workflow", importer.AzureFunctions, map[string]string{"resource.json": logic}, "is no Function App"},
		{"no functions", importer.AzureFunctions, map[string]string{"resource.json": `{"name":"a","type":"Microsoft.Web/sites"}`}, "no function of the app can be called"},
		{"no host", importer.AzureFunctions, map[string]string{"resource.json": `{"name":"a b","type":"Microsoft.Web/sites"}`}, "its host is none"},
		{"no service", importer.APIManagement, map[string]string{"resource.json": logic}, "is no API Management service"},
		{"nothing of API Management", importer.APIManagement, nil, "resource.json is not there"},
		{"an API of which nothing is said", importer.APIManagement, map[string]string{"apis/orders/policy.xml": "<policies />"}, "reading apis/orders: there is no …Information.json"},
		{"broken information", importer.APIManagement, map[string]string{"apis/orders/apiInformation.json": "{"}, "reading apis/orders/apiInformation.json"},
		{"an empty service", importer.APIManagement, map[string]string{"resource.json": `{"name":"a","type":"Microsoft.ApiManagement/service"}`}, "the service has no APIs"},
		{"an unknown kind", "webapp", nil, `there is no import of "webapp"`},
	} {
		source := fstest.MapFS{}
		for name, content := range c.files {
			source[name] = &fstest.MapFile{Data: []byte(content)}
		}
		made, err := importer.Import(t.Context(), c.kind, importer.Saved(source), importer.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: got %v, %v; want %q", c.name, made, err, c.want)
		}
	}
}

// A source that ends in the middle is an error, and no half of a folder.
func TestUnreadable(t *testing.T) {
	_, err := importer.Import(t.Context(), importer.APIManagement, importer.Saved(unreadable{}), importer.Options{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

type unreadable struct{}

func (unreadable) Open(string) (fs.File, error) { return nil, fs.ErrPermission }

// Certificates are references, and backends name them by their ids.
func TestCertificates(t *testing.T) {
	source := fstest.MapFS{}
	for name, content := range map[string]string{
		"backends/a/backendInformation.json":              `{"properties":{"url":"https://a.contoso.com","credentials":{"certificateIds":["/x/certificates/kept"]}}}`,
		"backends/b/backendInformation.json":              `{"properties":{"url":"https://b.contoso.com","credentials":{"certificate":["AB12"]}}}`,
		"certificates/kept/certificateInformation.json":   `{"properties":{"keyVault":{"secretIdentifier":"https://contoso.vault.azure.net/secrets/kept"}}}`,
		"certificates/loaded/certificateInformation.json": `{"properties":{"data":"PLANTED","password":"PLANTED"}}`,
	} {
		source[name] = &fstest.MapFile{Data: []byte(content)}
	}
	made, err := importer.Import(t.Context(), importer.APIManagement, importer.Saved(source), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := string(made.Files["gateway.yaml"]) + string(made.Files[importer.RemarksFile])
	for _, want := range []string{
		`kept: { pfx: { secret: keyvault:https://contoso.vault.azure.net/secrets/kept } }`,
		`loaded: { pfx: { secret: env:LOADED_PFX } }`,
		"certificate: kept",
		`backend "b": it is shown the certificate with the thumbprint AB12`,
		`certificate "loaded": the certificate is to be at env:LOADED_PFX`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q", got, want)
		}
	}
	if strings.Contains(got, planted) {
		t.Errorf("there is a secret in\n%s", got)
	}
}
