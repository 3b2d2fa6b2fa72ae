package docs_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/snapshot"
	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"
)

// azCLI stands for the Azure CLI: it gives tokens to who has signed in, and keeps the
// package that was deployed last.
const azCLI = `#!/bin/sh
case "$*" in
login) : >"$RECORD/signed-in" ;;
"account get-access-token -o json --resource https://management.azure.com")
	[ -e "$RECORD/signed-in" ] || { echo "Please run 'az login' to setup account." >&2; exit 1; }
	echo '{"accessToken": "of-the-developer", "expires_on": 4102444800}'
	;;
"functionapp deployment source config-zip --resource-group contoso --name contoso-tools --src "*)
	while [ "$1" != --src ]; do shift; done
	cp "$2" "$RECORD/new.zip" && mv "$RECORD/new.zip" "$RECORD/package.zip"
	;;
*) echo "az: unknown: $*" >&2; exit 2 ;;
esac
`

// importable are the resources that are imported in the guides, by what stands before
// the name in their ids: what Azure has of them is in shared/importer/testdata.
var importable = map[string]string{
	"Microsoft.ApiManagement/service/": "apim-service",
	"Microsoft.Web/sites/":             "functionapp",
	"Microsoft.Logic/workflows/":       "logicapp-consumption",
}

// saved are the files of a test of shared/importer below source or folder: the replies
// of Azure, and what becomes of them.
func saved(t *testing.T, name, below string) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join(peer.Root(t), "shared", "importer", "testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		if rest, ok := strings.CutPrefix(f.Name, below+"/"); ok {
			files[rest] = string(f.Data)
		}
	}
	if len(files) == 0 {
		t.Fatalf("%s has nothing below %s", name, below)
	}
	return files
}

// hosts are those that the commands of the pages reach, which r follows.
func hosts(t *testing.T, r *reader) map[string]http.Handler {
	t.Helper()
	documents := saved(t, importable["Microsoft.ApiManagement/service/"], "source")
	return map[string]http.Handler{
		"example.com":          answers(map[string]string{"/openapi.json": exampleDocument(t)}),
		"management.azure.com": resourceManager(t),
		// Azure keeps exported documents here, for who has the signature of a link.
		"contoso.blob.core.windows.net": answers(map[string]string{
			"/api-export/Weather.json?sv=1&sig=PLANTED-link": documents["apis/weather/openapi.json"],
			"/api-export/Stock.json?sig=PLANTED-link":        documents["apis/stock/openapi.json"],
		}),
		"tools.contoso.com": r.deployed(),
	}
}

// answers serves JSON by the targets of requests. Credentials are no business of these
// hosts.
func answers(by map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := by[r.URL.RequestURI()]
		switch {
		case r.Header.Get("Authorization") != "":
			w.WriteHeader(http.StatusBadRequest)
		case r.Method != http.MethodGet || !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, content) // the command may be gone
		}
	})
}

// exampleDocument is the OpenAPI document of the reader's API, as JSON.
func exampleDocument(t *testing.T) string {
	t.Helper()
	var document any
	if err := yaml.Unmarshal([]byte(workspace(t)[mine+"/apis/orders.yaml"]), &document); err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// resourceManager answers as Azure Resource Manager does, to who is signed in.
func resourceManager(t *testing.T) http.Handler {
	t.Helper()
	replies := map[string]map[string]string{}
	for kind, name := range importable {
		replies[kind] = saved(t, name, "source")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, resource, _ := strings.Cut(r.URL.Path, "/resourceGroups/contoso/providers/")
		status, reply := http.StatusNotFound, ""
		for kind := range importable {
			rest, ok := strings.CutPrefix(resource, kind)
			if !ok {
				continue
			}
			_, below, _ := strings.Cut(rest, "/")
			below = cmp.Or(below, "resource")
			if r.URL.Query().Get("export") == "true" {
				below += "/export"
			}
			if reply, ok = replies[kind][below+".json"]; ok {
				status = http.StatusOK
			}
		}
		method := http.MethodGet // nothing is changed
		if strings.HasPrefix(path.Base(r.URL.Path), "list") {
			method = http.MethodPost
		}
		switch {
		case r.Header.Get("Authorization") != "Bearer of-the-developer":
			status, reply = http.StatusUnauthorized, ""
		case r.Method != method:
			status, reply = http.StatusMethodNotAllowed, ""
		case r.URL.Query().Get("api-version") == "":
			status, reply = http.StatusBadRequest, `{"error": {"code": "MissingApiVersionParameter", "message": "The api-version query parameter is required."}}`
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, reply) // the command may be gone
	})
}

