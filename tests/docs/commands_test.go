package docs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/local/examples/notes"
	"toolgate/tests/peer"

	"golang.org/x/tools/txtar"
)

// program is how the pages call the commands.
const program = "go run ./local"

// Comments above commands that this machine does not run: their flags are known.
// tests/infra follows those of the clouds with stand-ins.
var elsewhere = []string{"needs Azure", "needs AWS", "needs a deployment", "needs your document"}

// served is the comment above commands that are for a gateway at 127.0.0.1:8080.
const served = "while mygateway is served"

// reader is somebody who follows a page from its beginning, in a folder of their own.
type reader struct {
	t   *testing.T
	dir string
	env []string
}

// newReader makes the folder, with what is beside the reader in the repository.
func newReader(t *testing.T) *reader {
	t.Helper()
	root := peer.Root(t)
	helpdesk := httptest.NewServer(notes.Handler())
	t.Cleanup(helpdesk.Close)
	r := &reader{t: t, dir: t.TempDir(), env: append(os.Environ(),
		"HELPDESK_URL="+helpdesk.URL, "SEALING_KEY="+strings.Repeat("k", 48))}
	for name, content := range workspace(t) {
		r.write(name, content)
	}
	if err := os.CopyFS(filepath.Join(r.dir, "local", "examples"), os.DirFS(filepath.Join(root, "local", "examples"))); err != nil {
		t.Fatal(err)
	}
	for dir, name := range map[string]string{
		"extract": "apim-extract", "logicapp-replies": "logicapp-standard", "functionapp-replies": "functionapp",
	} {
		saved, err := txtar.ParseFile(filepath.Join(root, "shared", "importer", "testdata", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range saved.Files {
			if source, ok := strings.CutPrefix(f.Name, "source/"); ok {
				r.write(dir+"/"+source, string(f.Data))
			}
		}
	}
	r.writeCertificate()
	return r
}

func (r *reader) write(name, content string) {
	r.t.Helper()
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// writeCertificate writes cert.pem and key.pem.
func (r *reader) writeCertificate() {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	r.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	r.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// TestCommands follows README.md and the guides from the beginning to the end of each:
// what a comment names is written, and commands are run in between.
func TestCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of the pages are run by sh")
	}
	local := peer.Build(t, "./local")
	for _, p := range followed(t) {
		t.Run(path.Base(p.path), func(t *testing.T) {
			r := newReader(t)
			for _, s := range p.snippets {
				switch {
				case fileMarker.MatchString(s.marker):
					r.write(filePath(s.marker), s.text)
				case s.language != "" || slices.Contains(elsewhere, s.marker):
				case s.marker == "":
					r.follow(p, s, local)
				case s.marker == served:
					url, stop := r.serve(local, []string{"serve", mine})
					s.text = strings.ReplaceAll(s.text, "http://127.0.0.1:8080", url)
					r.follow(p, s, local)
					stop()
				default:
					t.Errorf("%s:%d: no test knows the comment %q", p.path, s.line, s.marker)
				}
			}
		})
	}
}

// follow runs the commands of a snippet by the shell, those that serve until they listen.
func (r *reader) follow(p page, s snippet, local string) {
	r.t.Helper()
	var script strings.Builder
	flush := func() {
		if script.Len() == 0 {
			return
		}
		out := peer.Run(r.t, peer.Command{Path: "sh", Args: []string{"-e", "-c", script.String()}, Dir: r.dir, Env: r.env})
		if out.ExitCode != 0 {
			r.t.Errorf("%s:%d: exit code %d\n%s\n%s%s", p.path, s.line, out.ExitCode, script.String(), out.Stdout, out.Stderr)
		}
		script.Reset()
	}
	for line := range strings.Lines(s.text) {
		command, _, _ := strings.Cut(line, "  #")
		command = strings.TrimSpace(command)
		words := strings.Fields(strings.TrimPrefix(command, program))
		switch {
		case strings.HasPrefix(command, "go test "): // this is one
		case command == program, strings.HasPrefix(command, program+" serve "):
			flush()
			_, stop := r.serve(local, words)
			stop()
		default:
			if strings.HasPrefix(command, program+" import ") { // it begins a folder
				_ = os.RemoveAll(filepath.Join(r.dir, mine))
			}
			script.WriteString(strings.ReplaceAll(line, program, "'"+local+"'"))
		}
	}
	flush()
}

var listening = regexp.MustCompile(`(?m)^listening on (https?://\S+)$`)

// serve starts a gateway, and waits until it listens.
func (r *reader) serve(local string, args []string) (url string, stop func()) {
	r.t.Helper()
	process, err := peer.Start(peer.Command{
		Path: local, Args: append(args, "--listen", "127.0.0.1:0"), Dir: r.dir, Env: r.env, Ready: listening,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(process.Stop)
	if url, err = process.AwaitReady(r.t.Context()); err != nil {
		r.t.Fatalf("%q: %v", args, err)
	}
	return url, process.Stop
}

var (
	usageFlag   = regexp.MustCompile(`(?m)^  -([a-z][a-z-]*)`)
	commandFlag = regexp.MustCompile(`(?:^|\s)--?([a-z][a-z-]*)`)
	codeSpan    = regexp.MustCompile("`(" + regexp.QuoteMeta(program) + "[^`\n]*)`")
)

// TestFlags finds commands and flags that do not exist, in all pages: in commands that
// are run elsewhere, and in those within a sentence.
func TestFlags(t *testing.T) {
	known := map[string][]string{}
	for _, p := range readPages(t) {
		var commands []string
		for _, m := range codeSpan.FindAllStringSubmatch(p.prose(), -1) {
			commands = append(commands, m[1])
		}
		for _, s := range p.snippets {
			for line := range strings.Lines(s.text) {
				if _, command, ok := strings.Cut(line, program); ok && s.language == "" {
					commands = append(commands, program+command)
				}
			}
		}
		for _, command := range commands {
			words := strings.Fields(strings.TrimPrefix(command, program))
			if len(words) == 0 || strings.HasPrefix(words[0], "#") {
				continue
			}
			name := words[0]
			if known[name] == nil {
				known[name] = flagsOf(t, name)
			}
			if known[name] == nil {
				t.Errorf("%s: there is no command %q: %s", p.path, name, command)
				continue
			}
			for _, m := range commandFlag.FindAllStringSubmatch(command, -1) {
				if !slices.Contains(known[name], m[1]) {
					t.Errorf("%s: the command has no flag %q: %s", p.path, m[1], command)
				}
			}
		}
	}
}

// flagsOf are the flags of a command; nil when there is no such command.
func flagsOf(t *testing.T, name string) []string {
	t.Helper()
	flags := []string{"h"}
	asked := [][]string{{name, "-h"}}
	if name == "trace" {
		asked = [][]string{{name, "token", "-h"}, {name, "get", "-h"}}
	}
	for _, args := range asked {
		out := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: args, Dir: peer.Root(t)})
		if out.ExitCode != 0 {
			return nil
		}
		for _, m := range usageFlag.FindAllStringSubmatch(string(out.Stderr), -1) {
			flags = append(flags, m[1])
		}
	}
	return flags
}
