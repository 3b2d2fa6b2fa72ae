// Package infra_test checks what deploys the gateway: the modules of Bicep, the
// template of CloudFormation, and the commands of the guides up to the call of a cloud.
//
// The compiler of Bicep is to be had from NuGet only. In its place the modules are read
// twice, by the grammar of tree-sitter and by the parser of this package, and are held
// against what testdata/resources.txt says of resources: types and versions,
// properties, required ones, values; and against Bicep's own rules: names that stand
// for something, parameters and outputs of modules, what is known when.
package infra_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
	"golang.org/x/tools/txtar"
)

func TestMain(m *testing.M) { peer.Main(m) }

// bicepFiles are the modules and the entry, by their paths from the root.
func bicepFiles(t *testing.T) map[string]string {
	t.Helper()
	root := peer.Root(t)
	files := map[string]string{}
	for _, pattern := range []string{"bicep/*.bicep", "infra/*.bicep"} {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(paths) == 0 {
			t.Fatalf("finding %s: %v, %d files", pattern, err, len(paths))
		}
		for _, path := range paths {
			files[filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))] = readFile(t, path)
		}
	}
	return files
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

func schemas(t *testing.T) resourceTypes {
	t.Helper()
	types, err := parseSchemas(readFile(t, "testdata/resources.txt"))
	if err != nil {
		t.Fatalf("testdata/resources.txt: %v", err)
	}
	return types
}

// check reads and checks modules, and returns what is wrong.
func check(types resourceTypes, files map[string]string, exists func(string) bool) []string {
	c := &checker{types: types, modules: map[string]*module{}, files: exists}
	for path, source := range files {
		m, err := parse(source)
		if err != nil {
			c.faults = append(c.faults, path+":"+err.Error())
			continue
		}
		c.modules[path] = m
	}
	c.checkModules()
	slices.Sort(c.faults)
	return slices.Compact(c.faults)
}

func TestBicep(t *testing.T) {
	root := peer.Root(t)
	exists := func(path string) bool {
		_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
		return err == nil
	}
	for _, f := range check(schemas(t), bicepFiles(t), exists) {
		t.Error(f)
	}
}

var update = flag.Bool("update", false, "write what is wrong with the files of testdata/faults.txtar")

