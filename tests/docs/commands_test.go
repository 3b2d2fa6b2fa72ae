package docs_test

import (
	"cmp"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"toolgate/local/examples/notes"
	"toolgate/tests/peer"
)

// program is how the pages call the commands.
const program = "go run ./local"

// elsewhere are the comments above commands that tests/infra follows, with the guides
// where it finds them. README.md has them too.
var elsewhere = map[string]string{"needs Azure": "azure.md", "needs AWS": "aws.md"}

// served is the comment above commands that are for a gateway at 127.0.0.1:8080.
const served = "while mygateway is served"

// reader is somebody who follows a page from its beginning, in a folder of their own.
type reader struct {
	t      *testing.T
	dir    string
	record string   // has what the stand-ins for programs keep
	env    []string // added to that of the test
}

// newReader makes the folder, with what is beside the reader in the repository. Beyond
// the machine there are the hosts that the commands name, and nothing else.
func newReader(t *testing.T) *reader {
	t.Helper()
	helpdesk := httptest.NewServer(notes.Handler())
	t.Cleanup(helpdesk.Close)
	tools := t.TempDir()
	writeFile(t, filepath.Join(tools, "az"), azCLI, 0o700)
	r := &reader{t: t, dir: t.TempDir(), record: t.TempDir()}
	r.env = []string{
		"HELPDESK_URL=" + helpdesk.URL, "SEALING_KEY=" + strings.Repeat("k", 48),
		"PATH=" + tools + string(os.PathListSeparator) + os.Getenv("PATH"), "RECORD=" + r.record,
	}
	r.env = append(r.env, newNetwork(t, r.record, hosts(t, r))...)
	for name, content := range workspace(t) {
		r.write(name, content)
	}
	examples := os.DirFS(filepath.Join(peer.Root(t), "local", "examples"))
	if err := os.CopyFS(filepath.Join(r.dir, "local", "examples"), examples); err != nil {
		t.Fatal(err)
	}
	for dir, name := range map[string]string{
		"extract": "apim-extract", "logicapp-replies": "logicapp-standard", "functionapp-replies": "functionapp",
	} {
		for file, content := range saved(t, name, "source") {
			r.write(dir+"/"+file, content)
		}
	}
	certificate, key := selfSigned(t, "localhost")
	r.write("cert.pem", string(certificate))
	r.write("key.pem", string(key))
	return r
}

// write writes a file of the reader's.
func (r *reader) write(name, content string) {
	r.t.Helper()
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		r.t.Fatal(err)
	}
	writeFile(r.t, file, content, 0o600)
}

func writeFile(t *testing.T, file, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// read reads a file of the reader's; one that is not there is a fault, and empty.
func (r *reader) read(name string) string {
	r.t.Helper()
	content, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		r.t.Error(err)
	}
	return string(content)
}

// outcome is what a command does besides ending with exit code 0.
type outcome struct {
	command  string // how it begins, behind "go run ./local "
	exitCode int
	prints   string        // a regular expression of what it prints to stdout, or when it begins to serve
	check    func(*reader) // nil: nothing more is to be seen
}

// outcomes are those of the commands that reach beyond the machine, and of others that
// say how they end.
var outcomes = []outcome{
	{command: "import openapi https://example.com/", prints: `wrote mygateway/gateway\.yaml\n(?s:.*)next: go run \./local serve mygateway`},
	{command: "serve mygateway", prints: `Serving mygateway\.(?s:.*)  http\S+/mcp\s(?s:.*)"servers": \{(?s:.*)"url": "http\S+/mcp"`},
	{command: "import apim /subscriptions/", prints: `wrote \d+ files to mygateway`, check: imported("Microsoft.ApiManagement/service/", "replies")},
	{command: "import functionapp /subscriptions/", prints: `wrote \d+ files to mygateway`, check: imported("Microsoft.Web/sites/", "")},
	{command: "import logicapp /subscriptions/", prints: `wrote \d+ files to mygateway`, check: imported("Microsoft.Logic/workflows/", "")},
	{command: "plan mygateway --against gateway.snapshot", prints: `^nothing would change: `},
	{command: "plan mygateway --against https://tools.contoso.com", exitCode: 2, prints: `\+ orders/createOrder: added\n(?s:.*) 0 of them breaking`},
	{command: "package azure mygateway", prints: `wrote dist/functions\.zip`},
	{command: "release dist/functions.zip", prints: `deployed the snapshot \w+\nhttps://tools\.contoso\.com serves it`, check: serving(packageNext)},
	{command: "rollback --in releases", prints: `deployed the snapshot \w+\nhttps://tools\.contoso\.com serves it`, check: serving(packageBefore)},
}

