package registry

import (
	"cmp"
	"strings"

	"toolgate/shared/pattern"
)

// semantic is a version as Semantic Versioning 2.0.0 has it. The build, after "+", does
// not order versions.
var semantic = pattern.Lazy(`^v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

// compareVersions orders versions. One that is not semantic is older than any that is,
// and such are compared as text.
func compareVersions(a, b string) int {
	left, right := semantic().FindStringSubmatch(a), semantic().FindStringSubmatch(b)
	switch {
	case left == nil && right == nil:
		return strings.Compare(a, b)
	case left == nil:
		return -1
	case right == nil:
		return 1
	}
	for i := 1; i <= 3; i++ {
		if c := compareNumbers(left[i], right[i]); c != 0 {
			return c
		}
	}
	return cmp.Or(comparePrereleases(left[4], right[4]), strings.Compare(a, b))
}

// compareNumbers compares numbers without leading zeros, of any length; none is 0.
func compareNumbers(a, b string) int {
	a, b = cmp.Or(a, "0"), cmp.Or(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// comparePrereleases follows section 11 of Semantic Versioning: a release is newer than
// what comes before it.
func comparePrereleases(a, b string) int {
	if a == "" || b == "" {
		return strings.Compare(b, a)
	}
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(left), len(right)) {
		l, r := left[i], right[i]
		c := strings.Compare(l, r)
		switch numeric, other := isNumber(l), isNumber(r); {
		case numeric && other:
			c = compareNumbers(strings.TrimLeft(l, "0"), strings.TrimLeft(r, "0"))
		case numeric:
			c = -1
		case other:
			c = 1
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(left), len(right))
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
