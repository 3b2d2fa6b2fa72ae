package mcp

// Annotations are a tool's hints about itself (2025-03-26, server/tools); nil
// members are not stated.
type Annotations struct {
	ReadOnly, Destructive, Idempotent, OpenWorld *bool
}
