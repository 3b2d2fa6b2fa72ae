package policytest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Run runs the tests of the files that a pattern matches, one subtest each.
// With update, transcripts are written into the files.
func Run(t *testing.T, pattern string, o Options, update bool) {
	t.Helper()
	RunFiles(t, pattern, update, func(ctx context.Context, a *txtar.Archive) (string, error) {
		return Transcript(ctx, a, o)
	})
}

// RunFiles is Run for tests of any kind: transcript runs one.
func RunFiles(t *testing.T, pattern string, update bool, transcript func(context.Context, *txtar.Archive) (string, error)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test matches %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(content)
			got, err := transcript(t.Context(), archive)
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			want, line := Want(archive)
			switch {
			case got == want:
			case err != nil || !update:
				t.Errorf("%s: the transcript differs (- wanted, + got)\n%s", file, Diff(want, got, line))
			default:
				SetWant(archive, got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Want is the transcript that an archive wants, and the line of the test file at
// which it begins; the one behind the last when there is none yet.
func Want(a *txtar.Archive) (transcript string, line int) {
	for _, s := range Sections(a) {
		if s.Name() == "want" {
			return string(s.Data), s.Line + 1
		}
	}
	return "", bytes.Count(txtar.Format(a), []byte("\n")) + 2
}

// SetWant puts a transcript into an archive.
func SetWant(a *txtar.Archive, transcript string) {
	for i, f := range a.Files {
		if f.Name == "want" {
			a.Files[i].Data = []byte(transcript)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(transcript)})
}
