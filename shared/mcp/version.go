package mcp

// Version is a revision of the protocol, named by its date. Versions compare as
// strings.
type Version string

const (
	// V20241105 is that of the transport HTTP+SSE. No request is served in it but
	// initialize over that transport: its results are those of 2025-03-26.
	V20241105 Version = "2024-11-05"
	V20250326 Version = "2025-03-26"
	V20250618 Version = "2025-06-18"
	V20251125 Version = "2025-11-25"
	V20260728 Version = "2026-07-28"
)

// Latest and LatestLegacy are the newest revisions of each era.
const (
	Latest       = V20260728
	LatestLegacy = V20251125
)

// Versions are the revisions served, newest first.
var Versions = []Version{V20260728, V20251125, V20250618, V20250326}

// Modern reports whether v is of the stateless era, which began with 2026-07-28.
func (v Version) Modern() bool { return v >= V20260728 }

// Supported reports whether v is one of [Versions].
func (v Version) Supported() bool {
	switch v {
	case V20250326, V20250618, V20251125, V20260728:
		return true
	}
	return false
}
