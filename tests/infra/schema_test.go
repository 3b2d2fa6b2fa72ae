package infra_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema is what one property may be.
type schema struct {
	kind     string // string, int, bool, any, object, map, list
	values   []string
	required bool
	readOnly bool
	of       *schema // of a map or list
	// properties are those of an object.
	properties map[string]*schema
}

// resourceTypes is the allow-list: type@version, and where one type has several
// forms a space and the name, such as "Microsoft.Web/sites/config@2024-11-01 appsettings".
type resourceTypes map[string]*schema

// parseSchemas reads testdata/resources.txt, which says how.
func parseSchemas(source string) (resourceTypes, error) {
	types := resourceTypes{}
	var open []*schema // by depth, the type itself first
	for i, line := range strings.Split(source, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		text := strings.TrimLeft(line, " ")
		depth := (len(line) - len(text)) / 2
		if depth == 0 {
			s := &schema{kind: "object", properties: map[string]*schema{}}
			types[text] = s
			open = []*schema{s}
			continue
		}
		if depth > len(open) {
			return nil, fmt.Errorf("line %d: %q is below nothing", i+1, text)
		}
		open = open[:depth]
		in := open[depth-1]
		if in.kind == "list" {
			in = in.of
		}
		if in == nil || in.kind != "object" {
			return nil, fmt.Errorf("line %d: %q is below what is no object", i+1, text)
		}
		name, kind, _ := strings.Cut(text, " ")
		s := parseKind(kind)
		name, s.required = strings.CutSuffix(name, "!")
		in.properties[name] = s
		open = append(open, s)
	}
	return types, nil
}

func parseKind(text string) *schema {
	s := &schema{}
	text, s.readOnly = strings.CutPrefix(text, "read")
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "[]"):
		s.kind, s.of = "list", parseKind(strings.TrimSpace(text[2:]))
	case strings.HasPrefix(text, "map "):
		s.kind, s.of = "map", parseKind(text[4:])
	case strings.HasPrefix(text, "'"):
		s.kind = "string"
		for v := range strings.SplitSeq(text, "|") {
			s.values = append(s.values, strings.Trim(v, "'"))
		}
	case text == "":
		s.kind, s.properties = "object", map[string]*schema{}
	default:
		s.kind = text
	}
	return s
}

// names are those of the properties, sorted.
func (s *schema) names() []string { return slices.Sorted(maps.Keys(s.properties)) }

// versions lists the API versions that are allowed of a type.
func (r resourceTypes) versions(name string) []string {
	var list []string
	for known := range r {
		known, _, _ = strings.Cut(known, " ")
		if of, version, _ := strings.Cut(known, "@"); of == name {
			list = append(list, version)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// types lists the names of types.
func (r resourceTypes) types() []string {
	var list []string
	for known := range r {
		of, _, _ := strings.Cut(known, "@")
		list = append(list, of)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// find is the schema of a resource: that of its type and version, or of these and its name.
func (r resourceTypes) find(typeAndVersion string, name *expression) *schema {
	if s := r[typeAndVersion]; s != nil {
		return s
	}
	if name != nil && name.form == textForm && len(name.args) == 0 {
		return r[typeAndVersion+" "+name.text]
	}
	return nil
}

// function is what is known of a function of Bicep.
type function struct {
	least, most int // arguments; most below 0 for any number
	returns     string
	members     []string // of what it returns, with dots; nil for any
}

var functions = map[string]function{
	"cidrSubnet":             {3, 3, "string", nil},
	"concat":                 {1, -1, "array", nil},
	"empty":                  {1, 1, "bool", nil},
	"environment":            {0, 0, "object", []string{"suffixes.storage", "suffixes.keyvaultDns", "authentication.loginEndpoint"}},
	"guid":                   {1, -1, "string", nil},
	"last":                   {1, 1, "any", nil},
	"listCallbackUrl":        {2, 3, "any", nil},
	"listKeys":               {2, 3, "any", nil},
	"loadTextContent":        {1, 2, "string", nil},
	"map":                    {2, 2, "array", nil},
	"replace":                {3, 3, "string", nil},
	"resourceGroup":          {0, 2, "object", []string{"id", "name", "location"}},
	"split":                  {2, 2, "array", nil},
	"subscription":           {0, 1, "object", []string{"id", "subscriptionId", "tenantId", "displayName"}},
	"subscriptionResourceId": {2, -1, "string", nil},
	"take":                   {2, 2, "any", nil},
	"tenant":                 {0, 0, "object", []string{"tenantId"}},
	"toLower":                {1, 1, "string", nil},
	"toObject":               {2, 3, "object", nil},
	"trim":                   {1, 1, "string", nil},
	"union":                  {2, -1, "any", nil},
	"uniqueString":           {1, -1, "string", nil},
}

// decorators are those of Bicep, and on what they may stand.
var decorators = map[string][]string{
	"allowed":     {"param"},
	"batchSize":   {"resource", "module"},
	"description": {"param", "var", "output", "resource", "module"},
	"export":      {"var"},
	"maxLength":   {"param", "output"},
	"maxValue":    {"param", "output"},
	"metadata":    {"param", "output"},
	"minLength":   {"param", "output"},
	"minValue":    {"param", "output"},
	"secure":      {"param", "output"},
}

// roles are the built-in roles that the modules may assign, by their ids: what the
// gateway and who deploys it need, and no more.
var roles = map[string]string{
	"b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
	"0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
	"4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
	"b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
	"3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
