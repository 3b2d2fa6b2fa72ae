package expr

import "slices"

func list(v any) *List {
	l, ok := v.(*List)
	if !ok {
		throw("NotSupportedException", "Collection was of a fixed size.")
	}
	return l
}

// growing is a list that may change its length.
func growing(v any) *List {
	l := list(v)
	if l.class == "Array" {
		throw("NotSupportedException", "Collection was of a fixed size.")
	}
	return l
}

func (l *List) add(f *frame, v any) {
	f.charge(16)
	l.items = append(l.items, v)
}

// itemAt is an element of whatever has an order.
func itemAt(v any, i int) any {
	switch v := v.(type) {
	case *List:
		if i >= 0 && i < len(v.items) {
			return v.items[i]
		}
		if v.class == "Array" {
			throw("IndexOutOfRangeException", "Index was outside the bounds of the array.")
		}
	case []byte:
		if i >= 0 && i < len(v) {
			return v[i]
		}
		throw("IndexOutOfRangeException", "Index was outside the bounds of the array.")
	}
	throwIndex()
	return nil
}

func putItem(v any, i int, item any) {
	itemAt(v, i)
	switch v := v.(type) {
	case *List:
		v.items[i] = item
	case []byte:
		v[i], _ = item.(uint8)
	}
}

// count is the number of elements where it is known without iterating; -1 else.
func count(v any) int {
	switch v := v.(type) {
	case *List:
		return len(v.items)
	case []byte:
		return len(v)
	case *Dictionary:
		return v.len()
	case *JArray:
		return len(v.items)
	case *JObject:
		return len(v.props)
	case string:
		return units(v)
	}
	return -1
}

func length(f *frame, v any) int {
	n := count(v)
	if n < 0 {
		n = 0
		for range f.each(v) {
			n++
		}
	}
	return n
}

func position(f *frame, v, item any) int {
	i := 0
	for x := range f.each(v) {
		if x == nil && item == nil || x != nil && item != nil && equals(x, item) {
			return i
		}
		i++
	}
	return -1
}

// found is the index of the first element for which fn holds.
func found(f *frame, v, fn any) int {
	i := 0
	for x := range f.each(v) {
		if f.holds(fn, x) {
			return i
		}
		i++
	}
	return -1
}

func removeAll(f *frame, l *List, fn any) int {
	n := len(l.items)
	l.items = slices.DeleteFunc(l.items, func(x any) bool { return f.holds(fn, x) })
	return n - len(l.items)
}

func checkRange(l *List, start, n int) {
	if start < 0 || n < 0 || start > len(l.items)-n {
		throw("ArgumentException", "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.")
	}
}

func newList(class string) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		l := &List{class: class}
		if len(a) > 0 {
			if _, capacity := a[0].(int32); !capacity {
				l.items = f.collect(a[0])
			}
		}
		return l
	}
}

func pop(v any, first, remove bool) any {
	l := v.(*List)
	if len(l.items) == 0 {
		throw("InvalidOperationException", "%s empty.", l.class)
	}
	i := len(l.items) - 1
	if first {
		i = 0
	}
	item := l.items[i]
	if remove {
		l.items = slices.Delete(l.items, i, i+1)
	}
	return item
}

// sortItems orders in place.
func sortItems(f *frame, v, comparison any) any {
	l := list(v)
	f.step(8 * len(l.items))
	slices.SortStableFunc(l.items, func(a, b any) int {
		f.step(1)
		if comparison == nil {
			return compareValues(a, b)
		}
		return int(integer(f.invoke(comparison, a, b)))
	})
	return nil
}

// copyItems is Array.Copy and Buffer.BlockCopy.
func copyItems(from any, start int, to any, at, n int) any {
	if n < 0 || start < 0 || at < 0 || start > count(from)-n || at > count(to)-n {
		throw("ArgumentException", "Source array was not long enough. Check the source index, length, and the array's lower bounds.")
	}
	if b, ok := from.([]byte); ok {
		copy(to.([]byte)[at:], b[start:start+n])
		return nil
	}
	copy(to.(*List).items[at:], slices.Clone(from.(*List).items[start:start+n]))
	return nil
}

