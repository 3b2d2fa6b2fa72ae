// Package pattern compiles regular expressions when they are first used. A function
// starts for one call, and most patterns of a program are for none of it: those that
// are compiled as variables cost every cold start their time and memory.
package pattern

import (
	"regexp"
	"sync"
)

// Lazy returns a function that compiles expr on its first call and returns the same
// pattern ever after. It panics there, like [regexp.MustCompile], when expr has a
// fault. It may be called concurrently.
func Lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
