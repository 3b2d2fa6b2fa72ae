package liquid

import (
	"io"
	"slices"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
)

// loop compiles for, and JSONArrayFor, which writes a comma between the items.
func (c *compiler) loop(p *piece, node render.BlockNode) (blockRenderer, *Error) {
	head, err := compileLoopHead(p.markup)
	if err != nil {
		return nil, err
	}
	one := &loop{loopHead: head, at: p, array: p.name == "jsonarrayfor"}
	if len(node.Clauses) > 0 {
		one.otherwise = node.Clauses[0]
	}
	return one.render, nil
}

type loop struct {
	*loopHead
	at        *piece
	array     bool
	otherwise *render.BlockNode // nil without else
}

func (l *loop) render(ctx render.Context, s *state) error {
	list, err := l.list(ctx, s)
	if err != nil {
		return s.fail(err, l.at)
	}
	if len(list) == 0 {
		if l.otherwise != nil {
			return ctx.RenderBlock(io.Discard, l.otherwise)
		}
		return nil
	}
	outer, outerLoop := ctx.Get(l.variable), ctx.Get("forloop")
	defer func() {
		ctx.Set("forloop", outerLoop)
		ctx.Set(l.variable, outer)
	}()
	return l.turns(ctx, s, list)
}

// turns renders the block for each item.
func (l *loop) turns(ctx render.Context, s *state, list []any) error {
	for i, item := range list {
		if err := s.spend(1); err != nil {
			return s.fail(err, l.at)
		}
		ctx.Set(l.variable, variable{item, s})
		ctx.Set("forloop", variable{position{l.name, i, len(list)}, s})
		err := ctx.RenderChildren(io.Discard)
		if err != nil {
			if s.failed != nil || s.interrupt == nil {
				return err
			}
			again := s.interrupt.again
			s.interrupt = nil
			if !again {
				return nil
			}
		}
		if l.array && i < len(list)-1 {
			if err := s.write(","); err != nil {
				return s.fail(err, l.at)
			}
		}
	}
	return nil
}

// position is what forloop tells of a turn.
type position struct {
	name          string
	index, length int
}

func (p position) member(name string) any {
	switch name {
	case "name":
		return p.name
	case "length":
		return int64(p.length)
	case "index":
		return int64(p.index + 1)
	case "index0":
		return int64(p.index)
	case "rindex":
		return int64(p.length - p.index)
	case "rindex0":
		return int64(p.length - p.index - 1)
	case "first":
		return p.index == 0
	case "last":
		return p.index == p.length-1
	}
	return nil
}

// list are the items to loop over.
func (l *loop) list(ctx render.Context, s *state) ([]any, *Error) {
	list, err := l.all(ctx, s)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if err := s.spend(len(list) / 64); err != nil {
		return nil, err
	}
	if s.progress == nil {
		s.progress = map[string]int{}
	}
	offset, err := l.number(ctx, l.offset != nil && !l.goOn, l.offset, 0)
	if err != nil {
		return nil, err
	}
	if l.goOn {
		offset = s.progress[l.name]
	}
	limit, err := l.number(ctx, l.limit != nil, l.limit, len(list))
	if err != nil {
		return nil, err
	}
	offset = min(max(offset, 0), len(list))
	list = list[offset:min(offset+max(min(limit, len(list)), 0), len(list))]
	s.progress[l.name] = offset + len(list)
	if l.reversed {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	return list, nil
}

func (l *loop) number(ctx render.Context, given bool, e expressions.Expression, otherwise int) (int, *Error) {
	if !given {
		return otherwise, nil
	}
	v, err := evaluate(ctx, e)
	if err != nil {
		return 0, err
	}
	n, ok := integer(v)
	if !ok {
		return otherwise, nil
	}
	return int(min(max(n, -1), 1<<31)), nil
}

// all are the items before offset and limit.
func (l *loop) all(ctx render.Context, s *state) ([]any, *Error) {
	if l.from != nil {
		return l.span(ctx, s)
	}
	v, err := evaluate(ctx, l.collection)
	if err != nil {
		return nil, err
	}
	if l.array {
		return arrayItems(v), nil
	}
	list, _ := items(v)
	return list, nil
}

func (l *loop) span(ctx render.Context, s *state) ([]any, *Error) {
	first, err := evaluate(ctx, l.from)
	if err != nil {
		return nil, err
	}
	last, err := evaluate(ctx, l.to)
	if err != nil {
		return nil, err
	}
	a, _ := integer(first)
	b, _ := integer(last)
	if b < a {
		return nil, nil
	}
	if b-a < 0 || b-a >= int64(s.steps) {
		return nil, failure("loop over less", "the range from %d to %d takes more work than a rendering may", a, b)
	}
	list := make([]any, 0, b-a+1)
	for i := a; ; i++ {
		list = append(list, i)
		if i == b {
			return list, nil
		}
	}
}

// arrayItems are what JSONArrayFor loops over. An XML element whose children
// all have one name stands for the list of its children, as the SOAP responses
// do that API Management generates templates for; another one, like every other
// single value, is the only item.
func arrayItems(v any) []any {
	o, ok := v.(*Object)
	switch {
	case v == nil || v == "":
		return nil
	case ok && o.element != nil && o.uniform():
		return o.children
	case ok:
		return []any{o}
	}
	if isList(v) {
		list, _ := items(v)
		return list
	}
	return []any{v}
}

// uniform reports whether all child elements have one name.
func (o *Object) uniform() bool {
	if len(o.children) == 0 {
		return false
	}
	list, ok := o.values[0].([]any)
	return len(o.children) == 1 || ok && len(list) == len(o.children)
}
