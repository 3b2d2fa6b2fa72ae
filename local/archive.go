package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"fmt"
	"io"
	"slices"
	"time"
)

// entry is a file of a package.
type entry struct {
	name       string // with slashes
	content    []byte
	executable bool
}

// zipEpoch is the time that all files have: the first that a zip archive can tell.
var zipEpoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// archive makes a zip archive whose bytes depend on the files alone. They have the
// modes of Unix, whatever this machine knows of such: a program without the bit does
// not start in the cloud.
func archive(entries []entry) ([]byte, error) {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for i, e := range entries {
		if i > 0 && entries[i-1].name == e.name {
			return nil, fmt.Errorf("packaging %s: there are two files of this name", e.name)
		}
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: zipEpoch}
		h.SetMode(0o644)
		if e.executable {
			h.SetMode(0o755)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write(e.content)
		}
		if err != nil {
			return nil, fmt.Errorf("packaging %s: %w", e.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("packaging: %w", err)
	}
	return out.Bytes(), nil
}
