package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"
)

// localFile returns the path of a file, which is resolved against the folder.
// Kind says in messages what the file holds.
func (d *decoder) localFile(v value, kind string) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	name := filepath.FromSlash(s)
	if !filepath.IsAbs(name) {
		name = filepath.Join(d.dir, name)
	}
	info, err := d.disk.Stat(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		d.fault(v.at, "make it a readable file", "%s is %s, which cannot be read: %v", v.what, quote(s), err)
	case err != nil:
		d.fault(v.at, fmt.Sprintf("write the path relative to the folder of %s", d.file),
			"%s is %s, and there is no such file", v.what, quote(s))
	case !info.Mode().IsRegular():
		d.fault(v.at, "name the "+kind+" itself", "%s is %s, which is not a file", v.what, quote(s))
	}
	d.use(name)
	return name
}

// use notes that the gateway is made of a file, which need not exist yet.
func (d *decoder) use(name string) {
	if !slices.Contains(d.used, name) {
		d.used = append(d.used, name)
	}
}

// fileID is the id of a fragment or a schema. It stands in names of files.
var fileID = pattern.Lazy(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}$`)

const fileIDFix = `use letters, digits, ".", "_" and "-", begin with a letter, a digit or "_", 80 characters at most`

// identified decodes a mapping of ids to files, which kind names in the
// singular.
func (d *decoder) identified(v value, kind string) []File {
	contents := map[string]string{"fragment": "policy fragment", "schema": "JSON Schema"}
	var list []File
	for id, item := range d.entities(v, kind) {
		if !fileID().MatchString(id) {
			d.fault(item.key, fileIDFix, "%s id %s is not valid", kind, quote(id))
		}
		list = append(list, File{ID: id, Path: d.localFile(item, contents[kind])})
	}
	return list
}

// fragmentsFolder has the fragments of a gateway file that does not list them.
const fragmentsFolder = "fragments"

// fragments returns the files of the folder of the fragments, if there is one,
// in the order of their names.
func (d *decoder) fragments() []File {
	dir := filepath.Join(d.dir, fragmentsFolder)
	d.use(dir)
	entries, err := d.disk.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.fault(fault.Position{File: fragmentsFolder}, `make it a readable folder, or list the fragments under "fragments"`,
			"the folder of the fragments cannot be read: %v", err)
	}
	var list []File
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".xml")
		if !ok || e.IsDir() || strings.HasPrefix(id, ".") {
			continue
		}
		if !fileID().MatchString(id) {
			at := fault.Position{File: path.Join(fragmentsFolder, e.Name())}
			d.fault(at, "name the file by the id of the fragment: "+fileIDFix, "the fragment id %s is not valid", quote(id))
		}
		list = append(list, File{ID: id, Path: filepath.Join(dir, e.Name())})
		d.use(filepath.Join(dir, e.Name()))
	}
	return list
}
