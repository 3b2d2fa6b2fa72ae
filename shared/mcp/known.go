package mcp

// Known reports whether a method is one of the protocol's, in any revision. The
// methods of extensions are not, but for those of tasks.
func Known(name string) bool { return methods[name] != nil }
