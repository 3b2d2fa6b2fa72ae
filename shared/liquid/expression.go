package liquid

import (
	"fmt"
	"strings"

	"toolgate/shared/fault"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/values"
)

// Bounds of one operand: how deep it nests, and its bytes outside of quotes,
// because every member of a path is a call within a call.
const (
	maxBrackets = 16
	maxOperand  = 2000
)

// operand compiles a literal, a range or the path to a member. Nothing is nil.
func operand(markup string) (e expressions.Expression, failed *Error) {
	defer func() {
		if r := recover(); r != nil { // an integer that is too large
			e, failed = nil, failure("write a smaller number", "%q cannot be read: %v", markup, r)
		}
	}()
	if markup = strings.TrimSpace(markup); markup == "" {
		markup = "nil"
	}
	depth, deepest, length := 0, 0, 0
	for _, word := range outsideQuotes(markup) {
		length += len(word)
		depth += strings.Count(word, "[") + strings.Count(word, "(")
		deepest = max(deepest, depth)
		depth -= strings.Count(word, "]") + strings.Count(word, ")")
	}
	if length > maxOperand {
		return nil, failure("write a shorter path", "an operand is longer than %d bytes", maxOperand)
	}
	e, err := expressions.Parse(markup)
	if err != nil || deepest > maxBrackets || strings.HasPrefix(markup, "%") || strings.HasPrefix(markup, "{%") {
		return nil, failure(`write a literal, or a path such as body.items[0].name; other names than ASCII letters, digits, "-" and "_" stand in brackets: body["größe"]`,
			"%q is not an operand", markup)
	}
	return e, nil
}

// outsideQuotes are the parts of markup that are not quoted.
func outsideQuotes(markup string) []string {
	var parts []string
	for markup != "" {
		i := strings.IndexAny(markup, `"'`)
		if i < 0 {
			return append(parts, markup)
		}
		parts = append(parts, markup[:i])
		n := strings.IndexByte(markup[i+1:], markup[i])
		if n < 0 {
			return parts
		}
		markup = markup[i+n+2:]
	}
	return parts
}

// cut divides markup at a separator that stands outside of quotes.
func cut(markup string, separator byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(markup); i++ {
		switch c := markup[i]; c {
		case separator:
			parts = append(parts, markup[start:i])
			start = i + 1
		case '"', '\'':
			if n := strings.IndexByte(markup[i+1:], c); n >= 0 {
				i += n + 1
			}
		}
	}
	return append(parts, markup[start:])
}

// evaluate is the value of an operand; what is missing is nil.
func evaluate(ctx render.Context, e expressions.Expression) (any, *Error) {
	v, err := ctx.Evaluate(e)
	if err := stateOf(ctx).spend(0); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, failure("use a value of the right type", "an operand has no value: %v", err)
	}
	if r, ok := v.(values.Range); ok && r.Len() > maxRange {
		return nil, failure("use a shorter range", "a range has more than %d numbers", maxRange)
	}
	return plain(v), nil
}

// maxRange bounds the numbers of a range that is no loop's.
const maxRange = 1_000_000

// chain is an operand with filters.
type chain struct {
	operand expressions.Expression
	filters []call
}

// call is one use of a filter.
type call struct {
	filter *filter
	args   []expressions.Expression
}

// compileChain reads value | Filter: argument, argument | ….
func compileChain(markup string) (*chain, *Error) {
	parts := cut(markup, '|')
	first, err := operand(parts[0])
	if err != nil {
		return nil, err
	}
	c := &chain{operand: first}
	for _, part := range parts[1:] {
		one, err := compileCall(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		c.filters = append(c.filters, one)
	}
	return c, nil
}

func compileCall(markup string) (call, *Error) {
	name := tagName().FindString(markup)
	f := filters[filterKey(name)]
	if f == nil {
		return call{}, failure(fault.Suggest(name, filterNames(), "use a filter of DotLiquid"), "there is no filter %q", name)
	}
	one := call{filter: f}
	rest := strings.TrimSpace(markup[len(name):])
	if rest != "" {
		if rest[0] != ':' && rest[0] != ',' {
			return call{}, failure("write "+f.name+": argument, argument", "%q follows the filter %s", rest, name)
		}
		for _, arg := range cut(rest[1:], ',') {
			e, err := operand(arg)
			if err != nil {
				return call{}, err
			}
			one.args = append(one.args, e)
		}
	}
	if n := len(one.args); n < f.least || n > f.most {
		return call{}, failure(fmt.Sprintf("give it %d to %d", f.least, f.most), "the filter %s has %d arguments", f.name, n)
	}
	return one, nil
}

func (c *chain) value(ctx render.Context, s *state) (any, *Error) {
	v, err := evaluate(ctx, c.operand)
	if err != nil {
		return nil, err
	}
	for _, one := range c.filters {
		args := make([]any, len(one.args))
		cost := 1 + work(v)
		for i, e := range one.args {
			if args[i], err = evaluate(ctx, e); err != nil {
				return nil, err
			}
			cost += work(args[i])
		}
		if err := s.spend(cost); err != nil {
			return nil, err
		}
		if v, err = one.filter.apply(s, v, args); err != nil {
			err.Message = "filter " + one.filter.name + ": " + err.Message
			return nil, err
		}
		if err := s.bounded(v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// work is what reading or writing a value costs, in steps.
func work(v any) int { return weight(v) / 256 }

// weight is about the bytes that printing a value writes. What is bound from Go
// is small but for its texts.
func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case *Object:
		return v.weight
	case values.Range:
		return 4 * max(v.Len(), 0)
	case []any:
		n := 4 * len(v)
		for _, item := range v {
			n += weight(item)
		}
		return n
	}
	return 0
}

// bounded charges for a filter's result.
func (s *state) bounded(v any) *Error {
	if text, ok := v.(string); ok && len(text) > s.maxOutput {
		return s.tooLarge()
	}
	return s.spend(work(v))
}
