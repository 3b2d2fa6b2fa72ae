package expr

import (
	"runtime"
	"strings"
	"testing"
)

// A long expression with a mistake in each statement has as many errors as are
// told, and is not compared with every name that there is for the others.
func TestManyMistakes(t *testing.T) {
	for _, statement := range []string{"a;", "string.b;", "c d = 1;", `"".e();`} {
		source := strings.Repeat(statement, 40_000/len(statement))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, errs := Compile(source, Statements, Position{1, 1})
		runtime.ReadMemStats(&after)
		if len(errs) != maxErrors || errs[0].Fix == "" {
			t.Errorf("%s: got %d errors, the first %v", statement, len(errs), errs)
		}
		if allocated := (after.TotalAlloc - before.TotalAlloc) / uint64(len(source)); allocated > 3_000 {
			t.Errorf("%s: got %d bytes of memory for each byte, want 3,000 at most", statement, allocated)
		}
	}
}
