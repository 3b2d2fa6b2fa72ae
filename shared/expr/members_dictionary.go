package expr

func dictionary(v any) *Dictionary {
	d, ok := v.(*Dictionary)
	if !ok || d.readOnly {
		throw("NotSupportedException", "Collection is read-only.")
	}
	return d
}

func mustLookup(_ *frame, a []any) any {
	if a[1] == nil {
		throwArgumentNull("key")
	}
	v, ok := lookup(a[0], a[1])
	if !ok {
		throwKey(a[1])
	}
	return v
}

func newMap(f *frame, a []any) any {
	d := newDictionary(nil, nil)
	for _, arg := range a {
		switch arg := arg.(type) {
		case *comparer:
			d.fold = arg.fold
		case int32, nil:
		default:
			for k, v := range f.entries(arg) {
				f.charge(64)
				d.put(k, v)
			}
		}
	}
	return d
}

func newSet(f *frame, a []any) any {
	d := newDictionary(nil, nil)
	d.set = true
	for _, arg := range a {
		if c, ok := arg.(*comparer); ok {
			d.fold = c.fold
		}
	}
	if len(a) > 0 {
		if _, comparer := a[0].(*comparer); !comparer {
			addAll(f, d, a[0])
		}
	}
	return d
}

func addAll(f *frame, d *Dictionary, items any) {
	for _, item := range f.collect(items) {
		f.charge(64)
		d.put(item, nil)
	}
}

func addEntry(f *frame, a []any) any {
	if a[1] == nil {
		throwArgumentNull("key")
	}
	f.charge(64)
	d := dictionary(a[0])
	if _, exists := d.get(a[1]); exists {
		throw("ArgumentException", "An item with the same key has already been added. Key: %s", toText(a[1]))
	}
	d.put(a[1], a[2])
	return nil
}

// part gathers keys or values.
func part(keys bool) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		l := &List{class: "List"}
		for k, v := range f.entries(a[0]) {
			if !keys {
				k = v
			}
			l.add(f, k)
		}
		return l
	}
}

// subset says whether every element of a is in set b.
func subset(f *frame, a, b any) bool {
	set := newSet(f, []any{b}).(*Dictionary)
	for x := range f.each(a) {
		if _, ok := set.get(x); !ok {
			return false
		}
	}
	return true
}

