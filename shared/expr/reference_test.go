package expr

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write README.md")

// TestReference compares README.md with the tables of members. With -update it
// is written.
func TestReference(t *testing.T) {
	introduction, err := os.ReadFile("testdata/introduction.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.Write(introduction)
	chapters := chaptersOf()
	out.WriteString("\n## Contents\n\n")
	for _, c := range chapters {
		var links []string
		for _, d := range c.types {
			if c.members[d.name] != nil || d.enum != nil {
				links = append(links, fmt.Sprintf("[%s](#%s)", d.name, strings.ToLower(d.name)))
			}
		}
		if links != nil {
			fmt.Fprintf(&out, "- %s: %s\n", c.title, strings.Join(links, ", "))
		}
	}
	for _, c := range chapters {
		fmt.Fprintf(&out, "\n## %s\n", c.title)
		c.write(&out)
	}
	const file = "README.md"
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, out.Bytes()) {
		t.Errorf("%s is stale: write it by go test ./shared/expr -run TestReference -update", file)
	}
}

// TestDifferences asks for the type or the member of each difference.
func TestDifferences(t *testing.T) {
	known := map[string]bool{}
	for _, d := range universe().list {
		known[d.name] = true
	}
	for m := range Members() {
		if m.Differs != "" {
			known[baseName(m.Type)+"."+nameOf(m.Signature)] = true
		}
	}
	for name, text := range differences {
		if !known[name] || text == "" {
			t.Errorf("%s: got a difference %q of nothing that is known", name, text)
		}
	}
}

// nameOf is the name of the member that a signature declares.
func nameOf(sig string) string {
	if strings.HasPrefix(sig, "new(") {
		return "new"
	}
	head, _, _ := strings.Cut(sig, " = ")
	head, _, _ = strings.Cut(head, "(")
	head, _, _ = strings.Cut(head, "[")
	head = head[strings.LastIndexByte(head, ' ')+1:]
	name, _, _ := strings.Cut(head, "<")
	return name
}

func baseName(of string) string {
	name, _, _ := strings.Cut(of, "<")
	return name
}

// chapter is a namespace with its types.
type chapter struct {
	title   string
	types   []*typeDef
	members map[string][]Member // by the type's name
}

// chaptersOf are the namespaces, the context first, in the order of the tables.
func chaptersOf() []*chapter {
	context := &chapter{title: "The context", members: map[string][]Member{}}
	list := []*chapter{context}
	of := func(namespace string) *chapter {
		if namespace == "" {
			return context
		}
		i := slices.IndexFunc(list, func(c *chapter) bool { return c.title == namespace })
		if i < 0 {
			i = len(list)
			list = append(list, &chapter{title: namespace, members: map[string][]Member{}})
		}
		return list[i]
	}
	for _, d := range universe().list {
		c := of(d.namespace)
		c.types = append(c.types, d)
	}
	for m := range Members() {
		c, name := of(m.Namespace), baseName(m.Type)
		c.members[name] = append(c.members[name], m)
	}
	return list
}

// write writes the types: those without members of their own in one sentence.
func (c *chapter) write(out *bytes.Buffer) {
	var plain []string
	for _, d := range c.types {
		switch {
		case d.enum != nil:
			c.enumeration(out, d)
		case c.members[d.name] != nil:
			c.class(out, d)
		default:
			plain = append(plain, "`"+declared(d)+"`")
		}
	}
	if plain != nil {
		fmt.Fprintf(out, "\nTypes without members of their own: %s.\n", strings.Join(plain, ", "))
	}
}

// declared is a type with what it converts to.
func declared(d *typeDef) string {
	text := (&Type{def: d}).String()
	if len(d.params) > 0 {
		text = d.name + "<" + strings.Join(d.params, ", ") + ">"
	}
	for i, s := range d.supers {
		text += map[bool]string{true: " : ", false: ", "}[i == 0] + s.String()
	}
	return text
}

// head writes the heading of a type.
func head(out *bytes.Buffer, d *typeDef) {
	fmt.Fprintf(out, "\n### %s\n\n", d.name)
	if d.ours {
		out.WriteString("**Ours.** ")
	}
	fmt.Fprintf(out, "`%s`", declared(d))
	if text := differences[d.name]; text != "" {
		fmt.Fprintf(out, "\n\nDiffers from API Management: %s.", text)
	}
	out.WriteString("\n")
}

// enumeration writes the values of an enumeration, and its members.
func (c *chapter) enumeration(out *bytes.Buffer, d *typeDef) {
	head(out, d)
	var values, notes []string
	var rest []Member
	for _, m := range c.members[d.name] {
		name, value, isValue := strings.Cut(strings.TrimPrefix(m.Signature, "static "+d.name+" "), " = ")
		if !isValue {
			rest = append(rest, m)
			continue
		}
		values = append(values, "`"+name+"` "+value)
		if m.Differs != "" {
			notes = append(notes, "`"+name+"` "+m.Differs+".")
		}
	}
	out.WriteString("\nValues: " + strings.Join(values, ", ") + ".\n")
	if notes != nil {
		out.WriteString("\nDiffers from API Management: " + strings.Join(notes, " ") + "\n")
	}
	table(out, rest)
}

// class writes the members of a type.
func (c *chapter) class(out *bytes.Buffer, d *typeDef) {
	head(out, d)
	table(out, c.members[d.name])
}

// table writes members with the columns that hold something, and those of a type
// of which there is no more to say in one line.
func table(out *bytes.Buffer, members []Member) {
	shows := slices.ContainsFunc(members, func(m Member) bool { return m.Example != "" })
	differs := slices.ContainsFunc(members, func(m Member) bool { return m.Differs != "" || m.Ours })
	if !shows && !differs {
		var list []string
		for _, m := range members {
			list = append(list, code(m.Signature))
		}
		if list != nil {
			out.WriteString("\nMembers: " + strings.Join(list, ", ") + ".\n")
		}
		return
	}
	columns := []string{"member"}
	if shows {
		columns = append(columns, "example", "result")
	}
	if differs {
		columns = append(columns, "differs from API Management")
	}
	fmt.Fprintf(out, "\n| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, m := range members {
		cells := []string{code(m.Signature)}
		switch {
		case m.Example != "":
			cells = append(cells, code(m.Example), code(m.Result))
		case shows:
			cells = append(cells, "", "")
		}
		if differs {
			cells = append(cells, difference(m))
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}

func difference(m Member) string {
	if m.Ours {
		return strings.TrimSuffix("**ours**; "+m.Differs, "; ")
	}
	return m.Differs
}

// code is text as code in the cell of a table. Line ends become the sign for
// them, and a text with a backquote gets two around it.
func code(s string) string {
	s = strings.NewReplacer("|", `\|`, "\r\n", "⏎", "\n", "⏎", "\t", "⇥").Replace(s)
	switch {
	case s == "":
		return "(empty)"
	case strings.Contains(s, "`"):
		return "`` " + s + " ``"
	case strings.TrimSpace(s) == "":
		return "`" + s + "` (white space)"
	}
	return "`" + s + "`"
}
