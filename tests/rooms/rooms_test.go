// Package rooms_test holds the rules of the repository that a compiler does not
// check: which package may import which, and the measures and names of the
// code.
package rooms_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestImports compares the imports between the product's packages with the
// table, in both directions.
func TestImports(t *testing.T) {
	used := map[string]map[string]string{} // from → to → a file that imports
	for _, s := range parseTree(t).product() {
		if used[s.dir] == nil {
			used[s.dir] = map[string]string{}
		}
		for _, to := range s.imports {
			if to, ours := strings.CutPrefix(to, module+"/"); ours {
				used[s.dir][to] = s.file
			}
		}
	}
	for _, from := range slices.Sorted(maps.Keys(used)) {
		if _, known := rooms[from]; !known {
			t.Errorf("package %s is not in the table of rooms: add a row that says what it knows and why it needs what it imports", from)
			continue
		}
		for _, to := range slices.Sorted(maps.Keys(used[from])) {
			if !slices.ContainsFunc(rooms[from].imports, func(d door) bool { return d.to == to }) {
				t.Errorf("%s: %s must not import %s; if it has to, add a row with the reason", used[from][to], from, to)
			}
		}
	}
}

// TestTableIsCurrent finds rows that nothing needs any more.
func TestTableIsCurrent(t *testing.T) {
	used := map[string]bool{} // packages, and imports as "from → to"
	for _, s := range parseTree(t).product() {
		used[s.dir] = true
		for _, to := range s.imports {
			used[s.dir+" → "+strings.TrimPrefix(to, module+"/")] = true
		}
	}
	for _, from := range slices.Sorted(maps.Keys(rooms)) {
		if !used[from] {
			t.Errorf("the table has a row for package %s, which does not exist", from)
			continue
		}
		if rooms[from].knows == "" {
			t.Errorf("the row of %s does not say what the package knows", from)
		}
		for _, d := range rooms[from].imports {
			if !used[from+" → "+d.to] {
				t.Errorf("the table lets %s import %s (%s), which it does not: remove the row", from, d.to, d.why)
			}
			if d.why == "" {
				t.Errorf("the row of %s → %s gives no reason", from, d.to)
			}
			if _, known := rooms[d.to]; !known {
				t.Errorf("the row of %s → %s names a package that is not in the table", from, d.to)
			}
		}
	}
}

// TestRestrictedImports keeps what only some rooms may know out of the others.
func TestRestrictedImports(t *testing.T) {
	for _, s := range parseTree(t).product() {
		for _, to := range s.imports {
			for _, r := range restricted {
				matches := to == r.path || strings.HasSuffix(r.path, "/") && strings.HasPrefix(to+"/", r.path)
				if matches && !slices.Contains(r.rooms, s.dir) {
					t.Errorf("%s imports %s, which only %v may: %s", s.file, to, r.rooms, r.why)
				}
			}
		}
	}
}
