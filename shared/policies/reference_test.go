package policies

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/policy"
	"toolgate/shared/services"

	"golang.org/x/tools/txtar"
)

// TestReference compares README.md with what the vocabulary and the code say.
// With -update it is written.
func TestReference(t *testing.T) {
	introduction, err := os.ReadFile("testdata/introduction.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &reference{T: t}
	r.Write(introduction)
	r.contents()
	for _, group := range groups {
		r.group(group)
	}
	r.failures()
	r.notRun()
	const file = "README.md"
	if *update {
		if err := os.WriteFile(file, r.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, r.Bytes()) {
		t.Errorf("%s is stale: write it by go test ./shared/policies -run TestReference -update", file)
	}
}

// groups are the chapters, in order.
var groups = []policy.Group{
	policy.GroupControl, policy.GroupAccess, policy.GroupAuthentication, policy.GroupTransform, policy.GroupTraffic,
	policy.GroupCaching, policy.GroupValidation, policy.GroupAI, policy.GroupObserve, policy.GroupOther,
}

// reference is the page as it is written.
type reference struct {
	*testing.T
	bytes.Buffer
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// policiesOf are the policies of a group that the gateway runs.
func policiesOf(group policy.Group) []*policy.PolicyType {
	var list []*policy.PolicyType
	for i := range policy.Vocabulary().Policies {
		if p := &policy.Vocabulary().Policies[i]; p.Group == group && p.NotRun == "" {
			list = append(list, p)
		}
	}
	return list
}

// contents links to all policies.
func (r *reference) contents() {
	r.WriteString("\n## Contents\n\n")
	listed := 0
	for _, group := range groups {
		var links []string
		for _, p := range policiesOf(group) {
			links = append(links, fmt.Sprintf("[%s](#%[1]s)", p.Name))
		}
		if listed += len(links); len(links) > 0 {
			fmt.Fprintf(r, "- [%s](#%s): %s\n", title(string(group)), anchor(string(group)), strings.Join(links, ", "))
		}
	}
	r.WriteString("- [Failures of any policy](#failures-of-any-policy)\n- [Policies that are not run](#policies-that-are-not-run)\n")
	unlisted := slices.DeleteFunc(slices.Clone(policy.Vocabulary().Policies), func(p policy.PolicyType) bool { return p.NotRun != "" })
	if len(unlisted) != listed {
		r.Errorf("got %d policies in the groups, want %d", listed, len(unlisted))
	}
}

func anchor(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), " ", "-") }

// group writes a chapter, unless none of its policies is run.
func (r *reference) group(group policy.Group) {
	list := policiesOf(group)
	if len(list) > 0 {
		fmt.Fprintf(r, "\n## %s\n", title(string(group)))
	}
	for _, p := range list {
		r.policy(p)
	}
}

// policy writes what there is to say of one policy.
func (r *reference) policy(p *policy.PolicyType) {
	fmt.Fprintf(r, "\n### %s\n\n", p.Name)
	if p.Ours {
		r.WriteString("**Ours.** ")
	}
	r.WriteString(p.Summary + "\n\n")
	fmt.Fprintf(r, "- Sections: %s\n- Scopes: %s\n", p.Sections, scopes(p.Scopes))
	if p.Once {
		r.WriteString("- At most once in a section\n")
	}
	if p.NotInFragment {
		r.WriteString("- Not in fragments\n")
	}
	fmt.Fprintf(r, "- Bodies: %s\n", bodies(r.T, p))
	if p.Differs != "" {
		fmt.Fprintf(r, "- Differs from API Management: %s\n", p.Differs)
	}
	if note := services.Notes[p.Name]; note != "" {
		fmt.Fprintf(r, "- This version %s.\n", note)
	}
	r.attributes(p)
	r.elements(p)
	r.failuresOf(p.Name)
	r.example(p)
}

func scopes(s policy.Scope) string {
	if s == policy.AllScopes {
		return "all"
	}
	return s.String()
}

// attributes writes the table of the attributes of a policy and of the elements
// inside.
func (r *reference) attributes(p *policy.PolicyType) {
	var rows strings.Builder
	var sets []string
	eachElement("", &p.ElementType, func(path string, e *policy.ElementType) {
		for i := range e.Attributes {
			attributeRow(&rows, path, &e.Attributes[i])
		}
		for _, set := range e.Any {
			sets = append(sets, "One of "+coded(path, set)+" is needed.")
		}
		for _, set := range e.One {
			sets = append(sets, "At most one of "+coded(path, set)+" may be written.")
		}
	})
	if rows.Len() > 0 {
		r.WriteString("\n| attribute | type | required | default | expression | differs from API Management |\n|---|---|---|---|---|---|\n" + rows.String())
	}
	if len(sets) > 0 {
		r.WriteString("\n" + strings.Join(sets, " ") + "\n")
	}
}

// eachElement visits an element and those inside that are no policies. The path
// of the policy itself is empty.
func eachElement(path string, e *policy.ElementType, visit func(path string, e *policy.ElementType)) {
	visit(path, e)
	for i := range e.Children {
		if c := &e.Children[i]; !c.Policy {
			eachElement(path+c.Name+"/", c, visit)
		}
	}
}

func coded(path string, names []string) string {
	var list []string
	for _, name := range names {
		list = append(list, "`"+attributePath(path, name)+"`")
	}
	return strings.Join(list, ", ")
}

// attributePath is the name alone for an attribute of the policy itself.
func attributePath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "@" + name
}

