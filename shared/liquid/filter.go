package liquid

import (
	"slices"
	"strings"
)

// filter is a filter of DotLiquid.
type filter struct {
	name        string // in Pascal case
	least, most int    // of arguments
	apply       func(s *state, in any, args []any) (any, *Error)
}

// filters are those that API Management documents and the rest of DotLiquid's,
// by filterKey: a template may write DividedBy, divided_by or dividedby.
var filters = filterTable(textFilters, listFilters, numberFilters)

func filterTable(groups ...[]filter) map[string]*filter {
	table := map[string]*filter{}
	for _, group := range groups {
		for i := range group {
			table[filterKey(group[i].name)] = &group[i]
		}
	}
	return table
}

func filterKey(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func filterNames() []string {
	names := make([]string, 0, len(filters))
	for _, f := range filters {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// onText is a filter of texts without arguments; nil stays nil.
func onText(name string, change func(string) string) filter {
	return filter{name, 0, 0, func(_ *state, in any, _ []any) (any, *Error) {
		if in == nil {
			return nil, nil
		}
		return change(text(in)), nil
	}}
}

// argument is an argument as a text; otherwise where it is missing.
func argument(args []any, i int, otherwise string) string {
	if i >= len(args) || args[i] == nil {
		return otherwise
	}
	return text(args[i])
}

// whole is an argument as an integer.
func whole(args []any, i, otherwise int) (int, *Error) {
	if i >= len(args) || args[i] == nil {
		return otherwise, nil
	}
	n, ok := integer(args[i])
	if !ok {
		return 0, failure("give it a whole number", "%q is not a number", text(args[i]))
	}
	return int(min(max(n, -1<<31), 1<<31)), nil
}
