package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// releases are the packages that were deployed last, in a folder: each under its
// hashes, and which is the current one.
type releases struct {
	// Current is the name of the package that was deployed last; empty: none was.
	Current string    `json:"current"`
	Kept    []kept    `json:"kept"` // in the order of their first release
	folder  string    // where they are
	now     time.Time // when the command began
}

// kept is one package. Two of one snapshot may have other programs.
type kept struct {
	Package  string    `json:"package"`  // the name of the file
	Snapshot string    `json:"snapshot"` // the hash of its snapshot
	SHA256   string    `json:"sha256"`   // of the file
	Released time.Time `json:"released"`
	// Before is the package that was current when this one was released last; empty:
	// none was.
	Before string `json:"before,omitzero"`
}

// releasesFile is the list of a folder of releases.
const releasesFile = "releases.json"

func readReleases(folder string) (*releases, error) {
	r := &releases{folder: folder, now: time.Now().UTC().Truncate(time.Second)}
	content, err := os.ReadFile(filepath.Join(folder, releasesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(content, r)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the releases in %s: %w", folder, err)
	}
	for _, k := range r.Kept {
		if k.Package != filepath.Base(k.Package) || !filepath.IsLocal(k.Package) {
			return nil, fmt.Errorf("reading the releases in %s: %q is no name of a file there", folder, k.Package)
		}
	}
	return r, nil
}

// find finds a release by the beginning of its name or of one of its hashes. Of
// several packages of one snapshot it is the last.
func (r *releases) find(hash string) (*kept, error) {
	if hash == "" {
		return nil, fmt.Errorf("%s has no current release: `go run ./local release PACKAGE --in %s` makes one", r.folder, r.folder)
	}
	var found *kept
	for i := range r.Kept {
		k := &r.Kept[i]
		if !strings.HasPrefix(k.Package, hash) && !strings.HasPrefix(k.Snapshot, hash) && !strings.HasPrefix(k.SHA256, hash) {
			continue
		}
		if found != nil && found.Snapshot != k.Snapshot {
			return nil, fmt.Errorf("%q begins the hashes of several releases in %s: write more of it", hash, r.folder)
		}
		found = k
	}
	if found == nil {
		var names []string
		for _, k := range r.Kept {
			names = append(names, fmt.Sprintf("%.12s", k.Snapshot))
		}
		return nil, fmt.Errorf("%s keeps no release %.12s, but %s", r.folder, hash, cmp.Or(strings.Join(names, ", "), "none at all"))
	}
	return found, nil
}

// open loads the snapshot of a release, which must be the one that was released.
func (r *releases) open(k *kept) (*snapshot.Snapshot, error) {
	content, err := r.read(k)
	if err != nil {
		return nil, err
	}
	return snapshot.LoadPackage(content)
}

// read reads the package of a release.
func (r *releases) read(k *kept) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(r.folder, k.Package))
	if err != nil {
		return nil, fmt.Errorf("reading the release %.12s: %w", k.Snapshot, err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != k.SHA256 {
		return nil, fmt.Errorf("%s is not the file that was released: its SHA-256 is %x", filepath.Join(r.folder, k.Package), sum)
	}
	return content, nil
}

// keep takes a package among the releases. One that is there already is not written
// again.
func (r *releases) keep(path string) (*kept, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the package: %w", err)
	}
	s, err := snapshot.LoadPackage(content)
	if err == nil {
		err = s.Verify()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot in %s: %w", path, err)
	}
	sum := sha256.Sum256(content)
	k := kept{Snapshot: s.Hash, SHA256: hex.EncodeToString(sum[:]), Released: r.now}
	if i := slices.IndexFunc(r.Kept, func(other kept) bool { return other.SHA256 == k.SHA256 }); i >= 0 {
		r.Kept[i].Released = r.now
		return &r.Kept[i], nil
	}
	k.Package = k.Snapshot[:min(16, len(k.Snapshot))] + "-" + k.SHA256[:16] + ".zip"
	if err := writeWhole(filepath.Join(r.folder, k.Package), content); err != nil {
		return nil, fmt.Errorf("keeping the package: %w", err)
	}
	r.Kept = append(r.Kept, k)
	return &r.Kept[len(r.Kept)-1], nil
}

// switchTo makes a release the current one.
func (r *releases) switchTo(k *kept) {
	if r.Current != k.Package {
		k.Before = r.Current
	}
	r.Current = k.Package
}

// write writes the list, and removes the packages that were released the longest ago,
// so that most stay. The current one, and the one before it, stay in any case.
func (r *releases) write(most int) error {
	var gone []string
	for len(r.Kept) > max(most, 2) {
		oldest := -1
		for i, k := range r.Kept {
			if k.Package == r.Current || slices.ContainsFunc(r.Kept, func(c kept) bool { return c.Package == r.Current && c.Before == k.Package }) {
				continue
			}
			if oldest < 0 || k.Released.Before(r.Kept[oldest].Released) {
				oldest = i
			}
		}
		if oldest < 0 {
			break
		}
		gone = append(gone, r.Kept[oldest].Package)
		r.Kept = slices.Delete(r.Kept, oldest, oldest+1)
	}
	content, err := json.Marshal(r, jsontext.Multiline(true))
	if err == nil {
		err = writeWhole(filepath.Join(r.folder, releasesFile), append(content, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing the releases: %w", err)
	}
	for _, name := range gone {
		if err := os.Remove(filepath.Join(r.folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an old release: %w", err)
		}
	}
	return nil
}
