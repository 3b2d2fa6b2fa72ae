package openapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// namesOf parses a document with one GET operation per line, "path id", and
// gives the names by path.
func namesOf(t *testing.T, limit int, lines ...string) map[string]string {
	t.Helper()
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\npaths:\n")
	for _, line := range lines {
		path, id, _ := strings.Cut(line, " ")
		fmt.Fprintf(&b, "  %q:\n    get: {%s}\n", path, id)
	}
	d := parseText(t, b.String())
	names := make(map[string]string)
	for o, name := range d.Names(limit) {
		names[o.Path] = name
	}
	return names
}

func TestNames(t *testing.T) {
	tests := []struct {
		name string
		line string
		want string
	}{
		{"as it is", "/a operationId: listPets", "listPets"},
		{"slashes and dots", "/a operationId: repos/list.for-org", "repos_list_for-org"},
		{"edges", "/a operationId: '--_list pets!_'", "list_pets"},
		{"a number", "/a operationId: 42", "42"},
		{"without an id", "/pets/{petId}/photos", "get_pets_petId_photos"},
		{"id without letters", "/pets operationId: '日本'", "get_pets"},
		{"x-mcp before the id", "/a operationId: listPets, x-mcp: {name: find_pets}", "find_pets"},
		{"x-mcp with odd characters", "/a operationId: listPets, x-mcp: {name: find pets}", "find_pets"},
		{
			"long", "/a operationId: replaceCertificatesV1alpha1NamespacedPodCertificateRequestStatus",
			"replaceCertificates_RequestStatus_" + shortHash("replaceCertificatesV1alpha1NamespacedPodCertificateRequestStatus", 6),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, got := range namesOf(t, 0, tt.line) {
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func TestNamesThatCollide(t *testing.T) {
	names := namesOf(t, 0, "/a operationId: get_pet", "/b operationId: get.pet", "/c operationId: other")
	if names["/a"] == names["/b"] {
		t.Errorf("got %q twice", names["/a"])
	}
	for _, path := range []string{"/a", "/b"} {
		if want := "get_pet_" + shortHash("GET "+path, 6); names[path] != want {
			t.Errorf("got %q, want %q", names[path], want)
		}
	}
	if got := names["/c"]; got != "other" {
		t.Errorf("got %q, want other", got)
	}
}

func TestExplicitNameKeepsItsPlace(t *testing.T) {
	names := namesOf(t, 0, "/a operationId: getPet", "/b operationId: x, x-mcp: {name: getPet}")
	if got := names["/b"]; got != "getPet" {
		t.Errorf("got %q, want the name of x-mcp", got)
	}
	if got, want := names["/a"], "getPet_"+shortHash("GET /a", 6); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesDoNotDependOnOrder(t *testing.T) {
	lines := []string{"/same", "/same_", "/x operationId: get_same", "/y operationId: '" + strings.Repeat("long", 30) + "'"}
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("/p%d operationId: %q", i, strings.Repeat("/", i%7)+"list"+strings.Repeat(" items", i%9)))
	}
	want := namesOf(t, 20, lines...)
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		for path, name := range namesOf(t, 20, lines...) {
			if name != want[path] {
				t.Errorf("%s: got %q, want %q", path, name, want[path])
			}
		}
	}
	checkNames(t, want, 20)
}

func checkNames(t *testing.T, names map[string]string, limit int) {
	t.Helper()
	owner := make(map[string]string)
	for path, name := range names {
		if !toolName().MatchString(name) || len(name) > limit {
			t.Errorf("%s: %q is not a name of at most %d characters", path, name, limit)
		}
		if other, taken := owner[name]; taken {
			t.Errorf("%q is the name of both %s and %s", name, path, other)
		}
		owner[name] = path
	}
}

func TestNameLengths(t *testing.T) {
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf("/p%d operationId: %s%d", i, strings.Repeat("veryLongWord", 8), i))
	}
	for limit, want := range map[int]int{1: 16, 16: 16, 0: 48, 48: 48, 64: 64, 1000: 64} {
		checkNames(t, namesOf(t, limit, lines...), want)
	}
}
