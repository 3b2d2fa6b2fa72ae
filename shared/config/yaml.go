package config

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// What one file may hold. An alias stands for all that its anchor holds, so a
// short file can say a great deal; the nodes are counted as if every alias were
// written out.
const (
	maxFileBytes = 4 << 20
	maxNodes     = 200_000
	maxDepth     = 100
)

// document reads data as one YAML document and makes sure that it can be
// walked: no alias leads back to itself, and what it holds is bounded. It
// returns nil after a fault that leaves nothing to decode.
func (d *decoder) document(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		d.syntaxFault(data, err)
		return nil
	}
	var doc yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		d.fault(d.at(0, 0), `write at least "name" and one server`, "the file is empty")
		return nil
	case err != nil:
		d.syntaxFault(data, err)
		return nil
	}
	d.endOfStream(data, loader)
	if len(doc.Content) != 1 || doc.Content[0].ShortTag() == "!!null" {
		d.fault(d.at(0, 0), `write at least "name" and one server`, "the file is empty")
		return nil
	}
	root := doc.Content[0]
	m := measurement{decoder: d, done: map[*yaml.Node]extent{}, open: map[*yaml.Node]bool{}}
	if m.measure(root); m.refused {
		return nil
	}
	return root
}

// endOfStream reports whatever follows the first document.
func (d *decoder) endOfStream(data []byte, loader *yaml.Loader) {
	var next yaml.Node
	switch err := loader.Load(&next); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntaxFault(data, err)
	default:
		d.fault(d.at(next.Line, next.Column), `keep one document and remove the "---" or "..." before this one`,
			"a second YAML document begins")
	}
}

// syntaxFault reports an error of the YAML library at its place.
func (d *decoder) syntaxFault(data []byte, err error) {
	const fix = "correct the YAML; text with special characters needs quotes, and indentation needs spaces"
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		d.fault(d.at(0, 0), fix, "YAML: %v", err)
		return
	}
	at := d.at(load.Mark.Line, load.Mark.Column)
	if at.Line == 0 {
		// The library gives errors of the character set an offset alone.
		at = d.at(lineAndColumn(data, load.Mark.Index))
	}
	message := load.Message
	if load.ContextMsg != "" {
		message = load.ContextMsg + ": " + message
	}
	d.fault(at, fix, "YAML: %s", message)
}

func lineAndColumn(data []byte, offset int) (line, column int) {
	before := data[:min(max(offset, 0), len(data))]
	line = 1 + bytes.Count(before, []byte("\n"))
	column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return line, column
}

// extent is what a node holds with its aliases written out.
type extent struct{ nodes, height int }

// measurement computes extents, each node once.
type measurement struct {
	*decoder
	done    map[*yaml.Node]extent
	open    map[*yaml.Node]bool // the nodes being measured: one met again contains itself
	refused bool                // the document must not be walked
}

func (m *measurement) measure(n *yaml.Node) extent {
	if e, ok := m.done[n]; ok {
		return e
	}
	if m.refused {
		return extent{}
	}
	m.checkTag(n)
	if m.open[n] {
		m.refuse(n, "remove the alias", "anchor %q contains itself", n.Anchor)
		return extent{}
	}
	m.open[n] = true
	e := extent{nodes: 1, height: 1}
	content := n.Content
	if n.Kind == yaml.AliasNode {
		content = []*yaml.Node{n.Alias}
	}
	for _, child := range content {
		inner := m.measure(child)
		e.nodes = min(e.nodes+inner.nodes, maxNodes+1)
		e.height = max(e.height, inner.height+1)
	}
	delete(m.open, n)
	switch {
	case m.refused:
	case e.nodes > maxNodes:
		m.refuse(n, "use fewer aliases, or more than one gateway",
			"with its aliases written out this holds more than %d values", maxNodes)
	case e.height > maxDepth:
		m.refuse(n, "nest less deeply", "this is nested more than %d levels deep", maxDepth)
	}
	m.done[n] = e
	return e
}

func (m *measurement) refuse(n *yaml.Node, fix, format string, args ...any) {
	m.refused = true
	m.fault(m.at(n.Line, n.Column), fix, format, args...)
}

// knownTags are the tags whose meaning the decoder knows.
var knownTags = []string{
	"", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge", "!!map", "!!seq",
}

func (m *measurement) checkTag(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		return
	}
	if tag := n.ShortTag(); !slices.Contains(knownTags, tag) {
		m.fault(m.at(n.Line, n.Column), "remove it", "the YAML tag %q means nothing here", strings.TrimSpace(tag))
	}
}
