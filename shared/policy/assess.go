package policy

import (
	"iter"
	"maps"
	"slices"

	"toolgate/shared/fault"
)

// AssessOptions say how to assess documents. The zero value reads RawXML and
// compiles no expressions.
type AssessOptions struct {
	Form     Form
	Compiler ExpressionCompiler
}

// Report tells what of a set of documents the gateway runs.
type Report struct {
	Documents []DocumentReport `json:"documents"`
	Total     Total            `json:"total"`
}

// DocumentReport is the part of a Report about one document.
type DocumentReport struct {
	File string `json:"file"`
	Root Root   `json:"root"`
	// Parses: it can be read. Known: its policies are all in the vocabulary.
	// Runs: it can be read, the gateway runs all of its policies and
	// expressions, and nothing has to change.
	Parses   bool     `json:"parses"`
	Known    bool     `json:"known"`
	Runs     bool     `json:"runs"`
	Policies []string `json:"policies"`         // sorted, each once
	Unknown  []string `json:"unknown,omitzero"` // policies that are in no table
	NotRun   []NotRun `json:"notRun,omitzero"`
	// Expressions are counted; Compiled are those without a fault, nil when
	// there was no compiler.
	Expressions int  `json:"expressions"`
	Compiled    *int `json:"compiled,omitzero"`
	// NamedValues and Fragments are what the document needs besides itself.
	NamedValues []string `json:"namedValues,omitzero"`
	Fragments   []string `json:"fragments,omitzero"`
	// Faults are what has to change, Warnings what should be looked at.
	Faults   fault.Faults `json:"faults,omitzero"`
	Warnings fault.Faults `json:"warnings,omitzero"`
}

// NotRun is a policy that the gateway knows but does not run.
type NotRun struct {
	Policy string `json:"policy"`
	Reason string `json:"reason"`
}

// Total counts documents and expressions.
type Total struct {
	Documents   int            `json:"documents"`
	Parse       int            `json:"parse"`
	Known       int            `json:"known"`
	Run         int            `json:"run"`
	Expressions int            `json:"expressions"`
	Compiled    *int           `json:"compiled,omitzero"` // nil when there was no compiler
	Policies    map[string]int `json:"policies"`          // documents that have each
	Unknown     map[string]int `json:"unknown,omitzero"`
	NotRun      map[string]int `json:"notRun,omitzero"`
}

// Assess reads documents, names with their contents, and reports what of them
// the gateway runs and what would have to change. Named values and the
// placeholders of deployment tools stay in the text.
func Assess(files iter.Seq2[string, []byte], o AssessOptions) Report {
	r := Report{Documents: []DocumentReport{}, Total: Total{Policies: map[string]int{}, Unknown: map[string]int{}, NotRun: map[string]int{}}}
	for file, content := range files {
		d := assess(file, content, o)
		r.Documents = append(r.Documents, d)
		r.Total.add(&d)
	}
	return r
}

func (t *Total) add(d *DocumentReport) {
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	t.Documents++
	count(&t.Parse, d.Parses)
	count(&t.Known, d.Known)
	count(&t.Run, d.Runs)
	t.Expressions += d.Expressions
	if d.Compiled != nil {
		if t.Compiled == nil {
			t.Compiled = new(int)
		}
		*t.Compiled += *d.Compiled
	}
	for _, name := range d.Policies {
		t.Policies[name]++
	}
	for _, name := range d.Unknown {
		t.Unknown[name]++
	}
	for _, n := range d.NotRun {
		t.NotRun[n.Policy]++
	}
}

