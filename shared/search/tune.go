package search

// Tune is temporary.
func Tune() map[string]func(float64) {
	f := func(p *float32) func(float64) { return func(v float64) { *p = float32(v) } }
	m := map[string]func(float64){"otherwise": f(&otherwise), "untold": f(&untold), "faded": f(&faded), "beside": f(&beside), "bySecond": f(&bySecond), "ofPurpose": f(&ofPurpose), "ofGroup": f(&ofGroup), "bySynonym": f(&bySynonym), "byPrefix": f(&byPrefix), "ofVerb": f(&ofVerb), "ofContent": f(&ofContent), "farther": f(&farther)}
	for i, n := range []string{"wName", "wTitle", "wSummary", "wDescription", "wParameters", "wTags"} {
		m[n] = func(v float64) { weights[i] = v }
	}
	for i, n := range []string{"bName", "bTitle", "bSummary", "bDescription", "bParameters", "bTags"} {
		m[n] = func(v float64) { lengths[i] = v }
	}
	m["usual"] = func(v float64) { usual = v }
	return m
}
