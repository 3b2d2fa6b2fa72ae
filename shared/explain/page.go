package explain

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"

	"toolgate/shared/trace"
)

const style = `:root{color-scheme:light dark;--text:#1b1b1b;--page:#fff;--soft:#5a5a5a;--line:#d9d9d9;--row:#f6f6f6;--gateway:#6b7280;--policy:#0b5cad;--request:#8a4b00;--bad:#b3161b;--good:#176b2c}
@media(prefers-color-scheme:dark){:root{--text:#ececec;--page:#181818;--soft:#adadad;--line:#3c3c3c;--row:#222;--gateway:#9aa3b2;--policy:#6cb0f5;--request:#f0a860;--bad:#ff8a8a;--good:#7ed492}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;padding:0 1.5rem;max-width:100rem;color:var(--text);background:var(--page)}
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.2rem;margin:2rem 0 .2rem}p{margin:.2rem 0}
code,.at{font:13px/1.5 ui-monospace,monospace}.soft{color:var(--soft)}.bad{color:var(--bad)}.good{color:var(--good)}
table{border-collapse:collapse;width:100%;margin-top:1rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th{font-weight:600}tbody tr:hover{background:var(--row)}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.at{white-space:nowrap}.bar{width:18%;min-width:10rem}svg{display:block;width:100%;height:1rem;margin-top:.25rem}
.track{fill:var(--row)}.gateway{fill:var(--gateway)}.policy{fill:var(--policy)}.request{fill:var(--request)}.failed,.refused{fill:var(--bad)}
.key{display:inline-block;width:1rem;margin:0 .4rem 0 1rem;vertical-align:-.1rem}
p>.key:first-child{margin-left:0}ul{margin:.2rem 0;padding-left:1.2rem}li{overflow-wrap:anywhere}summary{cursor:pointer}summary:focus-visible{outline:2px solid var(--policy)}
.d1{padding-left:1.8rem}.d2{padding-left:3rem}.d3{padding-left:4.2rem}.d4{padding-left:5.4rem}.d5{padding-left:6.6rem}.d6{padding-left:7.8rem}`

// policy is what the page may do: look like this.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}()

// page is the page, whose values the template escapes by where they stand.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{{.Policy}}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><style>` + style + `</style><title>{{.Title}}</title></head><body>
<main><h1>{{.Title}}</h1>
<p class="soft"><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="gateway" width="10" height="10"/></svg>the gateway<svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="policy" width="10" height="10"/></svg>a policy<svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="request" width="10" height="10"/></svg>a request to a backend<svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="failed" width="10" height="10"/></svg>failed or refused</p>
{{range .Traces}}<section><h2>{{.Title}}</h2>
<p class="{{.Class}}">{{.Ended}}</p><p class="soft">{{.Began}} · trace <code>{{.ID}}</code>{{if .RequestID}} · request <code>{{.RequestID}}</code>{{end}}</p>
<table><thead><tr><th scope="col">Step</th><th scope="col">Where</th><th scope="col" class="number">Start ms</th><th scope="col" class="number">Time ms</th><th scope="col" class="bar">Timeline</th><th scope="col">Effect</th></tr></thead><tbody>
{{range .Rows}}<tr><td class="{{.Depth}}">{{.Name}}</td><td>{{.Where}}{{if .At}}<br><span class="at soft">{{.At}}</span>{{end}}</td><td class="number">{{.Start}}</td><td class="number">{{.Time}}</td><td class="bar"><svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="1000" height="10"/><rect class="{{.Kind}}" x="{{.X}}" width="{{.Width}}" height="10"/></svg></td><td>{{if .Outcome}}<span class="{{.Tone}}">{{.Outcome}}</span>{{end}}{{if .Few}}<ul>{{range .Few}}<li>{{.}}</li>{{end}}</ul>{{end}}{{if .More}}<details><summary>{{len .More}} more</summary><ul>{{range .More}}<li>{{.}}</li>{{end}}</ul></details>{{end}}</td></tr>
{{end}}</tbody></table>{{if .Omitted}}<p>{{.Omitted}} more steps had no place.</p>{{end}}</section>
{{end}}</main></body></html>
`))

// shownTrace is a trace as the page shows it.
type shownTrace struct {
	Title, Ended, Began, ID, RequestID string
	Class                              string // good or bad
	Rows                               []shownStep
	Omitted                            int
}

// shownStep is a row.
type shownStep struct {
	Name, Where, At, Start, Time string
	Depth, Kind                  string // classes
	X, Width                     string // of 1000
	Outcome, Tone                string
	Few, More                    []string // effects: those that are open, and the others
}

// fewEffects are those that are shown without being asked for.
const fewEffects = 4

// leastWidth keeps a bar to be seen, of 1000.
const leastWidth = 4

// Page writes traces as one page that needs nothing else: no script, and nothing
// from elsewhere.
func Page(w io.Writer, title string, traces []*trace.Trace) error {
	shown := struct {
		Title, Policy string
		Traces        []shownTrace
	}{Title: title, Policy: policy}
	for _, t := range traces {
		shown.Traces = append(shown.Traces, show(t))
	}
	if err := page.Execute(w, shown); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

func show(t *trace.Trace) shownTrace {
	made := shownTrace{Title: title(t), Ended: ended(t), Began: began(t), ID: t.ID, RequestID: t.RequestID, Class: "good", Omitted: t.Omitted}
	if t.Status >= 400 || t.Failed {
		made.Class = "bad"
	}
	for depth, s := range t.All() {
		made.Rows = append(made.Rows, showStep(t, depth, s))
	}
	return made
}

func showStep(t *trace.Trace, depth int, s *trace.Step) shownStep {
	whole := float64(max(t.Duration, 1))
	x := min(1000-leastWidth, 1000*float64(s.Start)/whole)
	length := min(1000-x, max(leastWidth, 1000*float64(s.Duration)/whole))
	one := shownStep{
		Name: name(s), Where: where(s), At: s.At, Start: millis(s.Start), Time: millis(s.Duration), Depth: "d" + strconv.Itoa(min(depth, 6)),
		Kind: string(s.Kind), X: strconv.FormatFloat(x, 'f', 1, 64), Width: strconv.FormatFloat(length, 'f', 1, 64),
		Outcome: outcome(s), Tone: "soft",
	}
	if s.Outcome == trace.Failed || s.Outcome == trace.Refused {
		one.Kind, one.Tone = "failed", "bad"
	}
	one.Few = effects(s)
	if len(one.Few) > fewEffects {
		one.Few, one.More = one.Few[:fewEffects], one.Few[fewEffects:]
	}
	return one
}
