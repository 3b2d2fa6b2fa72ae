package plan

import (
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// document is a policy document of a scope.
type document struct {
	file    string
	content []byte
}

// policies compares the documents of each scope, and the fragments. Where several
// scopes have the same two documents the difference is shown once.
func (c *comparison) policies() error {
	before, err := documents(c.before)
	if err != nil {
		return err
	}
	after, err := documents(c.after)
	if err != nil {
		return err
	}
	shown := map[string]string{} // by the two contents
	for _, scope := range unionOf(before, after) {
		a, hadIt := before[scope]
		b, hasIt := after[scope]
		if hadIt == hasIt && string(a.content) == string(b.content) {
			continue
		}
		ch := Change{Area: AreaPolicy, Subject: scope, Kind: Changed}
		switch {
		case !hadIt:
			ch.Kind = Added
		case !hasIt:
			ch.Kind = Removed
		}
		key := string(a.content) + "\x00" + string(b.content)
		if first, again := shown[key]; again {
			ch.Details = []string{"as in " + first}
		} else {
			shown[key] = scope
			ch.Details = append(title(a, b), elements(a, b)...)
		}
		c.add(ch)
	}
	return nil
}

func title(a, b document) []string {
	switch {
	case a.file == b.file || b.file == "":
		return []string{a.file}
	case a.file == "":
		return []string{b.file}
	}
	return []string{a.file + " → " + b.file}
}

// documents are those of a snapshot by their scopes, and its fragments.
func documents(s *snapshot.Snapshot) (map[string]document, error) {
	found := map[string]document{}
	var failed error
	put := func(scope string, n int) {
		if n <= 0 || n > len(s.Policies) || failed != nil {
			return
		}
		content, err := s.Policy(n)
		failed = err
		found[scope] = document{s.Policies[n-1].File, content}
	}
	put("global", s.GlobalPolicy)
	for _, p := range s.Products {
		put("product "+p.Name, p.Policy)
	}
	for _, a := range s.APIs {
		put("api "+a.Name, a.Policy)
		for id, n := range a.OperationPolicies {
			put("operation "+a.Name+"/"+id, n)
		}
	}
	for _, server := range s.Servers {
		put("server "+server.Name, server.Policy)
		for name, n := range server.ToolPolicies {
			put("tool "+server.Name+"/"+name, n)
		}
	}
	for _, f := range s.Fragments {
		content, err := s.Fragment(f.ID)
		if err != nil {
			return nil, err
		}
		found["fragment "+f.ID] = document{f.File, content}
	}
	return found, failed
}

// elements shows the elements in which two documents differ, without texts that may
// be secrets.
func elements(a, b document) []string {
	was, is := printed(a), printed(b)
	list := lineDifferences(was, is)
	if list == nil {
		return []string{"only comments, white space, or texts that are not shown"}
	}
	return list
}

// printed are the lines of a document in one form, whatever its author's is.
func printed(d document) []string {
	if d.content == nil {
		return nil
	}
	parsed, faults := policy.Parse(d.file, d.content, policy.ParseOptions{})
	if faults.Err() != nil {
		return []string{"(a document that cannot be read without its named values)"}
	}
	for e := range parsed.All() {
		hide(e)
	}
	return strings.Split(strings.TrimSuffix(policy.Print(parsed), "\n"), "\n")
}

// telling are the words in names of what may be a secret.
var telling = []string{"auth", "token", "key", "secret", "password", "cookie", "session", "signature", "credential", "code", "sig"}

func tells(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(telling, func(word string) bool { return strings.Contains(name, word) })
}

// hide takes out of an element what may be a secret: a password, a key, and the
// values of headers, parameters and variables whose names tell. References to named
// values stay: they are names.
func hide(e *policy.Element) {
	name, _ := e.Attribute("name")
	secretive := tells(name.Value.Source)
	for i := range e.Attributes {
		a := &e.Attributes[i]
		switch a.Name {
		case "password", "body":
			hideText(&a.Value)
		case "value":
			if secretive {
				hideText(&a.Value)
			}
		}
	}
	switch e.Name {
	case "set-header", "set-query-parameter":
		if secretive {
			for _, value := range e.Children {
				hideText(&value.Text)
			}
		}
	case "key": // of issuer-signing-keys and decryption-keys
		hideText(&e.Text)
	}
}

func hideText(t *policy.Text) {
	source := strings.TrimSpace(t.Source)
	if source == "" || strings.HasPrefix(source, "{{") && strings.Index(source, "}}") == len(source)-2 {
		return
	}
	*t = policy.Text{Source: notShown}
}

// maxCells bounds the pairs of lines that are compared, and maxLines those shown.
const (
	maxCells = 4_000_000
	maxLines = 200
)

// lineDifferences are the lines that only one of two texts has, with - or + before
// them, and the line before each run of them.
func lineDifferences(a, b []string) []string {
	start := 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < min(len(a), len(b))-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if start == len(a) && start == len(b) {
		return nil
	}
	var list []string
	x, y := a[start:len(a)-end], b[start:len(b)-end]
	if start > 0 {
		list = append(list, "  "+a[start-1])
	}
	list = append(list, merged(x, y)...)
	if len(list) > maxLines {
		list = append(list[:maxLines], fmt.Sprintf("  … and %d lines more", len(list)-maxLines))
	}
	return list
}

// merged is the shortest way from one list of lines to another.
func merged(a, b []string) []string {
	var list []string
	if len(a)*len(b) > maxCells {
		for _, line := range a {
			list = append(list, "- "+line)
		}
		for _, line := range b {
			list = append(list, "+ "+line)
		}
		return list
	}
	common := make([][]int32, len(a)+1) // the most lines that a[i:] and b[j:] have in common
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i, line := range slices.Backward(a) {
		for j, other := range slices.Backward(b) {
			if line == other {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j, quiet := 0, 0, ""
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			quiet = "  " + a[i]
			i, j = i+1, j+1
			continue
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			if quiet != "" {
				list, quiet = append(list, quiet), ""
			}
			list = append(list, "- "+a[i])
			i++
		default:
			if quiet != "" {
				list, quiet = append(list, quiet), ""
			}
			list = append(list, "+ "+b[j])
			j++
		}
	}
	return list
}