func attributeRow(b *strings.Builder, path string, a *policy.AttributeType) {
	differs := a.Differs
	switch {
	case a.NotRun != "":
		differs = "not run: " + a.NotRun
	case a.Ours:
		differs = strings.TrimSuffix("**ours**; "+a.Differs, "; ")
	}
	fallback := ""
	if a.Default != "" {
		fallback = "`" + a.Default + "`"
	}
	row(b, "`"+attributePath(path, a.Name)+"`", typed(&a.Domain), yes(a.Required), fallback, yes(a.Expression), differs)
}

// row writes a row of a table.
func row(b *strings.Builder, cells ...string) {
	for i := range cells {
		cells[i] = strings.ReplaceAll(strings.ReplaceAll(cells[i], "|", `\|`), "\n", " ")
	}
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// typed says what a value may be.
func typed(d *policy.Domain) string {
	text := d.Type.String()
	if d.Type == policy.Object {
		text = "text, or any object of an expression"
	}
	if len(d.Enum) > 0 {
		text += ": `" + strings.Join(d.Enum, "`, `") + "`"
	}
	switch d.Type {
	case policy.Int, policy.Seconds, policy.Decimal:
		if d.Max > 0 {
			text += fmt.Sprintf(", %d to %d", d.Min, d.Max)
		} else if d.Min > 0 {
			text += fmt.Sprintf(", from %d on", d.Min)
		}
	case policy.String, policy.Bool, policy.Enum, policy.List, policy.Timestamp, policy.Object:
	}
	return text
}

// elements writes the table of what stands inside a policy.
func (r *reference) elements(p *policy.PolicyType) {
	var rows strings.Builder
	eachElement("", &p.ElementType, func(path string, e *policy.ElementType) {
		if path != "" {
			row(&rows, "`"+strings.TrimSuffix(path, "/")+"`", often(e), content(e))
		}
		for i := range e.Children {
			if c := &e.Children[i]; c.Policy {
				row(&rows, fmt.Sprintf("[`%s%s`](#%[2]s)", path, c.Name), often(c), "the policy")
			}
		}
	})
	if own := content(&p.ElementType); own != "" {
		r.WriteString("\nIt holds " + own + ".\n")
	}
	if rows.Len() > 0 {
		r.WriteString("\n| element | how often | holds |\n|---|---|---|\n" + rows.String())
	}
}

// often says how often an element stands in its parent.
func often(e *policy.ElementType) string {
	switch {
	case e.Min == 0 && e.Max == 0:
		return "any number"
	case e.Max == 0:
		return fmt.Sprintf("%d or more", e.Min)
	case e.Min == e.Max:
		return fmt.Sprint(e.Min)
	default:
		return fmt.Sprintf("%d to %d", e.Min, e.Max)
	}
}

// content says what an element holds besides elements.
func content(e *policy.ElementType) string {
	c := &e.Content
	switch c.Kind {
	case policy.ContentText:
		text := typed(&c.Domain)
		if c.Expression && c.Type != policy.Object {
			text += " or an expression"
		}
		return text
	case policy.ContentPolicies:
		switch {
		case len(c.Only) > 0:
			return "policies: " + linked(c.Only)
		case len(c.Except) > 0:
			return "policies, except " + linked(c.Except)
		}
		return "policies"
	case policy.ContentNone:
	}
	return ""
}

func linked(names []string) string {
	var links []string
	for _, name := range names {
		links = append(links, fmt.Sprintf("[%s](#%[1]s)", name))
	}
	return strings.Join(links, ", ")
}

// failuresOf writes the predefined failures of a policy.
func (r *reference) failuresOf(name string) {
	var rows strings.Builder
	for _, f := range policy.Failures() {
		if slices.Contains(f.Sources, name) {
			failureRow(&rows, &f)
		}
	}
	if rows.Len() > 0 {
		r.WriteString(failureHead + rows.String())
	}
	if reasons := shownReasons(r.T, name); reasons != nil {
		r.WriteString("\nFailures of its own that its tests show: `" + strings.Join(reasons, "`, `") + "`.\n")
	}
}

// shownReasons are the reasons of failures in the transcripts of a policy's
// tests, without those that others have too.
func shownReasons(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", name+"*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name != "want" {
				continue
			}
			for line := range strings.Lines(string(f.Data)) {
				rest, ok := strings.CutPrefix(line, "error "+name+": ")
				reason, _, _ := strings.Cut(rest, ": ")
				if ok && !slices.Contains(reasons, reason) && !predefined(policy.Reason(reason)) {
					reasons = append(reasons, reason)
				}
			}
		}
	}
	slices.Sort(reasons)
	return reasons
}