var dictionaryMembers = []memberTable{
	{"IReadOnlyDictionary<TKey, TValue>", []row{
		{"TValue this[TKey key]", mustLookup, `new Dictionary<string, int> { { "a", 1 } }["a"]`, "1"},
		{"bool ContainsKey(TKey key)", func(_ *frame, a []any) any { _, ok := lookup(a[0], a[1]); return ok }, `new Dictionary<string, int>().ContainsKey("a")`, "False"},
		{"bool TryGetValue<TValue>(TKey key, out TValue value)", func(_ *frame, a []any) any {
			v, ok := lookup(a[0], a[1])
			if !ok {
				v = zero(a[3].(*Type))
			}
			setOut(a[2], v)
			return ok
		}, `new Dictionary<string, int>().TryGetValue("a", out var v)`, "False"},
		{"TValue GetValueOrDefault<TValue>(TKey key)", func(_ *frame, a []any) any {
			if v, ok := lookup(a[0], a[1]); ok {
				return v
			}
			return zero(a[2].(*Type))
		}, `new Dictionary<string, int>().GetValueOrDefault("a")`, "0"},
		{"TValue GetValueOrDefault(TKey key, TValue defaultValue)", func(_ *frame, a []any) any {
			if v, ok := lookup(a[0], a[1]); ok {
				return v
			}
			return a[2]
		}, `new Dictionary<string, int>().GetValueOrDefault("a", 5)`, "5"},
		{"ICollection<TKey> Keys", part(true), `string.Join(",", new Dictionary<string, int> { ["a"] = 1, ["b"] = 2 }.Keys)`, "a,b"},
		{"ICollection<TValue> Values", part(false), `new Dictionary<string, int> { ["a"] = 1, ["b"] = 2 }.Values.Sum()`, "3"},
	}},
	{"IDictionary<TKey, TValue>", []row{
		{"set TValue this[TKey key]", func(f *frame, a []any) any {
			if a[1] == nil {
				throwArgumentNull("key")
			}
			f.charge(64)
			dictionary(a[0]).put(a[1], a[2])
			return a[2]
		}, "", ""},
		{"void Add(TKey key, TValue value)", addEntry, "", ""},
		{"bool Remove(TKey key)", func(_ *frame, a []any) any { return dictionary(a[0]).remove(a[1]) }, `new Dictionary<string, int> { ["a"] = 1 }.Remove("a")`, "True"},
		{"string ToQueryString()", func(f *frame, a []any) any { return f.text(formText(f, a[0])) }, `new Dictionary<string, string> { ["a"] = "b c" }.ToQueryString()`, "a=b+c"},
		{"string ToFormUrlEncodedContent()", func(f *frame, a []any) any { return f.text(formText(f, a[0])) }, `new Dictionary<string, string> { ["a"] = "b&c" }.ToFormUrlEncodedContent()`, "a=b%26c"},
	}},
	{"Dictionary<TKey, TValue>", []row{
		{"new()", newMap, `new Dictionary<string, int>().Count`, "0"},
		{"new(int capacity)", newMap, `new Dictionary<string, int>(4).Count`, "0"},
		{"new(StringComparer comparer)", newMap, `new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase) { ["A"] = 1 }["a"]`, "1"},
		{"new(IEnumerable<KeyValuePair<TKey, TValue>> dictionary)", newMap, `new Dictionary<string, int>(new Dictionary<string, int> { ["a"] = 1 })["a"]`, "1"},
		{"new(IEnumerable<KeyValuePair<TKey, TValue>> dictionary, StringComparer comparer)", newMap, `new Dictionary<string, int>(new Dictionary<string, int> { ["a"] = 1 }, StringComparer.OrdinalIgnoreCase)["A"]`, "1"},
		{"bool ContainsValue(TValue value)", func(f *frame, a []any) any { return position(f, part(false)(f, a[:1]), a[1]) >= 0 }, `new Dictionary<string, int> { ["a"] = 1 }.ContainsValue(1)`, "True"},
		{"bool TryAdd(TKey key, TValue value)", func(f *frame, a []any) any {
			if _, exists := lookup(a[0], a[1]); exists {
				return false
			}
			addEntry(f, a)
			return true
		}, `new Dictionary<string, int>().TryAdd("a", 1)`, "True"},
	}},
	{"HashSet<T>", []row{
		{"new()", newSet, `new HashSet<int>().Count`, "0"},
		{"new(IEnumerable<T> collection)", newSet, `new HashSet<int>(new[] { 1, 1, 2 }).Count`, "2"},
		{"new(StringComparer comparer)", newSet, `new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "a", "A" }.Count`, "1"},
		{"new(IEnumerable<T> collection, StringComparer comparer)", newSet, `new HashSet<string>(new[] { "a" }, StringComparer.OrdinalIgnoreCase).Contains("A")`, "True"},
		{"bool Add(T item)", func(f *frame, a []any) any { f.charge(64); return a[0].(*Dictionary).put(a[1], nil) }, `new HashSet<int> { 1 }.Add(1)`, "False"},
		{"bool Contains(T item)", func(_ *frame, a []any) any { _, ok := a[0].(*Dictionary).get(a[1]); return ok }, `new HashSet<int> { 1 }.Contains(1)`, "True"},
		{"bool Remove(T item)", func(_ *frame, a []any) any { return a[0].(*Dictionary).remove(a[1]) }, `new HashSet<int> { 1 }.Remove(2)`, "False"},
		{"void UnionWith(IEnumerable<T> other)", func(f *frame, a []any) any { addAll(f, a[0].(*Dictionary), a[1]); return nil }, "", ""},
		{"void ExceptWith(IEnumerable<T> other)", func(f *frame, a []any) any {
			for _, x := range f.collect(a[1]) {
				a[0].(*Dictionary).remove(x)
			}
			return nil
		}, "", ""},
		{"void IntersectWith(IEnumerable<T> other)", func(f *frame, a []any) any {
			keep := newSet(f, []any{a[1]}).(*Dictionary)
			for _, x := range f.collect(a[0]) {
				if _, ok := keep.get(x); !ok {
					a[0].(*Dictionary).remove(x)
				}
			}
			return nil
		}, "", ""},
		{"bool IsSubsetOf(IEnumerable<T> other)", func(f *frame, a []any) any { return subset(f, a[0], a[1]) }, `new HashSet<int> { 1 }.IsSubsetOf(new[] { 1, 2 })`, "True"},
		{"bool IsSupersetOf(IEnumerable<T> other)", func(f *frame, a []any) any { return subset(f, a[1], a[0]) }, `new HashSet<int> { 1 }.IsSupersetOf(new[] { 1, 2 })`, "False"},
		{"bool SetEquals(IEnumerable<T> other)", func(f *frame, a []any) any { return subset(f, a[0], a[1]) && subset(f, a[1], a[0]) }, `new HashSet<int> { 1, 2 }.SetEquals(new[] { 2, 1 })`, "True"},
		{"bool Overlaps(IEnumerable<T> other)", func(f *frame, a []any) any {
			for x := range f.each(a[1]) {
				if _, ok := a[0].(*Dictionary).get(x); ok {
					return true
				}
			}
			return false
		}, `new HashSet<int> { 1, 2 }.Overlaps(new[] { 2, 3 })`, "True"},
	}},
	{"KeyValuePair<TKey, TValue>", []row{
		{"new(TKey key, TValue value)", func(_ *frame, a []any) any { return &pair{a[0], a[1]} }, `new KeyValuePair<string, int>("a", 1)`, "[a, 1]"},
		{"TKey Key", func(_ *frame, a []any) any { return a[0].(*pair).key }, `new KeyValuePair<string, int>("a", 1).Key`, "a"},
		{"TValue Value", func(_ *frame, a []any) any { return a[0].(*pair).value }, `new KeyValuePair<string, int>("a", 1).Value`, "1"},
	}},
	{"Tuple<T>", []row{
		{"static Tuple<A> Create<A>(A item1)", newTuple(1), `Tuple.Create(1)`, "(1)"},
		{"static Tuple<A, B> Create<A, B>(A item1, B item2)", newTuple(2), `Tuple.Create(1, "a")`, "(1, a)"},
		{"static Tuple<A, B, C> Create<A, B, C>(A item1, B item2, C item3)", newTuple(3), `Tuple.Create(1, "a", true)`, "(1, a, True)"},
		{"static Tuple<A, B, C, D> Create<A, B, C, D>(A item1, B item2, C item3, D item4)", newTuple(4), `Tuple.Create(1, 2, 3, 4)`, "(1, 2, 3, 4)"},
		{"new(dynamic item1)", newTuple(1), `new Tuple<int>(1)`, "(1)"},
		{"new(dynamic item1, dynamic item2)", newTuple(2), `new Tuple<int, string>(1, "a").Item2`, "a"},
		{"new(dynamic item1, dynamic item2, dynamic item3)", newTuple(3), `new Tuple<int, string, int>(1, "a", 2).Item3`, "2"},
		{"dynamic Item1", tupleItem(0), `Tuple.Create(1, "a").Item1`, "1"},
		{"dynamic Item2", tupleItem(1), `Tuple.Create(1, "a").Item2`, "a"},
		{"dynamic Item3", tupleItem(2), `Tuple.Create(1, "a", 3).Item3`, "3"},
		{"dynamic Item4", tupleItem(3), `Tuple.Create(1, 2, 3, 4).Item4`, "4"},
	}},
}

func newTuple(n int) func(*frame, []any) any {
	return func(_ *frame, a []any) any { return &tupleValue{append([]any(nil), a[:n]...)} }
}

func tupleItem(i int) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		items := a[0].(*tupleValue).items
		if i >= len(items) {
			throw("RuntimeBinderException", "'Tuple' does not contain a definition for 'Item%d'", i+1)
		}
		return items[i]
	}
}
