package plan

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// leaf is one setting: what it is compared by, and what is shown of it.
type leaf struct{ value, shown string }

// notShown stands for a value that may be a secret.
const notShown = "(not shown)"

// flat has the settings of a value by their paths, but for those left out at the top.
// What a snapshot does not have because nothing was said has no path either.
func flat(v any, without ...string) map[string]leaf {
	content, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return map[string]leaf{"": {err.Error(), "cannot be compared: " + err.Error()}}
	}
	var tree any
	if err := json.Unmarshal(content, &tree); err != nil {
		return map[string]leaf{"": {err.Error(), "cannot be compared: " + err.Error()}}
	}
	if m, ok := tree.(map[string]any); ok {
		for _, name := range without {
			delete(m, name)
		}
	}
	leaves := map[string]leaf{}
	flatten(leaves, "", tree)
	return leaves
}

func flatten(into map[string]leaf, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, text := v["parts"]; text && len(v) == 1 {
			into[path] = leaf{written(v), notShown}
			return
		}
		for name, member := range v {
			switch strings.ToLower(name) {
			case "at": // the place in the file
			case "credentials":
				into[join(path, name)] = leaf{written(member), kindsOf(member)}
			default:
				flatten(into, join(path, name), member)
			}
		}
	case []any:
		flattenList(into, path, v)
	case string:
		into[path] = leaf{v, shortened(withoutSecrets(v))}
	default:
		into[path] = leaf{written(v), written(v)}
	}
}

// flattenList names the objects of a list by what they call themselves. A list of
// texts or numbers is one setting.
func flattenList(into map[string]leaf, path string, list []any) {
	var texts []string
	for i, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			shown := written(item)
			if s, isText := item.(string); isText {
				shown = withoutSecrets(s)
			}
			texts = append(texts, shown)
			continue
		}
		name := fmt.Sprint(i + 1)
		for _, key := range []string{"name", "id", "provider", "backend", "pattern"} {
			if s, ok := m[key].(string); ok && s != "" {
				name = s
				break
			}
		}
		flatten(into, path+"["+name+"]", item)
	}
	if texts != nil {
		into[path] = leaf{written(list), shortened(strings.Join(texts, ", "))}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func written(v any) string {
	content, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// kindsOf are the kinds of credentials, with the names of headers and parameters.
func kindsOf(credentials any) string {
	m, ok := credentials.(map[string]any)
	if !ok {
		return notShown
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		list, ok := m[kind].([]any)
		if !ok {
			kinds = append(kinds, kind)
		}
		for _, item := range list {
			if one, ok := item.(map[string]any); ok {
				kinds = append(kinds, fmt.Sprintf("%s %v", kind, one["name"]))
			}
		}
	}
	if kinds == nil {
		return "none"
	}
	return strings.Join(kinds, ", ")
}

// withoutSecrets takes out of a URL what may be a password or a key: the user and the
// values of the query.
func withoutSecrets(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	if u.User != nil {
		u.User = url.User("…")
	}
	if u.RawQuery != "" {
		var names []string
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			name, _, _ := strings.Cut(pair, "=")
			names = append(names, name+"=…")
		}
		u.RawQuery = ""
		return u.String() + "?" + strings.Join(names, "&")
	}
	return u.String()
}

// maxShown bounds a value in a plan, in characters.
const maxShown = 100

func shortened(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if letters := []rune(s); len(letters) > maxShown {
		return string(letters[:maxShown]) + "…"
	}
	return s
}

// differences are the settings that differ, a line each.
func differences(before, after map[string]leaf) []string {
	var list []string
	for _, path := range unionOf(before, after) {
		a, hadIt := before[path]
		b, hasIt := after[path]
		switch {
		case hadIt && hasIt && a.value == b.value:
		case hadIt && hasIt && a.shown == b.shown:
			list = append(list, fmt.Sprintf("%s: another value, %s", path, b.shown))
		case hadIt && hasIt:
			list = append(list, fmt.Sprintf("%s: %s → %s", path, a.shown, b.shown))
		case hadIt:
			list = append(list, fmt.Sprintf("%s: %s → not given", path, a.shown))
		default:
			list = append(list, fmt.Sprintf("%s: not given → %s", path, b.shown))
		}
	}
	return list
}

// unionOf are the names of both, in order.
func unionOf[T any](a, b map[string]T) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
