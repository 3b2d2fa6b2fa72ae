package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// isExtract tells whether a folder is an extract of APIOps, rather than one of
// saved replies.
func isExtract(folder fs.FS) bool {
	if _, err := fs.Stat(folder, "resource.json"); err == nil {
		return false
	}
	entries, err := fs.ReadDir(folder, ".")
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() && extractFolders[e.Name()] != "" || e.Name() == "policy.xml"
	})
}

// extractFolders are the folders of an extract and what Azure Resource Manager
// calls what is in them. The APIOps toolkit writes names with blanks, and
// apiops-cli without.
var extractFolders = map[string]string{
	"apis": "apis", "backends": "backends", "products": "products", "certificates": "certificates", "schemas": "schemas",
	"subscriptions": "subscriptions", "groups": "groups",
	"named values": "namedValues", "namedValues": "namedValues",
	"policy fragments": "policyFragments", "policyFragments": "policyFragments",
	"version sets": "apiVersionSets", "versionSets": "apiVersionSets",
	"loggers": "loggers", "diagnostics": "diagnostics", "gateways": "gateways", "tags": "tags", "workspaces": "workspaces",
	"policyRestrictions": "policyRestrictions", "policy restrictions": "policyRestrictions", "documentations": "documentations",
}

// extract is an extract while it is read.
type extract struct {
	fs.FS
	draft *draft
	err   error // the first
}

// extract reads an extract of APIOps.
func (r *reader) extract(folder fs.FS) (*service, error) {
	x := &extract{FS: folder, draft: r.draft}
	s := &service{name: "gateway"}
	x.draft.remark("the extract", "it does not say what the service is called: the name in gateway.yaml is gateway")
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the extract: %w", err)
	}
	// Named values come first: no secret that is found elsewhere may get the name of one.
	values := func(e fs.DirEntry) bool { return extractFolders[e.Name()] == "namedValues" }
	for _, e := range entries {
		if values(e) {
			x.folder(s, e)
		}
	}
	s.policy = x.policy("policy.xml")
	for _, e := range entries {
		if !values(e) {
			x.folder(s, e)
		}
	}
	return s, x.err
}

// folder reads one folder at the top.
func (x *extract) folder(s *service, entry fs.DirEntry) {
	dir := entry.Name()
	kind := extractFolders[dir]
	switch {
	case !entry.IsDir():
		if dir != "policy.xml" && !strings.HasPrefix(dir, ".") {
			x.draft.remark(dir, "it is not looked at: no file of an extract has this name")
		}
	case kind == "":
		if !strings.HasPrefix(dir, ".") {
			x.draft.remark(dir, "it is not looked at: no folder of an extract has this name")
		}
	case kind == "apis":
		for _, name := range x.names(dir) {
			s.apis = append(s.apis, x.api(dir+"/"+name, name))
		}
	case kind == "products":
		for _, name := range x.names(dir) {
			s.products = append(s.products, x.product(dir+"/"+name, name))
		}
	case kind == "policyFragments":
		for _, name := range x.names(dir) {
			s.fragments = append(s.fragments, x.fragment(dir+"/"+name, name))
		}
	case kind == "groups":
		for _, g := range information[groupProperties](x, dir) {
			if g.Properties.Type != "system" && !g.Properties.BuiltIn {
				x.draft.group(g.Name)
			}
		}
	case without[kind] != "":
		for _, name := range x.names(dir) {
			x.draft.remark(placed(strings.TrimSuffix(kind, "s"), name), "%s", without[kind])
		}
	default:
		x.plain(s, kind, dir)
	}
}

// plain reads a folder whose entities are a file each.
func (x *extract) plain(s *service, kind, dir string) {
	switch kind {
	case "namedValues":
		s.namedValues = x.draft.reserve(information[namedValueProperties](x, dir))
	case "backends":
		s.backends = information[backendProperties](x, dir)
	case "certificates":
		s.certificates = information[certificateProperties](x, dir)
	case "schemas":
		s.schemas = information[schemaProperties](x, dir)
	case "apiVersionSets":
		s.versionSets = information[versionSetProperties](x, dir)
	case "subscriptions":
		s.subscriptions = information[subscriptionProperties](x, dir)
	}
}

