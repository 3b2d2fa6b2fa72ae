package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"toolgate/shared/config"
)

// platform is a cloud that takes a package.
type platform struct {
	name    string
	program string   // its main package, below the root of the repository
	binary  string   // the name of the program in the package
	tags    string   // of the build
	arches  []string // the default first
	// files are those of the repository that go into the package as they are, by
	// their path there.
	files map[string]string
	out   string // where the package goes, unless told otherwise
}

// platforms lists the clouds. Azure Functions has no other machines in its plan Flex
// Consumption.
func platforms() []platform {
	return []platform{
		{
			name: "azure", program: "./functions/azure", binary: "app", arches: []string{"amd64"},
			files: map[string]string{
				"host.json":             "host.json",
				"gateway/function.json": "functions/gateway/function.json",
				"sweep/function.json":   "functions/sweep/function.json",
			},
			out: filepath.Join("dist", "functions.zip"),
		},
		{
			name: "lambda", program: "./functions/lambda", binary: "bootstrap", tags: "lambda.norpc", arches: []string{"arm64", "amd64"},
			out: filepath.Join("dist", "lambda.zip"),
		},
	}
}

// folderVariable names the folder that is packaged where the command line names none,
// so that a deployment can be told by its environment.
const folderVariable = "TOOLGATE_DIR"

// snapshotName is the snapshot in a package, where both programs look for it.
const snapshotName = "gateway.snapshot"

func writePackage(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	out := flags.String("o", "", "the `file` to write (default dist/functions.zip or dist/lambda.zip)")
	arch := flags.String("arch", "", "the `machine` it is for: amd64 or arm64 (default amd64 on Azure, arm64 on AWS)")
	args, err := c.parse(flags, 1, 2)
	if err != nil {
		return err
	}
	p, err := platformOf(args[0], *arch)
	if err != nil {
		return err
	}
	dir := exampleDir
	if len(args) == 2 {
		dir = args[1]
	} else if named, ok := c.env(folderVariable); ok && named != "" {
		dir = named
	} else if err := hasExample("package " + p.name); err != nil {
		return err
	}
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	result, _, err := compile(ctx, dir, c.env)
	if err != nil {
		return err
	}
	result.Report.Write(c.stdout, false)
	program, err := p.compileProgram(ctx, root)
	if err != nil {
		return err
	}
	entries, err := p.entries(root)
	if err != nil {
		return err
	}
	keys, err := keyFiles(dir, c.env)
	if err != nil {
		return err
	}
	entries = append(append(entries, keys...), entry{p.binary, program, true}, entry{snapshotName, result.Snapshot, false})
	content, err := archive(entries)
	if err != nil {
		return err
	}
	path := cmp.Or(*out, p.out)
	if err := writeWhole(path, content); err != nil {
		return fmt.Errorf("writing the package: %w", err)
	}
	fmt.Fprintf(c.stdout, "wrote %s (%.1f MB, linux/%s, SHA-256 %x)\n", path, float64(len(content))/1e6, p.arches[0], sha256.Sum256(content))
	return nil
}

// platformOf finds a platform by its name, for one kind of machine.
func platformOf(name, arch string) (platform, error) {
	for _, p := range platforms() {
		if p.name != name {
			continue
		}
		if arch != "" && !slices.Contains(p.arches, arch) {
			return p, fmt.Errorf("%s runs no programs for %q: write %s", name, arch, strings.Join(p.arches, " or "))
		}
		p.arches = []string{cmp.Or(arch, p.arches[0])}
		return p, nil
	}
	return platform{}, fmt.Errorf("there is no package for %q: write azure or lambda", name)
}

// repository is the folder with the sources of the programs: that of the module which
// the command is run in.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the sources of the program: %w", err)
	}
	path := strings.TrimSpace(string(out))
	content, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(content, []byte("module toolgate\n")) {
		return "", errors.New("finding the sources of the program: run this in the root of the repository")
	}
	return filepath.Dir(path), nil
}

// compileProgram compiles the program for the platform. The same sources give the
// same bytes on every machine with the same Go.
func (p *platform) compileProgram(ctx context.Context, root string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "toolgate-package-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, p.binary)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags="+p.tags, "-ldflags=-s -w", "-o", binary, p.program)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+p.arches[0], "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=")
	if printed, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling %s: %w\n%s", p.program, err, printed)
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	return content, nil
}

// entries are the files that the platform wants beside the program.
func (p *platform) entries(root string) ([]entry, error) {
	var entries []entry
	for name, path := range p.files {
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		if err != nil {
			return nil, fmt.Errorf("reading what %s needs: %w", p.name, err)
		}
		entries = append(entries, entry{name, content, false})
	}
	return entries, nil
}

// keyFiles are the files with private keys that gateway.yaml names. The gateway reads
// them beside the snapshot, which has none.
func keyFiles(dir string, env func(string) (string, bool)) ([]entry, error) {
	cfg, faults := config.Load(dir, env)
	if len(faults) > 0 {
		return nil, faults
	}
	var entries []entry
	for _, c := range cfg.Certificates {
		for _, name := range []string{c.PFX.File, c.Key.File} {
			if name == "" || slices.ContainsFunc(entries, func(e entry) bool { return e.name == name }) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return nil, fmt.Errorf("reading the key of certificate %s: %w", c.ID, err)
			}
			entries = append(entries, entry{name, content, false})
		}
	}
	return entries, nil
}

// writeWhole writes a file that is there as a whole, or not at all.
func writeWhole(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".package-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // an error means that it has its name
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