var arrayRows = []row{
	{"static bool Exists<T>(T[] array, Predicate<T> match)", func(f *frame, a []any) any { return found(f, a[0], a[1]) >= 0 }, `Array.Exists(new[] { 1, 2 }, x => x == 2)`, "True"},
	{"static T Find<T>(T[] array, Predicate<T> match)", func(f *frame, a []any) any {
		if i := found(f, a[0], a[1]); i >= 0 {
			return itemAt(a[0], i)
		}
		return zero(a[2].(*Type))
	}, `Array.Find(new[] { "a", "bc" }, x => x.Length == 2)`, "bc"},
	{"static T[] FindAll<T>(T[] array, Predicate<T> match)", func(f *frame, a []any) any {
		var items []any
		for x := range f.each(a[0]) {
			if f.holds(a[1], x) {
				items = append(items, x)
			}
		}
		return arrayOf(items, a[2].(*Type))
	}, `Array.FindAll(new[] { 1, 2, 3 }, x => x > 1).Length`, "2"},
	{"static int FindIndex<T>(T[] array, Predicate<T> match)", func(f *frame, a []any) any { return int32(found(f, a[0], a[1])) }, `Array.FindIndex(new[] { 1, 2 }, x => x == 2)`, "1"},
	{"static int IndexOf<T>(T[] array, T value)", func(f *frame, a []any) any { return int32(position(f, a[0], a[1])) }, `Array.IndexOf(new[] { "a", "b" }, "b")`, "1"},
	{"static void Reverse<T>(T[] array)", func(_ *frame, a []any) any {
		if b, ok := a[0].([]byte); ok {
			slices.Reverse(b)
		} else {
			slices.Reverse(list(a[0]).items)
		}
		return nil
	}, "", ""},
	{"static void Sort<T>(T[] array)", func(f *frame, a []any) any { return sortItems(f, a[0], nil) }, "", ""},
	{"static void Sort<T>(T[] array, Comparison<T> comparison)", func(f *frame, a []any) any { return sortItems(f, a[0], a[1]) }, "", ""},
	{"static void Copy<T>(T[] sourceArray, T[] destinationArray, int length)", func(_ *frame, a []any) any { return copyItems(a[0], 0, a[1], 0, number(a, 2)) }, "", ""},
	{"static void Copy<T>(T[] sourceArray, int sourceIndex, T[] destinationArray, int destinationIndex, int length)", func(_ *frame, a []any) any {
		return copyItems(a[0], number(a, 1), a[2], number(a, 3), number(a, 4))
	}, "", ""},
	{"static U[] ConvertAll<T, U>(T[] array, Func<T, U> converter)", func(f *frame, a []any) any {
		items := f.collect(a[0])
		for i, x := range items {
			items[i] = f.invoke(a[1], x)
		}
		return arrayOf(items, a[3].(*Type))
	}, `Array.ConvertAll(new[] { "1", "2" }, x => int.Parse(x))[1]`, "2"},
	{"static T[] Empty<T>()", func(_ *frame, a []any) any { return arrayOf(nil, a[0].(*Type)) }, `Array.Empty<string>().Length`, "0"},
	{"int Length", func(_ *frame, a []any) any { return int32(count(a[0])) }, `new[] { 1, 2 }.Length`, "2"},
	{"T this[int index]", func(_ *frame, a []any) any { return itemAt(a[0], number(a, 1)) }, `new[] { 1, 2 }[1]`, "2"},
	{"set T this[int index]", func(_ *frame, a []any) any { putItem(a[0], number(a, 1), a[2]); return a[2] }, "", ""},
	{"object Clone()", func(_ *frame, a []any) any {
		if b, ok := a[0].([]byte); ok {
			return slices.Clone(b)
		}
		l := list(a[0])
		return &List{slices.Clone(l.items), l.elem, l.class}
	}, `((int[])new[] { 1 }.Clone()).Length`, "1"},
	{"void CopyTo(T[] array, int index)", func(_ *frame, a []any) any { return copyItems(a[0], 0, a[1], number(a, 2), count(a[0])) }, "", ""},
}