func predefined(reason policy.Reason) bool {
	return reason == "InternalError" || slices.ContainsFunc(policy.Failures(), func(f policy.Failure) bool { return f.Reason == reason })
}

const failureHead = "\n| failure | status | message |\n|---|---|---|\n"

func failureRow(b *strings.Builder, f *policy.Failure) {
	message := strings.NewReplacer("%s", "…", "%d", "…").Replace(f.Message)
	row(b, "`"+string(f.Reason)+"`", fmt.Sprint(f.Status), message)
}

// failures writes those that belong to no policy alone.
func (r *reference) failures() {
	var anyPolicy, other strings.Builder
	for _, f := range policy.Failures() {
		switch {
		case f.Sources == nil:
			failureRow(&anyPolicy, &f)
		case !slices.ContainsFunc(f.Sources, func(s string) bool { return policy.Vocabulary().Policy(s) != nil }):
			failureRow(&other, &f)
		}
	}
	r.WriteString("\n## Failures of any policy\n" + failureHead + anyPolicy.String() + "| `InternalError` | 500 | Internal server error |\n")
	r.WriteString("\nBefore any policy, with `configuration` or `authorization` as their source:\n" + failureHead + other.String())
}

// example writes the document of the policy's test, or the policy alone.
func (r *reference) example(p *policy.PolicyType) {
	text := sample(&p.ElementType, variant{})
	if archive, err := txtar.ParseFile(filepath.Join("testdata", p.Name+".txtar")); err == nil {
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".xml") && !strings.HasPrefix(f.Name, "fragment ") {
				text = strings.TrimSpace(string(f.Data))
				break
			}
		}
	}
	fmt.Fprintf(r, "\n```xml\n%s\n```\n", text)
}

// notRun writes the table of the policies that the gateway only knows.
func (r *reference) notRun() {
	var rows strings.Builder
	for i := range policy.Vocabulary().Policies {
		if p := &policy.Vocabulary().Policies[i]; p.NotRun != "" {
			row(&rows, "`"+p.Name+"`", p.Summary, p.NotRun)
		}
	}
	r.WriteString("\n## Policies that are not run\n\nA document with one of them is refused when it is built.\n\n| policy | what it does | why it is not run |\n|---|---|---|\n" + rows.String())
}
