package expr

import "slices"

var linqRows = slices.Concat(picks("First", "1"), picks("Last", "2"), picks("Single", "2"), []row{
	{"IEnumerable<T> Where(Func<T, bool> predicate)", where1, `new[] { 1, 2, 3 }.Where(x => x > 1).Count()`, "2"},
	{"IEnumerable<T> Where(Func<T, int, bool> predicate)", func(_ *frame, a []any) any { return indexed(a[0], a[1], true) }, `new[] { 5, 6 }.Where((x, i) => i > 0).First()`, "6"},
	{"IEnumerable<R> Select<R>(Func<T, R> selector)", selectEach, `string.Join(",", new[] { 1, 2 }.Select(x => x * 2))`, "2,4"},
	{"IEnumerable<R> Select<R>(Func<T, int, R> selector)", func(_ *frame, a []any) any { return indexed(a[0], a[1], false) }, `string.Join(",", new[] { "a", "b" }.Select((x, i) => x + i))`, "a0,b1"},
	{"IEnumerable<R> SelectMany<R>(Func<T, IEnumerable<R>> selector)", selectMany, `new[] { "ab", "c" }.SelectMany(x => x.ToCharArray()).Count()`, "3"},
	{"bool Any()", func(f *frame, a []any) any {
		for range f.each(a[0]) {
			return true
		}
		return false
	}, `new int[0].Any()`, "False"},
	{"bool Any(Func<T, bool> predicate)", func(f *frame, a []any) any { return found(f, a[0], a[1]) >= 0 }, `new[] { 1 }.Any(x => x == 1)`, "True"},
	{"bool All(Func<T, bool> predicate)", func(f *frame, a []any) any {
		for x := range f.each(a[0]) {
			if !f.holds(a[1], x) {
				return false
			}
		}
		return true
	}, `new[] { 1, 2 }.All(x => x > 1)`, "False"},
	{"int Count()", func(f *frame, a []any) any { return int32(counts(f, a)) }, `new[] { 1, 2 }.Count()`, "2"},
	{"int Count(Func<T, bool> predicate)", func(f *frame, a []any) any { return int32(counts(f, a)) }, `new[] { 1, 2 }.Count(x => x > 1)`, "1"},
	{"long LongCount()", func(f *frame, a []any) any { return int64(counts(f, a)) }, `new[] { 1, 2 }.LongCount()`, "2"},
	{"T Sum<T>()", func(f *frame, a []any) any { return sum(f, a[:1], a[1].(*Type)) }, `new[] { 1, 2 }.Sum()`, "3"},
	{"R Sum<R>(Func<T, R> selector)", func(f *frame, a []any) any { return sum(f, a[:2], a[2].(*Type)) }, `new[] { "a", "bc" }.Sum(x => x.Length)`, "3"},
	{"double Average()", func(f *frame, a []any) any { return average(f, a) }, `new[] { 1, 2 }.Average()`, "1.5"},
	{"double Average<R>(Func<T, R> selector)", func(f *frame, a []any) any { return average(f, a[:2]) }, `new[] { 1, 2 }.Average(x => x * 2)`, "3"},
	{"T Max()", func(f *frame, a []any) any { return extreme(f, a, 1) }, `new[] { 1, 3, 2 }.Max()`, "3"},
	{"R Max<R>(Func<T, R> selector)", func(f *frame, a []any) any { return extreme(f, a[:2], 1) }, `new[] { "a", "bc" }.Max(x => x.Length)`, "2"},
	{"T Min()", func(f *frame, a []any) any { return extreme(f, a, -1) }, `new[] { 3, 1, 2 }.Min()`, "1"},
	{"R Min<R>(Func<T, R> selector)", func(f *frame, a []any) any { return extreme(f, a[:2], -1) }, `new[] { "a", "bc" }.Min(x => x.Length)`, "1"},
	{"IEnumerable<T> Distinct()", setOperation(nil, false), `new[] { 1, 1, 2 }.Distinct().Count()`, "2"},
	{"IEnumerable<T> Distinct(StringComparer comparer)", setOperation(nil, false), `new[] { "a", "A" }.Distinct(StringComparer.OrdinalIgnoreCase).Count()`, "1"},
	{"IEnumerable<T> Union(IEnumerable<T> second)", setOperation(nil, true), `new[] { 1, 2 }.Union(new[] { 2, 3 }).Count()`, "3"},
	{"IEnumerable<T> Except(IEnumerable<T> second)", setOperation(func(in bool) bool { return !in }, false), `new[] { 1, 2 }.Except(new[] { 2 }).First()`, "1"},
	{"IEnumerable<T> Intersect(IEnumerable<T> second)", setOperation(func(in bool) bool { return in }, false), `new[] { 1, 2 }.Intersect(new[] { 2, 3 }).First()`, "2"},
	{"IEnumerable<T> Concat(IEnumerable<T> second)", concat, `new[] { 1 }.Concat(new[] { 2 }).Last()`, "2"},
	{"IEnumerable<T> Append(T element)", func(_ *frame, a []any) any { return concat(nil, []any{a[0], &List{items: []any{a[1]}, class: "List"}}) }, `new[] { 1 }.Append(2).Last()`, "2"},
	{"IEnumerable<T> Prepend(T element)", func(_ *frame, a []any) any { return concat(nil, []any{&List{items: []any{a[1]}, class: "List"}, a[0]}) }, `new[] { 1 }.Prepend(2).First()`, "2"},
	{"IEnumerable<T> Skip(int count)", skip, `new[] { 1, 2, 3 }.Skip(1).First()`, "2"},
	{"IEnumerable<T> Take(int count)", take, `new[] { 1, 2, 3 }.Take(2).Last()`, "2"},
	{"IEnumerable<T> TakeWhile(Func<T, bool> predicate)", whileHolds(true), `new[] { 1, 2, 3, 1 }.TakeWhile(x => x < 3).Count()`, "2"},
	{"IEnumerable<T> SkipWhile(Func<T, bool> predicate)", whileHolds(false), `new[] { 1, 2, 3, 1 }.SkipWhile(x => x < 3).Count()`, "2"},
	{"IEnumerable<T> Reverse()", func(f *frame, a []any) any {
		items := f.collect(a[0])
		slices.Reverse(items)
		return &List{items: items, class: "List"}
	}, `new[] { 1, 2 }.Reverse().First()`, "2"},
	{"List<T> ToList<T>()", func(f *frame, a []any) any { return &List{f.collect(a[0]), a[1].(*Type), "List"} }, `new[] { 1, 2 }.ToList().Count`, "2"},
	{"T[] ToArray<T>()", func(f *frame, a []any) any { return arrayOf(f.collect(a[0]), a[1].(*Type)) }, `new List<int> { 1, 2 }.ToArray().Length`, "2"},
	{"HashSet<T> ToHashSet()", func(f *frame, a []any) any { return newSet(f, a) }, `new[] { 1, 1 }.ToHashSet().Count`, "1"},
	{"Dictionary<K, T> ToDictionary<K>(Func<T, K> keySelector)", toDictionary, `new[] { "a", "bc" }.ToDictionary(x => x.Length)[2]`, "bc"},
	{"Dictionary<K, V> ToDictionary<K, V>(Func<T, K> keySelector, Func<T, V> elementSelector)", toDictionary, `new[] { "a", "bc" }.ToDictionary(x => x, x => x.Length)["bc"]`, "2"},
	{"Dictionary<K, V> ToDictionary<K, V>(Func<T, K> keySelector, Func<T, V> elementSelector, StringComparer comparer)", toDictionary, `new[] { "a" }.ToDictionary(x => x, x => 1, StringComparer.OrdinalIgnoreCase)["A"]`, "1"},
	{"Dictionary<K, IEnumerable<T>> ToLookup<K>(Func<T, K> keySelector)", func(f *frame, a []any) any {
		d := newDictionary(nil, nil)
		for g := range f.each(groupBy(f, a[:2])) {
			d.put(g.(*sequence).key.(*pair).key, g)
		}
		return d
	}, `new[] { 1, 2, 3 }.ToLookup(x => x % 2)[1].Count()`, "2"},
	{"IEnumerable<IGrouping<K, T>> GroupBy<K>(Func<T, K> keySelector)", groupBy, `new[] { 1, 2, 3 }.GroupBy(x => x % 2).First().Key`, "1"},
	{"IEnumerable<IGrouping<K, V>> GroupBy<K, V>(Func<T, K> keySelector, Func<T, V> elementSelector)", groupBy, `new[] { 1, 2, 3 }.GroupBy(x => x % 2, x => x * 10).First().Sum()`, "40"},
	{"bool Contains(T value)", contains, `new[] { "a", "b" }.Contains("b")`, "True"},
	{"bool Contains(T value, StringComparer comparer)", contains, `new[] { "a" }.Contains("A", StringComparer.OrdinalIgnoreCase)`, "True"},
	{"IEnumerable<R> Zip<U, R>(IEnumerable<U> second, Func<T, U, R> resultSelector)", zip, `string.Join(",", new[] { 1, 2 }.Zip(new[] { "a", "b" }, (n, s) => s + n))`, "a1,b2"},
	{"T Aggregate(Func<T, T, T> func)", func(f *frame, a []any) any {
		var total any
		first := true
		for x := range f.each(a[0]) {
			if first {
				total, first = x, false
				continue
			}
			total = f.invoke(a[1], total, x)
		}
		if first {
			throwEmpty()
		}
		return total
	}, `new[] { 1, 2, 3 }.Aggregate((x, y) => x * y)`, "6"},
	{"A Aggregate<A>(A seed, Func<A, T, A> func)", func(f *frame, a []any) any {
		total := a[1]
		for x := range f.each(a[0]) {
			total = f.invoke(a[2], total, x)
		}
		return total
	}, `new[] { 1, 2 }.Aggregate("", (s, x) => s + x)`, "12"},
	{"IEnumerable<R> Cast<R>()", of(true), `new object[] { "a" }.Cast<string>().First()`, "a"},
	{"IEnumerable<R> OfType<R>()", of(false), `new object[] { "a", 1 }.OfType<int>().Count()`, "1"},
	{"IEnumerable<T> AsEnumerable()", func(_ *frame, a []any) any { return a[0] }, `new[] { 1 }.AsEnumerable().Count()`, "1"},
	{"IEnumerable<T> DefaultIfEmpty<T>()", func(f *frame, a []any) any {
		items := f.collect(a[0])
		if len(items) == 0 {
			items = []any{zero(a[1].(*Type))}
		}
		return &List{items: items, class: "List"}
	}, `new int[0].DefaultIfEmpty().First()`, "0"},
	{"T ElementAt(int index)", func(f *frame, a []any) any {
		x, ok := elementAt(f, a)
		if !ok {
			throwIndex()
		}
		return x
	}, `new[] { 1, 2 }.ElementAt(1)`, "2"},
	{"T ElementAtOrDefault<T>(int index)", func(f *frame, a []any) any {
		if x, ok := elementAt(f, a); ok {
			return x
		}
		return zero(a[2].(*Type))
	}, `new[] { "a" }.ElementAtOrDefault(5) == null`, "True"},
	{"bool SequenceEqual(IEnumerable<T> second)", func(f *frame, a []any) any { return slices.EqualFunc(f.collect(a[0]), f.collect(a[1]), equals) }, `new[] { 1, 2 }.SequenceEqual(new[] { 1, 2 })`, "True"},
})