var listRows = []row{
	{"new()", newList("List"), `new List<int>().Count`, "0"},
	{"new(int capacity)", newList("List"), `new List<int>(5).Count`, "0"},
	{"new(IEnumerable<T> collection)", newList("List"), `new List<int>(new[] { 1, 2 }).Count`, "2"},
	{"set T this[int index]", func(_ *frame, a []any) any { putItem(a[0], number(a, 1), a[2]); return a[2] }, "", ""},
	{"void AddRange(IEnumerable<T> collection)", func(f *frame, a []any) any {
		l := growing(a[0])
		l.items = append(l.items, f.collect(a[1])...)
		return nil
	}, "", ""},
	{"void InsertRange(int index, IEnumerable<T> collection)", func(f *frame, a []any) any {
		l := growing(a[0])
		checkRange(l, number(a, 1), 0)
		l.items = slices.Insert(l.items, number(a, 1), f.collect(a[2])...)
		return nil
	}, "", ""},
	{"void RemoveRange(int index, int count)", func(_ *frame, a []any) any {
		l := growing(a[0])
		checkRange(l, number(a, 1), number(a, 2))
		l.items = slices.Delete(l.items, number(a, 1), number(a, 1)+number(a, 2))
		return nil
	}, "", ""},
	{"List<T> GetRange(int index, int count)", func(_ *frame, a []any) any {
		l := list(a[0])
		checkRange(l, number(a, 1), number(a, 2))
		return &List{slices.Clone(l.items[number(a, 1) : number(a, 1)+number(a, 2)]), l.elem, "List"}
	}, `new List<int> { 1, 2, 3 }.GetRange(1, 2)[0]`, "2"},
	{"int RemoveAll(Predicate<T> match)", func(f *frame, a []any) any { return int32(removeAll(f, growing(a[0]), a[1])) }, `new List<int> { 1, 2, 3 }.RemoveAll(x => x > 1)`, "2"},
	{"bool Exists(Predicate<T> match)", func(f *frame, a []any) any { return found(f, a[0], a[1]) >= 0 }, `new List<int> { 1 }.Exists(x => x == 1)`, "True"},
	{"bool TrueForAll(Predicate<T> match)", func(f *frame, a []any) any {
		for x := range f.each(a[0]) {
			if !f.holds(a[1], x) {
				return false
			}
		}
		return true
	}, `new List<int> { 1 }.TrueForAll(x => x > 1)`, "False"},
	{"T Find<T>(Predicate<T> match)", func(f *frame, a []any) any {
		if i := found(f, a[0], a[1]); i >= 0 {
			return itemAt(a[0], i)
		}
		return zero(a[2].(*Type))
	}, `new List<int> { 1, 2 }.Find(x => x > 1)`, "2"},
	{"List<T> FindAll(Predicate<T> match)", func(f *frame, a []any) any {
		out := &List{elem: list(a[0]).elem, class: "List"}
		for x := range f.each(a[0]) {
			if f.holds(a[1], x) {
				out.add(f, x)
			}
		}
		return out
	}, `new List<int> { 1, 2, 3 }.FindAll(x => x > 1).Count`, "2"},
	{"int FindIndex(Predicate<T> match)", func(f *frame, a []any) any { return int32(found(f, a[0], a[1])) }, `new List<int> { 1, 2 }.FindIndex(x => x > 1)`, "1"},
	{"void ForEach(Action<T> action)", func(f *frame, a []any) any {
		fn := a[1]
		for x := range f.each(a[0]) {
			f.invoke(fn, x)
		}
		return nil
	}, "", ""},
	{"void Sort()", func(f *frame, a []any) any { return sortItems(f, a[0], nil) }, "", ""},
	{"void Sort(Comparison<T> comparison)", func(f *frame, a []any) any { return sortItems(f, a[0], a[1]) }, "", ""},
	{"void Reverse()", func(_ *frame, a []any) any { slices.Reverse(list(a[0]).items); return nil }, "", ""},
}

