package config

import (
	"path/filepath"
	"strings"

	"toolgate/shared/fault"
)

// Shadow is a candidate, another configuration, that is run beside this one without
// effect.
type Shadow struct {
	// Folder is that of the candidate, as faults of it name their files.
	Folder string
	// Sample is the share of calls that are run through the candidate, from 0 to 1.
	Sample float64
	// Config is what the folder has; nil where it cannot be decoded.
	Config *Config
}

// shadowSample applies where the file does not say.
const shadowSample = 0.1

var shadowKeys = vocabulary[Shadow]{kind: "shadow", keys: []key[Shadow]{
	{name: "folder", required: true, decode: func(d *decoder, v value, s *Shadow) {
		s.Folder = d.folder(v)
	}},
	{name: "sample", decode: func(d *decoder, v value, s *Shadow) { d.ratio(v, &s.Sample) }},
}}

// shadow decodes the candidate's place; nil where there is no such folder.
func (d *decoder) shadow(v value) *Shadow {
	s := Shadow{Sample: shadowSample}
	decodeMapping(d, v, shadowKeys, &s)
	if s.Folder == "" {
		return nil
	}
	return &s
}

// folder is the path of a folder, as it is written; empty for one that is not there.
func (d *decoder) folder(v value) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	info, err := d.disk.Stat(join(d.dir, s))
	if err != nil || !info.IsDir() {
		d.fault(v.at, "name the folder of another gateway.yaml, relative to this one", "%s is %s, which is no folder", v.what, quote(s))
		return ""
	}
	return s
}

func join(dir, name string) string {
	if name = filepath.FromSlash(name); filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// LoadCandidate reads the candidate of a configuration whose folder is known, and
// returns its faults. What the candidate has beside itself does not count.
func (c *Config) LoadCandidate(env func(string) (string, bool)) fault.Faults {
	s := c.Shadow
	if s == nil {
		return nil
	}
	found, faults := loadAlone(join(c.Dir, s.Folder), env)
	if found != nil {
		found.Shadow = nil
		c.Files = append(c.Files, found.Files...)
	}
	s.Config = found
	return s.Place(faults)
}

// Place has faults of the candidate name their files as seen from the folder of the
// configuration beside which it runs.
func (s *Shadow) Place(faults fault.Faults) fault.Faults {
	made := make(fault.Faults, 0, len(faults))
	for _, f := range faults {
		if f.File != "" && !filepath.IsAbs(f.File) && !strings.Contains(f.File, "://") {
			f.File = filepath.ToSlash(filepath.Join(s.Folder, f.File))
		}
		made = append(made, f)
	}
	return made
}
