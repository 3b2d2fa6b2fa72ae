package config

import (
	"slices"
	"strings"
)

// ReservedServer tells of names that no server can have, because others answer
// there.
func ReservedServer(name string) bool { return reserved[name] != "" }

// ReservedAPIPath tells of paths that no API can have, because others answer
// there.
func ReservedAPIPath(path string) bool {
	first, _, _ := strings.Cut(strings.ToLower(strings.Trim(path, "/")), "/")
	return slices.Contains(reservedPaths, first)
}