// names are the folders in a folder; none where it is not there.
func (x *extract) names(dir string) (names []string) {
	entries, err := fs.ReadDir(x, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && x.err == nil {
		x.err = fmt.Errorf("reading %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// file reads a file; nil where it is not there.
func (x *extract) file(name string) []byte {
	content, err := fs.ReadFile(x, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && x.err == nil {
		x.err = fmt.Errorf("reading %s: %w", name, err)
	}
	return withoutMark(content)
}

// policy reads a policy document; empty where there is none.
func (x *extract) policy(name string) string {
	content := x.file(name)
	if len(content) == 0 {
		return ""
	}
	return string(x.draft.withoutSecrets(strings.TrimSuffix(name, "/policy.xml"), content))
}

// information reads the entities of a folder: NAME/…Information.json each.
func information[P any](x *extract, dir string) (list []contract[P]) {
	for _, name := range x.names(dir) {
		list = append(list, entity[P](x, dir+"/"+name, name))
	}
	return list
}

// entity reads the one …Information.json of a folder.
func entity[P any](x *extract, dir, name string) contract[P] {
	c := contract[P]{}
	found, err := fs.Glob(x, escapedGlob(dir)+"/*Information.json")
	if (err != nil || len(found) != 1) && x.err == nil {
		x.err = &ReplyError{dir, fmt.Errorf("there is no …Information.json that says what %s is", name)}
	}
	if x.err != nil {
		return c
	}
	content := x.file(found[0])
	if err := json.Unmarshal(content, &c); err != nil && x.err == nil {
		x.err = &ReplyError{found[0], err}
	}
	c.Name = name
	c.clean(x.draft, dir)
	return c
}

// escapedGlob is a path in which nothing has a meaning for a pattern.
func escapedGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func (x *extract) fragment(dir, name string) contract[policyProperties] {
	c := contract[policyProperties]{Name: name}
	if c.Properties.Value = x.policy(dir + "/policy.xml"); c.Properties.Value == "" {
		c = entity[policyProperties](x, dir, name) // apiops-cli may keep the document there
	}
	return c
}

func (x *extract) api(dir, name string) apiEntity {
	e := apiEntity{contract: entity[apiProperties](x, dir, name), operationPolicies: map[string]string{}}
	if !e.wanted() || x.err != nil {
		return e
	}
	e.policy = x.policy(dir + "/policy.xml")
	for _, extension := range []string{".yaml", ".yml", ".json"} {
		if e.document = x.file(dir + "/specification" + extension); e.document != nil {
			e.extension = extension
			break
		}
	}
	for _, o := range x.names(dir + "/operations") {
		if p := x.policy(dir + "/operations/" + o + "/policy.xml"); p != "" {
			e.operationPolicies[o] = p
		}
	}
	for _, t := range information[mcpToolProperties](x, dir+"/tools") {
		e.addTool(t)
	}
	for _, other := range x.names(dir) {
		if other != "operations" && other != "tools" {
			x.draft.remark(placed("api", name), "%s: %s", other, cmp.Or(apiParts[other], "this is not known here, and was not looked at"))
		}
	}
	return e
}

// apiParts are the folders of an API that have no counterpart.
var apiParts = map[string]string{
	"diagnostics":     without["diagnostics"],
	"tags":            without["tags"],
	"tagDescriptions": without["tags"],
	"releases":        "the current revision is what is imported",
	"schemas":         "they are in the OpenAPI document",
	"resolvers":       "there are no resolvers",
}

func (x *extract) product(dir, name string) productEntity {
	e := productEntity{contract: entity[productProperties](x, dir, name), policy: x.policy(dir + "/policy.xml"), apis: x.names(dir + "/apis")}
	if content := x.file(dir + "/apis.json"); content != nil {
		var listed []jsontext.Value
		if err := json.Unmarshal(content, &listed); err != nil && x.err == nil {
			x.err = &ReplyError{dir + "/apis.json", err}
		}
		for _, v := range listed {
			var one struct {
				Name string `json:"name"`
			}
			if one.Name = textOf(v); one.Name == "" && json.Unmarshal(v, &one) != nil {
				continue
			}
			if one.Name != "" && !slices.Contains(e.apis, one.Name) {
				e.apis = append(e.apis, one.Name)
			}
		}
	}
	return e
}
