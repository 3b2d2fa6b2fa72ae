package projection

import (
	"slices"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// Budget bounds a page.
type Budget struct {
	Items int // 0: any number
	Bytes int // of the value
}

// Page is a part of a value, and what it leaves out.
type Page struct {
	Value jsontext.Value
	// Total is how many items the list of the value has, and Next the first that
	// comes after the page; both are 0 where there is no list.
	Total, Next int
	// Omitted is how many items of the page are not in it because each alone is
	// larger than the budget; 1 for a value that is neither a list nor an object.
	Omitted int
	// Members are the names of members that are not in an object which has no list
	// that could be shortened, the largest first.
	Members []string
}

// Left is how many items come after the page.
func (p *Page) Left() int { return p.Total - p.Next }

// Whole tells whether nothing is left out behind the beginning of the page.
func (p *Page) Whole() bool { return p.Left() == 0 && p.Omitted == 0 && len(p.Members) == 0 }

// Cut makes the page that begins at an item. The list of which items are taken is
// the value itself, or the one array among the members of an object; what has no
// list is shortened by whole members.
func Cut(value jsontext.Value, from int, b Budget) (Page, error) {
	value = slices.Clone(value)
	if err := value.Compact(jsontext.PreserveRawStrings(true)); err != nil {
		return Page{}, err
	}
	list, ok, err := listOf(value)
	if err != nil {
		return Page{}, err
	}
	around := len(value) - (list.End - list.Start)
	switch {
	case ok && around < b.Bytes:
		return cutList(value, list, from, Budget{Items: b.Items, Bytes: b.Bytes - around})
	case len(value) <= b.Bytes:
		return Page{Value: value}, nil
	case value.Kind() == '{':
		return cutMembers(value, b.Bytes)
	}
	return Page{Value: jsontext.Value("null"), Omitted: 1}, nil
}

// listOf is where the list of a value is; false for a value without, and for one with
// several, of which none is the list.
func listOf(value jsontext.Value) (list mcp.Span, ok bool, err error) {
	switch value.Kind() {
	case '[':
		return mcp.Span{End: len(value)}, true, nil
	case '{':
	default:
		return list, false, nil
	}
	count := 0
	err = mcp.EachMember(value, func(m mcp.Member) error {
		if value[m.Value.Start] == '[' {
			list = m.Value
			count++
		}
		return nil
	})
	if count != 1 {
		return mcp.Span{}, false, err
	}
	return list, true, err
}

// cutList takes items from one on, as long as there is room.
func cutList(value jsontext.Value, list mcp.Span, from int, b Budget) (Page, error) {
	p := Page{}
	out, taken, full := []byte{'['}, 0, false
	err := mcp.EachElement(value[list.Start:list.End], func(item jsontext.Value) error {
		i := p.Total
		p.Total++
		alone := len(item) + len("[]")
		switch {
		case i < from:
			p.Next = p.Total
		case full || b.Items > 0 && taken == b.Items:
			full = true
		case alone > b.Bytes:
			p.Omitted++
			taken++
			p.Next = p.Total
		case len(out)+len(item)+len(",]") > b.Bytes && len(out) > 1:
			full = true
		default:
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, item...)
			taken++
			p.Next = p.Total
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	p.Value = mcp.Splice(value, mcp.Edit{Span: list, Text: append(out, ']')})
	return p, nil
}

// cutMembers leaves out whole members of an object, the largest first, until it is
// small enough.
func cutMembers(value jsontext.Value, limit int) (Page, error) {
	members, err := mcp.Members(value)
	if err != nil {
		return Page{}, err
	}
	size := func(m mcp.Member) int { return m.Whole.End - m.Whole.Start }
	bySize := slices.Clone(members)
	slices.SortStableFunc(bySize, func(a, b mcp.Member) int { return size(b) - size(a) })
	p, left, gone := Page{}, len(value), map[string]bool{}
	for _, m := range bySize {
		if left <= limit {
			break
		}
		left -= size(m) + len(",")
		gone[m.Name] = true
		p.Members = append(p.Members, m.Name)
	}
	out := []byte{'{'}
	for _, m := range members {
		if gone[m.Name] {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, value[m.Whole.Start:m.Whole.End]...)
	}
	p.Value = append(out, '}')
	return p, nil
}
