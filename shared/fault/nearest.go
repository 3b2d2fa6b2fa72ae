package fault

import "strings"

// Nearest returns the candidate that name was probably meant to be, or "" when
// none is close. Letter case, "-" and "_" weigh nothing, so that public_url
// finds publicUrl; otherwise one edit is allowed for every three letters.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", 0
	folded := fold(name)
	for _, candidate := range candidates {
		want := fold(candidate)
		allowed := min(max(1, len(want)/3), len(want)-1)
		if max(len(folded)-len(want), len(want)-len(folded)) > allowed {
			continue // as many edits at least; and the name may be very long
		}
		distance := editDistance(folded, want)
		if distance > allowed {
			continue
		}
		if best == "" || distance < bestDistance {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

var joined = strings.NewReplacer("-", "", "_", "")

func fold(name string) string { return strings.ToLower(joined.Replace(name)) }

// editDistance counts the insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment) that turn a into b, in bytes.
func editDistance(a, b string) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}

// Suggest is the fix for a name that is not one of candidates; without says what
// to do where there are no candidates.
func Suggest(name string, candidates []string, without string) string {
	if near := Nearest(name, candidates); near != "" {
		return `did you mean "` + near + `"?`
	}
	const most = 20 // a longer list would hide the message
	switch {
	case len(candidates) == 0:
		return without
	case len(candidates) > most:
		return "use one that is known, such as " + strings.Join(candidates[:most], ", ")
	}
	return "use " + Alternatives(candidates)
}

// Alternatives is a list in words: a, b or c.
func Alternatives(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
