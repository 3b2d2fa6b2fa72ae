package snapshot

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// contentHash is the SHA-256 of the names and the hashes of entries, in their order.
type contentHash []byte

func (h *contentHash) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	*h = append(append(append(*h, name...), 0), sum[:]...)
}

// String is the hash in hexadecimal digits.
func (h contentHash) String() string {
	sum := sha256.Sum256(h)
	return hex.EncodeToString(sum[:])
}

// Verify compares Hash with the content, all of which it reads. A start does not: who
// could change the file could change its hash as well. It is for files that were
// stored under their hashes.
func (s *Snapshot) Verify() error {
	var h contentHash
	for _, name := range s.names {
		content, err := s.read(name)
		if err != nil {
			return err
		}
		h.add(name, content)
	}
	if got := h.String(); got != s.Hash {
		return fmt.Errorf("the snapshot says that its hash is %q, and it is %q: the file was changed; build it again", s.Hash, got)
	}
	return nil
}

// FileName is the name of the snapshot in a deployment package.
const FileName = "gateway.snapshot"

// maxPackaged bounds a snapshot in a package, in bytes.
const maxPackaged = 1 << 30

// OpenPackage loads the snapshot of a deployment package. A file that is a snapshot
// itself is loaded as [Open] does.
func OpenPackage(path string) (*Snapshot, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening a snapshot or a package: %w", err)
	}
	s, err := LoadPackage(content)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", path, err)
	}
	return s, nil
}

// LoadPackage is [OpenPackage] for a file that was read.
func LoadPackage(content []byte) (*Snapshot, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot or a package: %w", err)
	}
	for _, f := range archive.File {
		if f.Name != FileName {
			continue
		}
		if f.UncompressedSize64 > maxPackaged {
			return nil, fmt.Errorf("the package's %s is larger than %d MiB", FileName, maxPackaged>>20)
		}
		if content, err = unpack(f); err != nil {
			return nil, fmt.Errorf("reading %s of the package: %w", FileName, err)
		}
		break
	}
	return Load(bytes.NewReader(content), int64(len(content)))
}

func unpack(f *zip.File) (content []byte, err error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(io.LimitReader(r, maxPackaged))
}
