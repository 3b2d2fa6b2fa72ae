package openapi

import "strings"

// URLTemplate is the path of an operation with its required query parameters, as
// API Management writes it when it imports the operation: /orders?state={state}.
// A parameter that shares its name with one of the path stays out, since names
// in a template are unique, and so does one whose name a template cannot write.
func (d *Document) URLTemplate(o *Operation) string {
	c := &conversion{document: d, operation: o, options: &ToolOptions{}}
	taken := map[string]bool{}
	for _, name := range placeholdersOf(o.Path) {
		taken[strings.ToLower(strings.TrimRight(strings.TrimLeft(name, "*"), "+*"))] = true
	}
	var template strings.Builder
	template.WriteString(o.Path)
	separator := byte('?')
	if strings.Contains(o.Path, "?") {
		separator = '&'
	}
	for _, p := range c.declaredParameters() {
		key := strings.ToLower(p.name)
		if p.in != string(InQuery) || !p.node.flag("required") || taken[key] ||
			p.node.str("style") == styleDeepObject || strings.ContainsAny(p.name, "&=?#{}+% ") {
			continue
		}
		taken[key] = true
		template.WriteByte(separator)
		template.WriteString(p.name + "={" + p.name + "}")
		separator = '&'
	}
	return template.String()
}
