package liquid

import (
	"io"
	"strings"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
)

// branch is a clause of if, unless and case; nodes are rendered where it holds.
type branch struct {
	holds func(ctx render.Context, s *state) (bool, *Error) // nil: else
	at    *piece
	nodes *render.BlockNode
}

// branches compiles if and unless; of unless, the first condition is turned
// round.
func (c *compiler) branches(p *piece, node render.BlockNode, wanted bool) (blockRenderer, *Error) {
	first, err := compileCondition(p.markup)
	if err != nil {
		return nil, err
	}
	list := []branch{{func(ctx render.Context, s *state) (bool, *Error) {
		held, err := first.holds(ctx, s)
		return held == wanted, err
	}, p, &node}}
	for _, clause := range node.Clauses {
		at := c.piece(clause.Args)
		one := branch{at: at, nodes: clause}
		if at.name == "elsif" {
			condition, err := compileCondition(at.markup)
			if err != nil {
				return nil, err.at(at)
			}
			one.holds = condition.holds
		}
		list = append(list, one)
	}
	return renderFirst(list), nil
}

// renderFirst renders the first branch that holds.
func renderFirst(list []branch) blockRenderer {
	return func(ctx render.Context, s *state) error {
		for _, one := range list {
			if one.holds != nil {
				held, err := one.holds(ctx, s)
				if err != nil {
					return s.fail(err, one.at)
				}
				if !held {
					continue
				}
			}
			return ctx.RenderBlock(io.Discard, one.nodes)
		}
		return nil
	}
}

// choice compiles case. A when has several values between commas or or.
func (c *compiler) choice(p *piece, node render.BlockNode) (blockRenderer, *Error) {
	subject, err := operand(p.markup)
	if err != nil {
		return nil, err
	}
	var list []branch
	for _, clause := range node.Clauses {
		at := c.piece(clause.Args)
		one := branch{at: at, nodes: clause}
		if at.name == "when" {
			if one.holds, err = when(subject, at); err != nil {
				return nil, err.at(at)
			}
		}
		list = append(list, one)
	}
	return renderFirst(list), nil
}

func when(subject expressions.Expression, at *piece) (func(ctx render.Context, s *state) (bool, *Error), *Error) {
	words, err := conditionWords(at.markup)
	if err != nil {
		return nil, err
	}
	var candidates []expressions.Expression
	for _, word := range words {
		if word == "or" {
			continue
		}
		e, err := operand(word)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, e)
	}
	if len(candidates) == 0 {
		return nil, failure("write {% when value %}", "a when has no value")
	}
	return func(ctx render.Context, s *state) (bool, *Error) {
		wanted, err := evaluate(ctx, subject)
		if err != nil {
			return false, err
		}
		if err := s.spend(work(wanted) * len(candidates)); err != nil {
			return false, err
		}
		for _, e := range candidates {
			v, err := evaluate(ctx, e)
			if err != nil || equal(wanted, v) {
				return err == nil, err
			}
		}
		return false, nil
	}, nil
}

// loopHead is the markup of for: item in collection, and its attributes.
type loopHead struct {
	variable      string
	name          string // variable-collection, which forloop.name is
	collection    expressions.Expression
	from, to      expressions.Expression // of a range; nil for others
	reversed      bool
	limit, offset expressions.Expression // nil: none
	goOn          bool                   // offset:continue
}

func compileLoopHead(markup string) (*loopHead, *Error) {
	fix := "write {% for item in list limit:2 offset:1 reversed %}"
	name := tagName().FindString(markup)
	rest, ok := strings.CutPrefix(strings.TrimLeft(markup[len(name):], " \t\r\n"), "in")
	rest = strings.TrimLeft(rest, " \t\r\n")
	if name == "" || !ok || rest == "" {
		return nil, failure(fix, "%q is not the head of a loop", markup)
	}
	n := wordLength(rest)
	h := &loopHead{variable: name, name: name + "-" + rest[:n]}
	if err := h.over(rest[:n]); err != nil {
		return nil, err
	}
	rest = strings.TrimLeft(rest[n:], " \t\r\n,")
	for rest != "" {
		key := tagName().FindString(rest)
		after := strings.TrimLeft(rest[len(key):], " \t\r\n")
		if key == "reversed" {
			h.reversed = true
			rest = strings.TrimLeft(after, ",")
			continue
		}
		value, ok := strings.CutPrefix(after, ":")
		if key == "" || !ok {
			return nil, failure(fix, "%q is not an attribute of a loop", rest)
		}
		value = strings.TrimLeft(value, " \t\r\n")
		n := wordLength(value)
		if err := h.attribute(key, value[:n]); err != nil {
			return nil, err
		}
		rest = strings.TrimLeft(value[n:], " \t\r\n,")
	}
	return h, nil
}

// over compiles the collection. A range is divided here, because the library
// refuses ends that are no integers, and DotLiquid takes them for 0.
func (h *loopHead) over(markup string) (err *Error) {
	inner, ok := strings.CutPrefix(markup, "(")
	from, to, isRange := strings.Cut(strings.TrimSuffix(inner, ")"), "..")
	if !ok || !isRange {
		h.collection, err = operand(markup)
		return err
	}
	if h.from, err = operand(from); err != nil {
		return err
	}
	h.to, err = operand(to)
	return err
}

func (h *loopHead) attribute(key, value string) *Error {
	e, err := operand(value)
	if err != nil {
		return err
	}
	switch key {
	case "limit":
		h.limit = e
	case "offset":
		h.offset, h.goOn = e, value == "continue"
	default:
		return failure("use limit, offset and reversed", "a loop has no attribute %q", key)
	}
	return nil
}