// TestBicepFaults makes each mistake once.
func TestBicepFaults(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/faults.txtar")
	if err != nil {
		t.Fatal(err)
	}
	types := schemas(t)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		source, want := archive.Files[i], archive.Files[i+1]
		t.Run(source.Name, func(t *testing.T) {
			files := map[string]string{"m.bicep": string(source.Data), "part.bicep": partModule}
			got := strings.Join(check(types, files, func(string) bool { return false }), "\n")
			if *update {
				archive.Files[i+1].Data = []byte(got + "\n")
			} else if want := strings.TrimSpace(string(want.Data)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/faults.txtar", txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// partModule is a module that the files of testdata/faults.txtar may call.
const partModule = `@description('a')
param name string
@description('b')
param size int = 1
@description('c')
output key string = '${name}${size}'
`

// TestBicepSyntax has the grammar read the files, which is nobody's of this repository.
func TestBicepSyntax(t *testing.T) {
	root := peer.Root(t)
	broken := filepath.Join(t.TempDir(), "broken.bicep")
	if err := os.WriteFile(broken, []byte("var a = {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{broken}
	for path := range bicepFiles(t) {
		paths = append(paths, filepath.Join(root, filepath.FromSlash(path)))
	}
	out := peer.Script(t, "bicep.mjs", paths...)
	if out.ExitCode != 0 {
		t.Fatalf("bicep.mjs: exit code %d\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	var faults []struct {
		Path         string `json:"path"`
		Line, Column int
		Text         string `json:"text"`
	}
	if err := json.Unmarshal(out.Stdout, &faults, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if f.Path != broken {
			t.Errorf("%s:%d:%d: the grammar cannot read %s", f.Path, f.Line, f.Column, f.Text)
		}
	}
	if len(faults) == 0 {
		t.Error("the grammar reads a file that ends within an object")
	}
}

// TestParameters holds main.parameters.json against main.bicep.
func TestParameters(t *testing.T) {
	root := peer.Root(t)
	m, err := parse(readFile(t, filepath.Join(root, "infra", "main.bicep")))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Parameters map[string]struct{ Value any } `json:"parameters"`
	}
	source := readFile(t, filepath.Join(root, "infra", "main.parameters.json"))
	if err := json.Unmarshal([]byte(source), &file, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.all("param") {
		given, ok := file.Parameters[p.name]
		delete(file.Parameters, p.name)
		if !ok {
			t.Errorf("infra/main.parameters.json lacks %s", p.name)
			continue
		}
		checkGiven(t, p, given.Value)
	}
	for name := range file.Parameters {
		t.Errorf("infra/main.parameters.json has %s, which infra/main.bicep has not", name)
	}
}

// checkGiven asks that a value of main.parameters.json fits: azd replaces ${NAME} and
// ${NAME=default}, and makes numbers and booleans of the text.
func checkGiven(t *testing.T, p *declaration, value any) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		if p.typeName != "array" {
			t.Errorf("%s is a list, and %s is wanted", p.name, p.typeName)
		}
	case map[string]any:
		if p.typeName != "object" {
			t.Errorf("%s is an object, and %s is wanted", p.name, p.typeName)
		}
	case string:
		name, fallback, given := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v, "${"), "}"), "=")
		if name != strings.ToUpper(name) || !strings.HasPrefix(v, "${") || p.typeName == "array" || p.typeName == "object" {
			t.Errorf("%s is %q: write ${NAME} or ${NAME=default}", p.name, v)
		}
		if want := defaultText(p); want != fallback {
			t.Errorf("%s falls back to %q, and in main.bicep to %q", p.name, fallback, want)
		}
		if !given && (p.typeName == "int" || p.typeName == "bool") {
			t.Errorf("%s has no default, and an empty %s is none", p.name, p.typeName)
		}
	}
}

// defaultText is the default of a parameter as text; empty without one.
func defaultText(p *declaration) string {
	if p.value == nil {
		return ""
	}
	return p.value.text
}

// TestSchemas finds what stands in the list of resources and is not used any more.
func TestSchemas(t *testing.T) {
	files := bicepFiles(t)
	for known := range schemas(t) {
		of, _, _ := strings.Cut(known, " ")
		if !slices.ContainsFunc(mapValues(files), func(source string) bool { return strings.Contains(source, "'"+of+"'") }) {
			t.Errorf("testdata/resources.txt has %s, which no module uses", of)
		}
	}
}

func mapValues(files map[string]string) []string {
	var list []string
	for _, source := range files {
		list = append(list, source)
	}
	return list
}

// TestModulesAreCalled finds modules that nothing deploys.
func TestModulesAreCalled(t *testing.T) {
	files := bicepFiles(t)
	for path := range files {
		if strings.HasPrefix(path, "bicep/") && !strings.Contains(files["infra/main.bicep"], "'../"+path+"'") {
			t.Errorf("infra/main.bicep does not call %s", path)
		}
	}
}

// TestSettings asks for the values on which the security of the deployment and the
// start of the app depend.
func TestSettings(t *testing.T) {
	files := bicepFiles(t)
	for _, c := range []struct{ file, symbol, path, want string }{
		{"bicep/storage.bicep", "account", "properties.allowSharedKeyAccess", "false"},
		{"bicep/storage.bicep", "account", "properties.allowBlobPublicAccess", "false"},
		{"bicep/storage.bicep", "account", "properties.supportsHttpsTrafficOnly", "true"},
		{"bicep/storage.bicep", "account", "properties.minimumTlsVersion", "TLS1_2"},
		{"bicep/storage.bicep", "container", "properties.publicAccess", "None"},
		{"bicep/keyVault.bicep", "vault", "properties.enableRbacAuthorization", "true"},
		{"bicep/keyVault.bicep", "vault", "properties.enableSoftDelete", "true"},
		{"bicep/monitoring.bicep", "insights", "properties.DisableLocalAuth", "true"},
		{"bicep/functionApp.bicep", "app", "properties.httpsOnly", "true"},
		{"bicep/functionApp.bicep", "app", "properties.siteConfig.minTlsVersion", "1.2"},
		{"bicep/functionApp.bicep", "app", "properties.functionAppConfig.runtime.name", "custom"},
		{"bicep/functionApp.bicep", "app", "properties.functionAppConfig.deployment.storage.authentication.type", "UserAssignedIdentity"},
		{"bicep/functionApp.bicep", "app", "properties.keyVaultReferenceIdentity", "identityId"},
		{"bicep/functionApp.bicep", "plan", "sku.name", "FC1"},
		{"bicep/functionApp.bicep", "publishing", "properties.allow", "false"},
	} {
		m, err := parse(files[c.file])
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		d := m.named(c.symbol)
		if d == nil {
			t.Errorf("%s has no %s", c.file, c.symbol)
			continue
		}
		value := d.object()
		for name := range strings.SplitSeq(c.path, ".") {
			value = value.property(name)
		}
		if value == nil || value.text != c.want {
			t.Errorf("%s: %s.%s: got %v, want %s", c.file, c.symbol, c.path, value, c.want)
		}
	}
	for path, source := range files {
		// Flex Consumption refuses the first; the others are keys.
		for _, never := range []string{"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage:", "AccountKey=", "InstrumentationKey"} {
			if strings.Contains(source, never) {
				t.Errorf("%s has %s", path, never)
			}
		}
	}
}

// FuzzParse asks that the parser ends, with a module or a place.
func FuzzParse(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/faults.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(archive.Files); i += 2 {
		f.Add(string(archive.Files[i].Data))
	}
	f.Fuzz(func(t *testing.T, source string) {
		if m, err := parse(source); (m == nil) == (err == nil) {
			t.Errorf("parse(%q): got %v and %v", source, m, err)
		}
	})
}

// TestWorkbook asks that the workbook is JSON of the form that the portal reads.
func TestWorkbook(t *testing.T) {
	source := readFile(t, filepath.Join(peer.Root(t), "infra", "monitor", "workbook.json"))
	var book struct {
		Version string `json:"version"`
		Items   []struct {
			Type    int    `json:"type"`
			Name    string `json:"name"`
			Content struct {
				Version string `json:"version"`
				Query   string `json:"query"`
			} `json:"content"`
		} `json:"items"`
	}
	if err := json.Unmarshal(bytes.TrimSpace([]byte(source)), &book); err != nil {
		t.Fatal(err)
	}
	if book.Version != "Notebook/1.0" || len(book.Items) == 0 {
		t.Fatalf("got version %q and %d items", book.Version, len(book.Items))
	}
	for _, item := range book.Items {
		if item.Type == 3 && (item.Content.Version != "KqlItem/1.0" || !strings.Contains(item.Content.Query, "AppTraces")) {
			t.Errorf("item %s: got version %q and query %q", item.Name, item.Content.Version, item.Content.Query)
		}
	}
}
