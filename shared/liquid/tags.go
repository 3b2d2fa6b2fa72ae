package liquid

import (
	"io"
	"strconv"
	"strings"

	"toolgate/shared/pattern"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
)

// compiler compiles the pieces of one template.
type compiler struct {
	pieces []piece
	config render.Config
	failed *Error
}

// renderer renders a tag. The library's writer is not used: what is written
// must be bounded.
type renderer func(ctx render.Context, s *state) *Error

// define tells the library the tags.
func (c *compiler) define() {
	c.tag(emitTag, c.emit)
	c.tag("assign", c.assign)
	c.tag("cycle", c.cycle)
	c.tag("increment", c.increment)
	c.tag("decrement", c.decrement)
	c.interruption("break", false)
	c.interruption("continue", true)
	c.block("capture", nil, c.capture)
	c.block("ifchanged", nil, c.ifChanged)
	c.block("if", []string{"elsif", "else"}, func(p *piece, node render.BlockNode) (blockRenderer, *Error) { return c.branches(p, node, true) })
	c.block("unless", []string{"elsif", "else"}, func(p *piece, node render.BlockNode) (blockRenderer, *Error) { return c.branches(p, node, false) })
	c.block("case", []string{"when", "else"}, c.choice)
	c.block("for", []string{"else"}, c.loop)
	c.block("jsonarrayfor", nil, c.loop)
}

// piece is the one that a tag of the canonical template names.
func (c *compiler) piece(args string) *piece {
	i, err := strconv.Atoi(strings.TrimSpace(args))
	if err != nil || i < 0 || i >= len(c.pieces) {
		return &piece{} // the canonical template has no such tag
	}
	return &c.pieces[i]
}

// fail keeps the first error.
func (c *compiler) fail(err *Error, p *piece) error {
	if c.failed == nil {
		c.failed = err.at(p)
	}
	return c.failed
}

func stateOf(ctx render.Context) *state { return ctx.Get(stateName).(*state) }

func (c *compiler) tag(name string, compile func(p *piece) (renderer, *Error)) {
	c.config.AddTag(name, func(args string) (func(io.Writer, render.Context) error, error) {
		p := c.piece(args)
		r, err := compile(p)
		if err != nil {
			return nil, c.fail(err, p)
		}
		return func(_ io.Writer, ctx render.Context) error {
			s := stateOf(ctx)
			err := s.spend(1)
			if err == nil {
				err = r(ctx, s)
			}
			if err != nil {
				return s.fail(err, p)
			}
			return nil
		}, nil
	})
}

func (c *compiler) interruption(name string, again bool) {
	stop := &interruption{again}
	c.config.AddTag(name, func(string) (func(io.Writer, render.Context) error, error) {
		return func(_ io.Writer, ctx render.Context) error {
			stateOf(ctx).interrupt = stop
			return stop
		}, nil
	})
}

// blockRenderer renders a block. An error of the library is that of a tag
// within, which the state holds, or an interruption.
type blockRenderer func(ctx render.Context, s *state) error

func (c *compiler) block(name string, clauses []string, compile func(p *piece, node render.BlockNode) (blockRenderer, *Error)) {
	b := c.config.AddBlock(name)
	for _, clause := range clauses {
		b = b.Clause(clause)
	}
	b.Compiler(func(node render.BlockNode) (func(io.Writer, render.Context) error, error) {
		p := c.piece(node.Args)
		r, err := compile(p, node)
		if err != nil {
			return nil, c.fail(err, p)
		}
		return func(_ io.Writer, ctx render.Context) error {
			s := stateOf(ctx)
			if err := s.spend(1); err != nil {
				return s.fail(err, p)
			}
			return r(ctx, s)
		}, nil
	})
}

// emit writes a text or an output.
func (c *compiler) emit(p *piece) (renderer, *Error) {
	if p.kind == textPiece {
		return func(_ render.Context, s *state) *Error { return s.write(p.markup) }, nil
	}
	chain, err := compileChain(p.markup)
	if err != nil {
		return nil, err
	}
	return func(ctx render.Context, s *state) *Error {
		v, err := chain.value(ctx, s)
		if err != nil {
			return err
		}
		if err := s.spend(work(v)); err != nil {
			return err
		}
		return s.write(text(v))
	}, nil
}

