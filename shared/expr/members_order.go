package expr

import "slices"

// order makes OrderBy and ThenBy.
func order(descending, then bool) func(*frame, []any) any {
	return func(f *frame, a []any) any {
		source, fn := a[0], a[1]
		fold := folds(a[2])
		var before func(f *frame, a, b any) int
		if s, ok := source.(*orderedSequence); ok && then {
			source, before = s.source, s.compare
		}
		return &orderedSequence{source, func(f *frame, x, y any) int {
			if before != nil {
				if c := before(f, x, y); c != 0 {
					return c
				}
			}
			k, l := f.invoke(fn, x), f.invoke(fn, y)
			c := compareValues(k, l)
			if fold {
				c = int(compareStrings(k, l, true).(int32))
			}
			if descending {
				return -c
			}
			return c
		}}
	}
}

// orderedSequence is an IOrderedEnumerable.
type orderedSequence struct {
	source  any
	compare func(f *frame, a, b any) int
}

func (*orderedSequence) typeName() string { return "IOrderedEnumerable" }

func (s *orderedSequence) iterate(f *frame, yield func(any) bool) {
	items := f.collect(s.source)
	slices.SortStableFunc(items, func(a, b any) int {
		f.step(1)
		return s.compare(f, a, b)
	})
	for _, x := range items {
		if !yield(x) {
			return
		}
	}
}

var orderMembers = []memberTable{
	{"IEnumerable<T>", []row{
		{"IOrderedEnumerable<T> OrderBy<K>(Func<T, K> keySelector)", order(false, false), `string.Join(",", new[] { 3, 1, 2 }.OrderBy(x => x))`, "1,2,3"},
		{"IOrderedEnumerable<T> OrderByDescending<K>(Func<T, K> keySelector)", order(true, false), `new[] { 3, 1, 2 }.OrderByDescending(x => x).First()`, "3"},
		{"IOrderedEnumerable<T> OrderBy<K>(Func<T, K> keySelector, StringComparer comparer)", order(false, false), `new[] { "b", "A" }.OrderBy(x => x, StringComparer.OrdinalIgnoreCase).First()`, "A"},
	}},
	{"IOrderedEnumerable<T>", []row{
		{"IOrderedEnumerable<T> ThenBy<K>(Func<T, K> keySelector)", order(false, true), `new[] { "bb", "a", "aa" }.OrderBy(x => x.Length).ThenBy(x => x).Last()`, "bb"},
		{"IOrderedEnumerable<T> ThenByDescending<K>(Func<T, K> keySelector)", order(true, true), `new[] { "bb", "a", "aa" }.OrderBy(x => x.Length).ThenByDescending(x => x).Last()`, "aa"},
	}},
}