// imported compares the folder that an import made with the one that shared/importer
// makes of the same replies. Nothing of it, or of what was saved, has a secret.
func imported(kind, replies string) func(*reader) {
	return func(r *reader) {
		r.t.Helper()
		for name, want := range saved(r.t, importable[kind], "folder") {
			if got := r.read(mine + "/" + name); got != want {
				r.t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		}
		if replies == "" {
			return
		}
		count := 0
		err := fs.WalkDir(os.DirFS(r.dir), replies, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			count++
			if strings.Contains(r.read(name), "PLANTED") {
				r.t.Errorf("%s has a secret", name)
			}
			return nil
		})
		if err != nil || count == 0 {
			r.t.Errorf("got %d replies, %v", count, err)
		}
	}
}

// deployed is the gateway of the package that was deployed last.
func (r *reader) deployed() http.Handler {
	lookup := func(name string) (value string, ok bool) {
		for _, v := range r.env { // the last one counts
			if rest, is := strings.CutPrefix(v, name+"="); is {
				value, ok = rest, true
			}
		}
		return value, ok
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		content, err := os.ReadFile(filepath.Join(r.record, "package.zip"))
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s, err := snapshot.LoadPackage(content)
		if err != nil {
			r.t.Errorf("starting what was deployed: %v", err)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		g, err := gateway.New(s, gateway.Options{AnyHost: true, Secrets: host.Secrets(lookup)})
		if err != nil {
			r.t.Errorf("starting what was deployed: %v", errors.Join(err, s.Close()))
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		g.ServeHTTP(w, req)
		if err := errors.Join(g.Close(), s.Close()); err != nil {
			r.t.Errorf("ending what was deployed: %v", err)
		}
	})
}

// The package that was deployed before the reader's page begins, and where the page
// has the next one.
const (
	packageBefore = "before.zip"
	packageNext   = "dist/functions.zip"
)

// deployBefore deploys and keeps what the reader had before: without some of the tools.
func (r *reader) deployBefore(local string) {
	r.t.Helper()
	files := workspace(r.t)
	less := strings.Replace(files[gatewayFile], "{ api: orders }", "{ api: orders, tools: [ getOrder ] }", 1)
	if less == files[gatewayFile] {
		r.t.Fatalf("%s has no server of all operations", gatewayFile)
	}
	r.write("before/gateway.yaml", less)
	r.write("before/apis/orders.yaml", files[mine+"/apis/orders.yaml"])
	r.run(local, "build", "before", "-o", "before.snapshot")
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create(snapshot.FileName)
	if err == nil {
		_, err = io.WriteString(f, r.read("before.snapshot"))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		r.t.Fatal(err)
	}
	r.write(packageBefore, archive.String())
	r.run(local, "release", packageBefore, "--in", "releases", "--to", "azure:contoso/contoso-tools")
}

// serving compares what is deployed with a package.
func serving(name string) func(*reader) {
	return func(r *reader) {
		r.t.Helper()
		got, err := os.ReadFile(filepath.Join(r.record, "package.zip"))
		if err != nil || string(got) != r.read(name) {
			r.t.Errorf("%s is not what is deployed last, %v", name, err)
		}
	}
}

// clone puts the sources of the functions beside the reader, who has them where the
// repository is. What they need from elsewhere is there before.
func (r *reader) clone() {
	r.t.Helper()
	root := peer.Root(r.t)
	for _, dir := range []string{"functions", "shared"} {
		if err := os.CopyFS(filepath.Join(r.dir, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "host.json"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			r.t.Fatal(err)
		}
		r.write(name, string(content))
	}
	out := peer.Run(r.t, peer.Command{Path: "go", Args: []string{"list", "-deps", "./functions/azure"}, Dir: root, Env: []string{"GOOS=linux", "GOARCH=amd64"}})
	if out.ExitCode != 0 {
		r.t.Fatalf("looking for what the functions need: exit code %d\n%s", out.ExitCode, out.Stderr)
	}
}