var assignment = pattern.Lazy(`^\(?([\w-]+)\)?\s*=\s*(?s:(.*))$`)

func (c *compiler) assign(p *piece) (renderer, *Error) {
	m := assignment().FindStringSubmatch(p.markup)
	if m == nil {
		return nil, failure("write {% assign name = value %}", "%q is not an assignment", p.markup)
	}
	chain, err := compileChain(m[2])
	if err != nil {
		return nil, err
	}
	return func(ctx render.Context, s *state) *Error {
		v, err := chain.value(ctx, s)
		if err == nil {
			ctx.Set(m[1], variable{v, s})
		}
		return err
	}, nil
}

var variableName = pattern.Lazy(`^["']?([\w-]+)["']?$`)

func (c *compiler) capture(p *piece, _ render.BlockNode) (blockRenderer, *Error) {
	m := variableName().FindStringSubmatch(p.markup)
	if m == nil {
		return nil, failure("write {% capture name %}", "%q is not the name of a variable", p.markup)
	}
	return func(ctx render.Context, s *state) error {
		captured, err := s.capture(ctx)
		if err == nil {
			ctx.Set(m[1], variable{captured, s})
		}
		return err
	}, nil
}

// capture renders what stands in the block, and returns it.
func (s *state) capture(ctx render.Context) (string, error) {
	outer := s.out
	s.captured += outer.Len()
	s.out = &strings.Builder{}
	err := ctx.RenderChildren(io.Discard)
	captured := s.out.String()
	s.out = outer
	s.captured -= outer.Len()
	if err != nil {
		return captured, err
	}
	return captured, nil
}

// ifChanged writes its content unless it was the same the last time.
func (c *compiler) ifChanged(p *piece, _ render.BlockNode) (blockRenderer, *Error) {
	return func(ctx render.Context, s *state) error {
		content, err := s.capture(ctx)
		if err != nil {
			return err
		}
		if s.changed == nil {
			s.changed = map[*piece]string{}
		}
		if before, ok := s.changed[p]; ok && before == content {
			return nil
		}
		s.changed[p] = content
		if err := s.write(content); err != nil {
			return s.fail(err, p)
		}
		return nil
	}, nil
}

// cycle writes one of its values after the other: {% cycle 'a', 'b' %} or
// {% cycle group: 'a', 'b' %}.
func (c *compiler) cycle(p *piece) (renderer, *Error) {
	group, list := p.markup, p.markup
	var groupName expressions.Expression
	if parts := cut(p.markup, ':'); len(parts) == 2 {
		var err *Error
		if groupName, err = operand(parts[0]); err != nil {
			return nil, err
		}
		list = parts[1]
	}
	var options []expressions.Expression
	for _, part := range cut(list, ',') {
		e, err := operand(part)
		if err != nil {
			return nil, err
		}
		options = append(options, e)
	}
	return func(ctx render.Context, s *state) *Error {
		name := group
		if groupName != nil {
			v, err := evaluate(ctx, groupName)
			if err != nil {
				return err
			}
			name = text(v)
		}
		if s.cycles == nil {
			s.cycles = map[string]int{}
		}
		turn := s.cycles[name]
		s.cycles[name] = turn + 1
		v, err := evaluate(ctx, options[turn%len(options)])
		if err != nil {
			return err
		}
		return s.write(text(v))
	}, nil
}

// increment writes a counter of its own, from 0 upwards.
func (c *compiler) increment(p *piece) (renderer, *Error) { return count(p, 0, 1) }

// decrement writes a counter of its own, from -1 downwards.
func (c *compiler) decrement(p *piece) (renderer, *Error) { return count(p, -1, -1) }

func count(p *piece, written, change int64) (renderer, *Error) {
	m := variableName().FindStringSubmatch(p.markup)
	if m == nil {
		return nil, failure("write the name of a counter", "%q is not the name of a variable", p.markup)
	}
	return func(ctx render.Context, s *state) *Error {
		if s.counters == nil {
			s.counters = map[string]int64{}
		}
		before := s.counters[m[1]]
		s.counters[m[1]] = before + change
		return s.write(strconv.FormatInt(before+written, 10))
	}, nil
}
