// Package hosts stands in for the platforms: the Azure Functions host with the front
// end of App Service before it, and AWS Lambda with its Runtime API and the doors of
// Function URLs and HTTP APIs. They run what `go run ./local package` wrote, unpacked,
// and do to requests and processes what the platforms do. A program that uses it calls
// peer.Supervise, and a test peer.Main.
package hosts

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The platforms.
const (
	Azure  = "azure"
	Lambda = "lambda"
)

// Unpack unpacks a package into a folder, with the modes that it has.
func Unpack(archive, to string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	defer z.Close()
	for _, f := range z.File {
		if err := unpackFile(f, to); err != nil {
			return fmt.Errorf("unpacking %s of %s: %w", f.Name, archive, err)
		}
	}
	return nil
}

func unpackFile(f *zip.File, to string) error {
	if !filepath.IsLocal(f.Name) || strings.Contains(f.Name, `\`) {
		return errors.New("its name leaves the folder")
	}
	path := filepath.Join(to, f.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) //nolint:gosec // G110: it is our own package
	return errors.Join(err, out.Close())
}

// Deploy makes the folder of a platform for a configuration: the files of an unpacked
// package, with the snapshot of another folder. Packages of the same sources differ
// in their snapshots alone. Local is the program of ./local.
func Deploy(ctx context.Context, local, unpacked, configuration, to string) error {
	err := filepath.WalkDir(unpacked, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(unpacked, path)
		switch {
		case err != nil || name == "gateway.snapshot":
			return err
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		return os.Link(path, filepath.Join(to, name))
	})
	if err != nil {
		return fmt.Errorf("deploying %s: %w", configuration, err)
	}
	out, err := exec.CommandContext(ctx, local, "build", configuration, "-o", filepath.Join(to, "gateway.snapshot")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("deploying %s: %w\n%s", configuration, err, out)
	}
	return nil
}