var listMembers = []memberTable{
	{"Array<T>", arrayRows},
	{"List<T>", listRows},
	{"IList<T>", []row{
		{"T this[int index]", func(_ *frame, a []any) any { return itemAt(a[0], number(a, 1)) }, `new List<string> { "a" }[0]`, "a"},
		{"int IndexOf(T item)", func(f *frame, a []any) any { return int32(position(f, a[0], a[1])) }, `new List<string> { "a" }.IndexOf("b")`, "-1"},
		{"void Insert(int index, T item)", func(f *frame, a []any) any {
			l := growing(a[0])
			checkRange(l, number(a, 1), 0)
			f.charge(16)
			l.items = slices.Insert(l.items, number(a, 1), a[2])
			return nil
		}, "", ""},
		{"void RemoveAt(int index)", func(_ *frame, a []any) any {
			itemAt(a[0], number(a, 1))
			l := growing(a[0])
			l.items = slices.Delete(l.items, number(a, 1), number(a, 1)+1)
			return nil
		}, "", ""},
	}},
	{"IReadOnlyList<T>", []row{
		{"T this[int index]", func(f *frame, a []any) any {
			if e, ok := a[0].(enumerable); ok {
				return nth(f, e, number(a, 1))
			}
			return itemAt(a[0], number(a, 1))
		}, `Regex.Matches("ab", ".")[1].Value`, "b"},
	}},
	{"ICollection<T>", []row{
		{"int Count", func(f *frame, a []any) any { return int32(length(f, a[0])) }, `new List<int> { 1 }.Count`, "1"},
		{"void Add(T item)", func(f *frame, a []any) any { growing(a[0]).add(f, a[1]); return nil }, "", ""},
		{"bool Remove(T item)", func(f *frame, a []any) any {
			l := growing(a[0])
			i := position(f, l, a[1])
			if i >= 0 {
				l.items = slices.Delete(l.items, i, i+1)
			}
			return i >= 0
		}, `new List<int> { 1 }.Remove(1)`, "True"},
		{"void Clear()", func(_ *frame, a []any) any {
			if d, ok := a[0].(*Dictionary); ok {
				d.entries, d.index, d.deleted = nil, map[any]int{}, 0
				return nil
			}
			growing(a[0]).items = nil
			return nil
		}, "", ""},
	}},
	{"IReadOnlyCollection<T>", []row{
		{"int Count", func(f *frame, a []any) any { return int32(length(f, a[0])) }, `new Queue<int>().Count`, "0"},
	}},
	{"Queue<T>", []row{
		{"new()", newList("Queue"), `new Queue<int>().Count`, "0"},
		{"new(IEnumerable<T> collection)", newList("Queue"), `new Queue<int>(new[] { 1, 2 }).Dequeue()`, "1"},
		{"void Enqueue(T item)", func(f *frame, a []any) any { a[0].(*List).add(f, a[1]); return nil }, "", ""},
		{"T Dequeue()", func(_ *frame, a []any) any { return pop(a[0], true, true) }, `new Queue<int>(new[] { 1, 2 }).Dequeue()`, "1"},
		{"T Peek()", func(_ *frame, a []any) any { return pop(a[0], true, false) }, `new Queue<int>(new[] { 1, 2 }).Peek()`, "1"},
		{"void Clear()", func(_ *frame, a []any) any { a[0].(*List).items = nil; return nil }, "", ""},
	}},
	{"Stack<T>", []row{
		{"new()", newList("Stack"), `new Stack<int>().Count`, "0"},
		{"new(IEnumerable<T> collection)", newList("Stack"), `new Stack<int>(new[] { 1, 2 }).First()`, "2"},
		{"void Push(T item)", func(f *frame, a []any) any { a[0].(*List).add(f, a[1]); return nil }, "", ""},
		{"T Pop()", func(_ *frame, a []any) any { return pop(a[0], false, true) }, `new Stack<int>(new[] { 1, 2 }).Pop()`, "2"},
		{"T Peek()", func(_ *frame, a []any) any { return pop(a[0], false, false) }, `new Stack<int>(new[] { 1, 2 }).Peek()`, "2"},
		{"void Clear()", func(_ *frame, a []any) any { a[0].(*List).items = nil; return nil }, "", ""},
	}},
}

func nth(f *frame, e any, i int) any {
	n := 0
	for x := range f.each(e) {
		if n == i {
			return x
		}
		n++
	}
	throwIndex()
	return nil
}