// assess reports on one document.
func assess(file string, content []byte, o AssessOptions) DocumentReport {
	document, faults := Parse(file, content, ParseOptions{Form: o.Form})
	c := &counter{compiler: o.Compiler, seen: map[fault.Position]bool{}}
	r := DocumentReport{File: file, Root: document.Root, Parses: faults.Err() == nil, NamedValues: namedValues(utf8Text(content))}
	if r.Parses {
		options := ValidateOptions{Placeholders: true, Unchecked: true}
		if o.Compiler != nil {
			options.Compiler = c
		}
		faults = append(faults, Validate(document, options)...)
	}
	r.Faults, r.Warnings = faults.Sorted().Split()
	r.policies(document)
	for e := range document.All() {
		for t := range e.Texts() {
			if t.Kind == Literal {
				continue
			}
			r.Expressions++
			if o.Compiler != nil && !c.seen[t.At] { // in a document that cannot be read, or in a policy that is not run
				c.CheckExpression(t, Object)
			}
		}
	}
	if o.Compiler != nil {
		r.Compiled = &c.compiled
	}
	r.Known = r.Parses && len(r.Unknown) == 0
	r.Runs = r.Known && len(r.NotRun) == 0 && len(r.Faults) == 0
	return r
}

// counter counts the expressions that compile.
type counter struct {
	compiler ExpressionCompiler
	seen     map[fault.Position]bool
	compiled int
}

// CheckExpression asks the compiler that the counter stands before.
func (c *counter) CheckExpression(t Text, want ValueType) []ExpressionFault {
	c.seen[t.At] = true
	faults := c.compiler.CheckExpression(t, want)
	if len(faults) == 0 {
		c.compiled++
	}
	return faults
}

// policies collects the names of the document's policies, each once.
func (r *DocumentReport) policies(d *Document) {
	known, unknown, notRun, fragments := map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]bool{}
	schema := Vocabulary()
	for e := range policiesOf(d) {
		p := schema.Policy(e.Name)
		switch {
		case p == nil:
			unknown[e.Name] = true
			continue
		case p.NotRun != "":
			notRun[e.Name] = p.NotRun
		}
		known[e.Name] = true
		for _, a := range p.Attributes {
			if _, ok := e.Attribute(a.Name); ok && a.NotRun != "" {
				notRun[e.Name] = a.NotRun
			}
		}
		if id, ok := e.Attribute("fragment-id"); ok && e.Name == "include-fragment" {
			fragments[id.Value.Source] = true
		}
	}
	r.Policies = slices.Sorted(maps.Keys(known))
	r.Unknown = slices.Sorted(maps.Keys(unknown))
	for _, name := range slices.Sorted(maps.Keys(notRun)) {
		r.NotRun = append(r.NotRun, NotRun{name, notRun[name]})
	}
	r.Fragments = slices.Sorted(maps.Keys(fragments))
}

// policiesOf yields what stands where policies stand, known or not.
func policiesOf(d *Document) iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		for _, e := range d.Elements {
			switch {
			case e.Name == string(RootPolicies):
				for _, section := range e.Children {
					if sectionNamed(section.Name) != 0 && !sequences(section.Children, yield) {
						return
					}
				}
			case e.Name == string(RootFragment), sectionNamed(e.Name) != 0:
				if !sequences(e.Children, yield) {
					return
				}
			default:
				if !sequences([]*Element{e}, yield) {
					return
				}
			}
		}
	}
}

// sequences yields policies and those inside them.
func sequences(elements []*Element, yield func(*Element) bool) bool {
	for _, e := range elements {
		if e.Name == baseElement {
			continue
		}
		if !yield(e) {
			return false
		}
		if p := Vocabulary().Policy(e.Name); p != nil && p.NotRun == "" && !inside(e, &p.ElementType, yield) {
			return false
		}
	}
	return true
}

// inside yields the policies in an element of a type.
func inside(e *Element, t *ElementType, yield func(*Element) bool) bool {
	if t.Content.Kind == ContentPolicies {
		return sequences(e.Children, yield)
	}
	for _, child := range e.Children {
		i := slices.IndexFunc(t.Children, func(known ElementType) bool { return known.Name == child.Name })
		switch {
		case i < 0:
		case t.Children[i].Policy:
			if !sequences([]*Element{child}, yield) {
				return false
			}
		default:
			if !inside(child, &t.Children[i], yield) {
				return false
			}
		}
	}
	return true
}
