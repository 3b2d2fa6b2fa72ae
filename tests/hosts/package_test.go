package hosts_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

// packaged runs the command and returns what it wrote.
func packaged(t *testing.T, args ...string) []byte {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "a folder", "package.zip")
	out := peer.Run(t, peer.Command{Path: peer.GatewayProgram(t), Args: append(append([]string{"package"}, args...), "-o", archive), Dir: peer.Root(t)})
	if out.ExitCode != 0 {
		t.Fatalf("exit code %d\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// contents are the files of an archive.
func contents(t *testing.T, archive []byte) map[string]*zip.File {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		files[f.Name] = f
	}
	return files
}

func read(t *testing.T, f *zip.File) []byte {
	t.Helper()
	if f == nil {
		t.Fatal("the file is missing")
	}
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestPackages(t *testing.T) {
	for _, c := range []struct {
		name    string
		archive func(t *testing.T) []byte
		limit   int // bytes
		program string
		machine elf.Machine
		files   []string
	}{
		{"azure", func(t *testing.T) []byte { return hosts.Archive(t, hosts.Azure) }, 12_000_000, "app", elf.EM_X86_64, []string{"app", "gateway.snapshot", "gateway/function.json", "host.json", "sweep/function.json"}},
		{"lambda for arm64", func(t *testing.T) []byte { return packaged(t, "lambda") }, 10_000_000, "bootstrap", elf.EM_AARCH64, []string{"bootstrap", "gateway.snapshot"}},
		{"lambda for x86_64", func(t *testing.T) []byte { return hosts.Archive(t, hosts.Lambda) }, 10_000_000, "bootstrap", elf.EM_X86_64, []string{"bootstrap", "gateway.snapshot"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.machine == elf.EM_AARCH64 && testing.Short() {
				t.Skip("everything is compiled for another machine")
			}
			archive := c.archive(t)
			t.Logf("%.1f MB", float64(len(archive))/1e6)
			if len(archive) > c.limit {
				t.Errorf("got %d bytes, want %d at most", len(archive), c.limit)
			}
			files := contents(t, archive)
			for _, name := range c.files {
				f := files[name]
				if f == nil {
					t.Fatalf("%s is missing", name)
				}
				want := os.FileMode(0o644)
				if name == c.program {
					want = 0o755
				}
				if f.Mode() != want || f.Modified.Year() != 1980 {
					t.Errorf("%s: got mode %v and time %v, want %v", name, f.Mode(), f.Modified, want)
				}
			}
			if len(files) != len(c.files) {
				t.Errorf("got %d files, want %v", len(files), c.files)
			}
			program, err := elf.NewFile(bytes.NewReader(read(t, files[c.program])))
			if err != nil {
				t.Fatal(err)
			}
			if program.Machine != c.machine || program.Section(".symtab") != nil || program.Section(".interp") != nil {
				t.Errorf("got a program for %v; it is stripped: %v, it is static: %v", program.Machine, program.Section(".symtab") == nil, program.Section(".interp") == nil)
			}
		})
	}
}

// The same sources give the same package.
func TestPackagesAreReproducible(t *testing.T) {
	if first, second := hosts.Archive(t, hosts.Azure), packaged(t, "azure", filepath.Join(peer.Root(t), "local", "examples", "gateway")); !bytes.Equal(first, second) {
		for name, f := range contents(t, first) {
			t.Logf("%s: the same: %v", name, bytes.Equal(read(t, f), read(t, contents(t, second)[name])))
		}
		t.Error("two packages differ")
	}
}

func TestPackageFaults(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"gcp"}, 1, "write azure or lambda"},
		{[]string{"azure", "--arch", "arm64"}, 1, `azure runs no programs for "arm64": write amd64`},
		{[]string{"lambda", "--arch", "mips"}, 1, "write arm64 or amd64"},
		{[]string{"azure", "/nowhere"}, 1, "gateway.yaml"},
		{nil, 2, "package azure|lambda"},
	} {
		out := peer.Run(t, peer.Command{Path: peer.GatewayProgram(t), Args: append([]string{"package"}, c.args...), Dir: peer.Root(t)})
		if out.ExitCode != c.code || !strings.Contains(string(out.Stderr), c.want) {
			t.Errorf("%q: got exit code %d, %s", c.args, out.ExitCode, out.Stderr)
		}
	}
}