var linqMembers = []memberTable{
	{"IEnumerable<T>", linqRows},
	{"Enumerable", []row{
		{"static IEnumerable<int> Range(int start, int count)", func(_ *frame, a []any) any {
			start, n := a[0].(int32), number(a, 1)
			if n < 0 {
				throwRange("count")
			}
			return lazy(func(_ *frame, yield func(any) bool) {
				for i := range n {
					if !yield(start + int32(i)) {
						return
					}
				}
			})
		}, `string.Join(",", Enumerable.Range(2, 3))`, "2,3,4"},
		{"static IEnumerable<T> Repeat<T>(T element, int count)", func(_ *frame, a []any) any {
			x, n := a[0], number(a, 1)
			return lazy(func(_ *frame, yield func(any) bool) {
				for range max(n, 0) {
					if !yield(x) {
						return
					}
				}
			})
		}, `string.Concat(Enumerable.Repeat("ab", 2))`, "abab"},
		{"static IEnumerable<T> Empty<T>()", func(*frame, []any) any { return &List{class: "List"} }, `Enumerable.Empty<int>().Count()`, "0"},
	}},
	{"IGrouping<TKey, TElement>", []row{
		{"TKey Key", func(_ *frame, a []any) any { return a[0].(*sequence).key.(*pair).key }, `new[] { "a" }.GroupBy(x => x.Length).First().Key`, "1"},
	}},
}
