package liquid

import (
	"slices"
	"strings"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
)

// condition is a comparison, or an operand alone, and what follows it: DotLiquid
// reads a and b or c as a and (b or c).
type condition struct {
	left, right expressions.Expression
	operator    string // "" for an operand alone
	relation    string // and, or; "" at the end
	next        *condition
}

// compileCondition reads the markup of if, elsif and unless.
func compileCondition(markup string) (*condition, *Error) {
	words, err := conditionWords(markup)
	if err != nil {
		return nil, err
	}
	var first *condition
	link := &first
	for {
		n := slices.IndexFunc(words, func(w string) bool { return w == "and" || w == "or" })
		part := words
		if n >= 0 {
			part = words[:n]
		}
		c, err := comparison(part, markup)
		if err != nil {
			return nil, err
		}
		*link = c
		if n < 0 {
			return first, nil
		}
		c.relation, words, link = words[n], words[n+1:], &c.next
	}
}

func comparison(words []string, markup string) (*condition, *Error) {
	c := &condition{}
	if len(words) != 1 && len(words) != 3 {
		return nil, failure("write operand, operator, operand, and join comparisons with and, or", "%q is not a condition", markup)
	}
	var err *Error
	if c.left, err = operand(words[0]); err != nil || len(words) == 1 {
		return c, err
	}
	c.operator = strings.ToLower(strings.ReplaceAll(words[1], "_", ""))
	if !slices.Contains([]string{"==", "!=", "<>", "<", ">", "<=", ">=", "contains", "startswith", "endswith", "haskey", "hasvalue"}, c.operator) {
		return nil, failure("use ==, !=, <, >, <=, >=, contains, startsWith, endsWith, hasKey or hasValue", "there is no operator %q", words[1])
	}
	c.right, err = operand(words[2])
	return c, err
}

// conditionWords are operands, operators, and and or.
func conditionWords(markup string) ([]string, *Error) {
	var words []string
	for i := 0; i < len(markup); {
		switch c := markup[i]; {
		case c == '|':
			return nil, failure("assign the filtered value to a variable first", "a condition has a filter")
		case strings.IndexByte(" \t\r\n,", c) >= 0:
			i++
		case strings.IndexByte("=!<>", c) >= 0:
			n := 1
			for i+n < len(markup) && strings.IndexByte("=!<>", markup[i+n]) >= 0 {
				n++
			}
			words = append(words, markup[i:i+n])
			i += n
		default:
			n := wordLength(markup[i:])
			words = append(words, markup[i:i+n])
			i += n
		}
	}
	return words, nil
}

// wordLength is the length of an operand with its quotes and brackets.
func wordLength(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'':
			n := strings.IndexByte(s[i+1:], c)
			if n < 0 {
				return len(s)
			}
			i += n + 1
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case ' ', '\t', '\r', '\n', ',', '|', '=', '!', '<', '>':
			if depth <= 0 {
				return max(i, 1)
			}
		}
	}
	return len(s)
}

func (c *condition) holds(ctx render.Context, s *state) (bool, *Error) {
	for {
		result, err := c.compare(ctx, s)
		if err != nil || c.next == nil || result == (c.relation == "or") {
			return result, err
		}
		c = c.next
	}
}

func (c *condition) compare(ctx render.Context, s *state) (bool, *Error) {
	left, err := evaluate(ctx, c.left)
	if err != nil || c.operator == "" {
		return truthy(left), err
	}
	right, err := evaluate(ctx, c.right)
	if err != nil {
		return false, err
	}
	if err := s.spend(work(left) + work(right)); err != nil {
		return false, err
	}
	switch c.operator {
	case "==":
		return equal(left, right), nil
	case "!=", "<>":
		return !equal(left, right), nil
	case "contains":
		return contains(left, right), nil
	case "startswith", "endswith":
		return atEnd(left, right, c.operator == "startswith"), nil
	case "haskey", "hasvalue":
		return has(left, right, c.operator == "haskey"), nil
	}
	order, ok := compare(left, right)
	if !ok {
		return false, nil
	}
	switch c.operator {
	case "<":
		return order < 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	}
	return order >= 0, nil
}

func contains(left, right any) bool {
	switch left := left.(type) {
	case string:
		return right != nil && strings.Contains(left, text(right))
	case *Object:
		return left.element != nil && right != nil && strings.Contains(left.element.Text(), text(right))
	}
	list, ok := items(left)
	return ok && slices.ContainsFunc(list, func(item any) bool { return equal(plain(item), right) })
}

func atEnd(left, right any, start bool) bool {
	if whole, ok := left.(string); ok {
		if start {
			return right != nil && strings.HasPrefix(whole, text(right))
		}
		return right != nil && strings.HasSuffix(whole, text(right))
	}
	list, ok := items(left)
	if !ok || len(list) == 0 {
		return false
	}
	if start {
		return equal(plain(list[0]), right)
	}
	return equal(plain(list[len(list)-1]), right)
}

func has(left, right any, key bool) bool {
	list, ok := entries(left)
	return ok && slices.ContainsFunc(list, func(e entry) bool {
		if key {
			return e.key == text(right)
		}
		return equal(plain(e.value), right)
	})
}