// outcomeOf is the outcome of a command; nil where only exit code 0 is wanted.
func outcomeOf(command string) *outcome {
	rest, ok := strings.CutPrefix(command, program+" ")
	i := slices.IndexFunc(outcomes, func(o outcome) bool { return ok && strings.HasPrefix(rest, o.command) })
	if i < 0 {
		return nil
	}
	return &outcomes[i]
}

// TestOutcomes finds outcomes of commands that no page has any more.
func TestOutcomes(t *testing.T) {
	found := map[*outcome]bool{}
	for _, p := range followed(t) {
		for _, s := range p.snippets {
			for line := range strings.Lines(s.text) {
				found[outcomeOf(line)] = true
			}
		}
	}
	for i := range outcomes {
		if !found[&outcomes[i]] {
			t.Errorf("no page has the command %q", outcomes[i].command)
		}
	}
}

// trusted reports whether commands trust the certificate of the network: on macOS Go
// takes authorities from the keychain alone.
const trusted = runtime.GOOS != "darwin"

// beyond finds the commands that need it.
var beyond = regexp.MustCompile(`https://(?:example|tools\.contoso)\.com|/subscriptions/`)

// TestCommands follows README.md and the guides from the beginning to the end of each:
// what a comment names is written, and commands are run in between.
func TestCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of the pages are run by sh")
	}
	local := peer.Build(t, "./local")
	for _, p := range followed(t) {
		t.Run(path.Base(p.path), func(t *testing.T) {
			t.Parallel() // some wait for a deployment
			r := newReader(t)
			for _, s := range p.snippets {
				where, isElsewhere := elsewhere[s.marker]
				switch {
				case fileMarker.MatchString(s.marker):
					r.write(filePath(s.marker), s.text)
				case s.language != "", isElsewhere && (p.path == "README.md" || path.Base(p.path) == where):
				case !trusted && beyond.MatchString(s.text):
					t.Logf("%s:%d: not run on macOS", p.path, s.line)
				case s.marker == "":
					r.follow(p, s, local)
				case s.marker == served:
					url, stop := r.serve(local, []string{"serve", mine}, nil)
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
	flush := func(want *outcome) {
		if script.Len() == 0 {
			return
		}
		want = cmp.Or(want, &outcome{})
		out := peer.Run(r.t, peer.Command{Path: "sh", Args: []string{"-e", "-c", script.String()}, Dir: r.dir, Env: r.env})
		if out.ExitCode != want.exitCode || !regexp.MustCompile(want.prints).Match(out.Stdout) {
			r.t.Errorf("%s:%d: exit code %d, want %d and %q\n%s\n%s%s",
				p.path, s.line, out.ExitCode, want.exitCode, want.prints, script.String(), out.Stdout, out.Stderr)
		} else if want.check != nil {
			want.check(r)
		}
		script.Reset()
	}
	for line := range strings.Lines(s.text) {
		command, _, _ := strings.Cut(line, "  #")
		command = strings.TrimSpace(command)
		words := strings.Fields(strings.TrimPrefix(command, program))
		want := outcomeOf(command)
		if want != nil {
			flush(nil)
		}
		switch {
		case strings.HasPrefix(command, "go test "): // this is one
		case command == program, strings.HasPrefix(command, program+" serve "):
			flush(nil)
			_, stop := r.serve(local, words, want)
			stop()
		default:
			r.prepare(command, local)
			script.WriteString(strings.ReplaceAll(line, program, "'"+local+"'"))
		}
		if want != nil {
			flush(want)
		}
	}
	flush(nil)
}

// prepare makes what a command takes for granted.
func (r *reader) prepare(command, local string) {
	r.t.Helper()
	switch {
	case strings.HasPrefix(command, program+" import "): // it begins a folder
		_ = os.RemoveAll(filepath.Join(r.dir, mine))
	case strings.HasPrefix(command, program+" package "):
		r.clone()
	case strings.Contains(command, " --against https://"):
		r.deployBefore(local)
	}
}

// run runs a command of the reader's to its end.
func (r *reader) run(local string, args ...string) {
	r.t.Helper()
	out := peer.Run(r.t, peer.Command{Path: local, Args: args, Dir: r.dir, Env: r.env})
	if out.ExitCode != 0 {
		r.t.Fatalf("%q: exit code %d\n%s%s", args, out.ExitCode, out.Stdout, out.Stderr)
	}
}

var listening = regexp.MustCompile(`(?m)^listening on (https?://\S+)$`)

// serve starts a gateway, and waits until it listens and has printed what is wanted.
func (r *reader) serve(local string, args []string, want *outcome) (url string, stop func()) {
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
	if want != nil && !regexp.MustCompile(want.prints).MatchString(process.Log()) {
		r.t.Errorf("%q: got %s, want %q", args, process.Log(), want.prints)
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
