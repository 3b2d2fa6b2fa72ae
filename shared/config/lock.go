package config

import (
	"errors"
	"io/fs"
	"path/filepath"

	"toolgate/shared/fault"
)

// toolsLock is the name of the file that has the reviewed tools of upstreams.
const toolsLock = "tools.lock"

// Lock says how the tools of an upstream are held to tools.lock. A server that has
// it must be in the file.
type Lock struct {
	// AllowNew lets tools pass that the file does not have. Otherwise they are held
	// back, as those are that have changed.
	AllowNew bool           `json:"allowNew,omitzero"`
	At       fault.Position `json:"-"`
}

// ToolLimits bound what the tools of one upstream give models to read.
type ToolLimits struct {
	Description int `json:"description"` // characters of a title or description, which is cut; default 16384
	SchemaBytes int `json:"schemaBytes"` // of each schema of a tool, which is held back; default 128 KiB
	Tools       int `json:"tools"`       // those that follow are held back; default 512
}

const (
	defaultToolDescription = 16 << 10
	defaultToolSchema      = 128 << 10
	defaultTools           = 512

	minToolDescription = 64
	maxToolDescription = 1 << 20
	minToolSchema      = 256
	maxToolSchema      = 4 << 20
	maxTools           = 10_000
)

// newToolChoices are the values of "newTools", the default first.
var newToolChoices = []string{"hold", "allow"}

var lockKeys = vocabulary[Lock]{kind: "lock", keys: []key[Lock]{
	{name: "newTools", decode: func(d *decoder, v value, l *Lock) { l.AllowNew = d.oneOf(v, newToolChoices...) == "allow" }},
}}

var toolLimitsKeys = vocabulary[ToolLimits]{kind: "toolLimits", keys: []key[ToolLimits]{
	{name: "description", decode: func(d *decoder, v value, l *ToolLimits) {
		d.integer(v, minToolDescription, maxToolDescription, &l.Description)
	}},
	{name: "schemaBytes", decode: func(d *decoder, v value, l *ToolLimits) { d.size(v, minToolSchema, maxToolSchema, &l.SchemaBytes) }},
	{name: "tools", decode: func(d *decoder, v value, l *ToolLimits) { d.integer(v, 1, maxTools, &l.Tools) }},
}}

func (d *decoder) lock(v value) *Lock {
	l := &Lock{At: v.key}
	decodeMapping(d, v, lockKeys, l)
	return l
}

// findToolsLock is the path of tools.lock; empty where the folder has none. One
// that cannot be looked at is there, for whoever reads it to report.
func (d *decoder) findToolsLock() string {
	path := filepath.Join(d.dir, toolsLock)
	if _, err := d.disk.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}
