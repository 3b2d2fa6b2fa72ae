package importer

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/secret"
)

// draft is a gateway while it is drafted.
type draft struct {
	vault   string
	files   map[string][]byte
	remarks []Remark

	name, title, policy                               string
	namedValues, certificates, schemas                object
	backends, apis, servers, products                 object
	backendNames, apiNames, serverNames, productNames names
	taken                                             map[string]bool // places of secrets, named values of the source, and paths of files in lower case
}

func newDraft(vault string) *draft {
	return &draft{
		vault: vault, files: map[string][]byte{}, taken: map[string]bool{},
		backendNames: names{}, apiNames: names{}, serverNames: names{}, productNames: names{},
	}
}

// remark notes something to know. It is one line, whatever stands in names.
func (d *draft) remark(place, format string, args ...any) {
	d.remarks = append(d.remarks, Remark{lineBreaks.Replace(place), lineBreaks.Replace(fmt.Sprintf(format, args...))})
}

var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// yaml is the content of gateway.yaml.
func (d *draft) yaml() []byte {
	var w yamlWriter
	top := object{}.with("name", d.name)
	if d.title != d.name {
		top = top.with("title", literal(d.title))
	}
	w.members(top.with("policy", d.policy), 0)
	for _, section := range []field{
		{"namedValues", d.namedValues}, {"certificates", d.certificates}, {"schemas", d.schemas},
		{"backends", d.backends}, {"apis", d.apis}, {"servers", d.servers}, {"products", d.products},
	} {
		if o, _ := section.value.(object); len(o) > 0 {
			w.WriteString("\n")
			w.members(object{section}, 0)
		}
	}
	return []byte(w.String())
}

// names are names that are taken, of one kind.
type names map[string]bool

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// maxName bounds names of gateway.yaml.
const maxName = 63

// slug is a text as a name of gateway.yaml: lower-case letters, digits and "-".
func slug(text string) string {
	s := strings.Trim(notName.ReplaceAllString(strings.ToLower(text), "-"), "-")
	return cmp.Or(strings.Trim(s[:min(len(s), maxName)], "-"), "unnamed")
}

// take returns a name that is not taken, as near as possible to what is wanted.
func (n names) take(want string) string {
	base := slug(want)
	name := base
	for i := 2; n[name]; i++ {
		suffix := "-" + strconv.Itoa(i)
		name = strings.TrimRight(base[:min(len(base), maxName-len(suffix))], "-") + suffix
	}
	n[name] = true
	return name
}

// server returns a name for a server.
func (d *draft) server(want string) string {
	if config.ReservedServer(slug(want)) {
		want = slug(want) + "-mcp"
	}
	return d.serverNames.take(want)
}

// named tells whether a named value is declared.
func (d *draft) named(name string) bool {
	for _, f := range d.namedValues {
		if f.key == name {
			return true
		}
	}
	return false
}

var notValueName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// secret declares a named value for a secret, unless it is declared, and returns
// the reference to it. How says where the secret comes from.
func (d *draft) secret(name, place, how string) string {
	name = notValueName.ReplaceAllString(name, "-")
	reference := "{{" + name + "}}"
	if d.named(name) {
		return reference
	}
	at := d.whereabouts(name)
	d.namedValues = append(d.namedValues, field{name, inline{{"secret", at}}})
	d.remark(place, "the named value %s is a secret at %s: put it there: %s", name, at, how)
	return reference
}

var notSecretName = regexp.MustCompile(`[^0-9A-Za-z-]+`)

// whereabouts is where the secret of a name is to be.
func (d *draft) whereabouts(name string) string {
	if d.vault != "" {
		in := strings.Trim(notSecretName.ReplaceAllString(name, "-"), "-")
		at := d.free(secret.KeyVault+":"+d.vault+"/secrets/"+cmp.Or(in[:min(len(in), 120)], "secret"), "-")
		if _, err := secret.Parse(at); err == nil {
			return at
		}
	}
	return d.free(secret.Environment+":"+variableOf(name), "_")
}

// free is a text that is not taken yet: with a number behind it, where it is.
func (d *draft) free(text, separator string) string {
	one := text
	for i := 2; d.taken[strings.ToLower(one)]; i++ {
		one = text + separator + strconv.Itoa(i)
	}
	d.taken[strings.ToLower(one)] = true
	return one
}

var notVariable = regexp.MustCompile(`[^A-Z0-9]+`)

// variableOf is a name as that of an environment variable.
func variableOf(name string) string {
	v := strings.Trim(notVariable.ReplaceAllString(strings.ToUpper(name), "_"), "_")
	if v == "" || v[0] >= '0' && v[0] <= '9' {
		v = "SECRET_" + v
	}
	return v
}

var notFile = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// write adds a file to the folder, whose name is made of parts, and returns its
// path.
func (d *draft) write(content []byte, extension string, parts ...string) string {
	for i, p := range parts {
		parts[i] = cmp.Or(strings.Trim(notFile.ReplaceAllString(p, "-"), "-."), "unnamed")
	}
	path := d.free(strings.Join(parts, "/"), "-") + extension
	d.files[path] = content
	return path
}
