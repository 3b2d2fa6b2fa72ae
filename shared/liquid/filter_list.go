package liquid

import (
	"slices"
	"strings"
)

var listFilters = []filter{
	{"Size", 0, 0, func(_ *state, in any, _ []any) (any, *Error) { return int64(max(size(in), 0)), nil }},
	{"First", 0, 0, func(_ *state, in any, _ []any) (any, *Error) { return plain(property(in, "first")), nil }},
	{"Last", 0, 0, func(_ *state, in any, _ []any) (any, *Error) { return plain(property(in, "last")), nil }},
	{"Join", 0, 1, join},
	{"Sort", 0, 1, sortItems},
	{"SortNatural", 0, 1, sortItems},
	{"Map", 1, 1, mapItems},
	{"Where", 1, 2, where},
	{"Uniq", 0, 0, unique},
	{"Compact", 0, 0, compact},
	{"Concat", 1, 1, concat},
	{"Reverse", 0, 0, reverse},
}

// listOf is a list as such; a text or another single value is its only item.
func listOf(v any) []any {
	if !isList(v) {
		return []any{v}
	}
	list, _ := items(v)
	return list
}

func join(s *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	glue := argument(args, 0, " ")
	list, ok := items(in)
	if !ok {
		return text(in), nil
	}
	var b strings.Builder
	for i, item := range list {
		if i > 0 {
			b.WriteString(glue)
		}
		b.WriteString(joined([]any{item}))
		if b.Len() > s.maxOutput {
			return nil, s.tooLarge()
		}
	}
	return b.String(), nil
}

// sortItems sorts without regard to case, as DotLiquid 2.0 does; nil comes
// first.
func sortItems(s *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	list := slices.Clone(listOf(in))
	if err := s.spend(len(list) / 4); err != nil {
		return nil, err
	}
	by := argument(args, 0, "")
	key := func(item any) any {
		if by == "" {
			return plain(item)
		}
		found, _ := member(plain(item), by)
		return plain(found)
	}
	type keyed struct{ key, item any }
	sorted := make([]keyed, len(list))
	for i, item := range list {
		sorted[i] = keyed{key(item), item}
	}
	slices.SortStableFunc(sorted, func(a, b keyed) int { return order(a.key, b.key) })
	for i, one := range sorted {
		list[i] = one.item
	}
	return list, nil
}

func order(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	if x, ok := number(a); ok {
		if y, ok := number(b); ok && !bothText(a, b) {
			return x.cmp(y)
		}
	}
	return strings.Compare(strings.ToUpper(text(a)), strings.ToUpper(text(b)))
}

func bothText(a, b any) bool {
	_, x := a.(string)
	_, y := b.(string)
	return x && y
}

// mapItems takes a member of each item.
func mapItems(_ *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	list := listOf(in)
	if o, ok := in.(*Object); ok {
		list = []any{o}
	}
	out := make([]any, len(list))
	for i, item := range list {
		out[i], _ = member(plain(item), text(args[0]))
	}
	return out, nil
}

// where keeps the items whose member has a value, or is true without one.
func where(_ *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	out := []any{}
	for _, item := range listOf(in) {
		found, _ := member(plain(item), text(args[0]))
		found = plain(found)
		if len(args) < 2 && truthy(found) || len(args) == 2 && found != nil && equal(found, args[1]) {
			out = append(out, item)
		}
	}
	return out, nil
}

func unique(s *state, in any, _ []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	out := []any{}
	seen := map[string]bool{}
	for _, item := range listOf(in) {
		v := plain(item)
		key := kindOf(v) + text(v)
		if err := s.spend(work(key)); err != nil {
			return nil, err
		}
		if o, ok := v.(*Object); ok && o.element == nil { // objects differ from each other
			out = append(out, item)
			continue
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, item)
		}
	}
	return out, nil
}

// kindOf tells 1 from "1".
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "n"
	case bool:
		return "b"
	case string:
		return "s"
	}
	return "v"
}

func compact(_ *state, in any, _ []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	return slices.DeleteFunc(slices.Clone(listOf(in)), func(item any) bool { return plain(item) == nil }), nil
}

func concat(s *state, in any, args []any) (any, *Error) {
	switch {
	case in == nil:
		return args[0], nil
	case args[0] == nil:
		return in, nil
	}
	out := append(slices.Clone(listOf(in)), listOf(args[0])...)
	if len(out) > maxRange {
		return nil, failure("join shorter lists", "a list has more than %d items", maxRange)
	}
	return out, s.spend(work(out))
}

func reverse(_ *state, in any, _ []any) (any, *Error) {
	if !isList(in) {
		return in, nil
	}
	out := slices.Clone(listOf(in))
	slices.Reverse(out)
	return out, nil
}
