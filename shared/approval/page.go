package approval

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

// Path is the path of the page, below the gateway's URL.
const Path = "/approvals"

const (
	parameter = "ticket" // of the page's URL
	maxLink   = 16 << 10 // of a ticket, in bytes
	maxForm   = 4 << 10  // of the answer, in bytes
)

// linked is what a link carries.
type linked struct {
	Ticket   Ticket   `json:"ticket"`
	Question Question `json:"question"`
}

// Link is where a person decides, below the URL of the gateway. Whoever has the
// link may decide, once.
func (d *Desk) Link(t Ticket, q Question) (string, error) {
	text, err := json.Marshal(linked{t, q})
	if err != nil {
		return "", fmt.Errorf("making a link: %w", err)
	}
	return Path + "?" + parameter + "=" + d.links.Seal(text, nil), nil
}

// refusal is what a person is told, and with which status.
type refusal struct {
	status int
	text   string
	cause  error // for the log; may be nil
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.cause }

var (
	errLink      = &refusal{http.StatusForbidden, "This link is not valid, or not any more. Let the tool be called again to get a new one.", nil}
	errDecided   = &refusal{http.StatusConflict, "A decision was made with this link already.", nil}
	errElsewhere = &refusal{http.StatusForbidden, "The answer was sent by another site. Open the link yourself.", nil}
	errAnswer    = &refusal{http.StatusBadRequest, "The answer could not be read. Open the link again.", nil}
)

// Outcome is what a person decided on the page, for the log.
type Outcome struct {
	Server, Tool string
	Decided      bool // otherwise the page was only shown
	Approved     bool
}

// crossOrigin refuses the forms of other sites.
var crossOrigin = http.NewCrossOriginProtection()

// Serve serves the page: GET shows the question, and POST takes the answer. The
// error is for the log; the person was told.
func (d *Desk) Serve(w http.ResponseWriter, r *http.Request) (Outcome, error) {
	var o Outcome
	l, err := d.open(r.URL.Query()[parameter])
	if err == nil {
		o.Server, o.Tool = l.Question.Server, l.Question.Tool
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show(w, http.StatusOK, pages.ask, shown{
				Question: l.Question, Action: "?" + url.Values{parameter: {r.URL.Query().Get(parameter)}}.Encode(), // whatever stands before it
				Expires: l.Ticket.Expires.Truncate(time.Second), Minutes: int(l.Ticket.Expires.Sub(d.now()).Minutes()),
			})
			return o, nil
		case http.MethodPost:
			o.Approved, err = d.answer(w, r, l)
			o.Decided = err == nil
		default:
			w.Header().Set("Allow", "GET, POST")
			err = &refusal{http.StatusMethodNotAllowed, "This page takes GET and POST.", nil}
		}
	}
	if err == nil {
		show(w, http.StatusOK, pages.done, o)
		return o, nil
	}
	told, ok := errors.AsType[*refusal](err)
	if !ok {
		told = &refusal{http.StatusServiceUnavailable, "The decision could not be kept, so nothing is called. Let the tool be called again to get a new link.", err}
	}
	show(w, told.status, pages.failed, told.text)
	return o, err
}

// open reads the link of a request, of which there is one.
func (d *Desk) open(values []string) (*linked, error) {
	if len(values) != 1 || len(values[0]) > maxLink {
		return nil, errLink
	}
	var l linked
	plain, err := d.links.Open(values[0], nil)
	if err != nil || json.Unmarshal(plain, &l) != nil || !l.Ticket.Expires.After(d.now()) {
		return nil, errLink
	}
	return &l, nil
}

// answer keeps what a person decided.
func (d *Desk) answer(w http.ResponseWriter, r *http.Request, l *linked) (approved bool, err error) {
	if crossOrigin.Check(r) != nil {
		return false, errElsewhere
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil || len(r.PostForm["decision"]) != 1 {
		return false, errAnswer
	}
	switch r.PostForm.Get("decision") {
	case "approve":
		approved = true
	case "refuse":
	default:
		return false, errAnswer
	}
	err = d.decide(r.Context(), Decision{Ticket: l.Ticket, Approved: approved})
	if errors.Is(err, ErrUsed) {
		return false, errDecided
	}
	return approved, err
}

// shown is what the page shows.
type shown struct {
	Question
	Action  string
	Expires time.Time
	Minutes int
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.4rem;overflow-wrap:anywhere}code{overflow-wrap:anywhere;background:#f2f2f2;padding:.1rem .3rem}
dt{font-weight:600;overflow-wrap:anywhere}dd{margin:0 0 .5rem 1rem}
.note{border-left:4px solid #b35c00;padding:.1rem 0 .1rem 1rem}
button{font:inherit;padding:.5rem 1.5rem;margin-right:1rem;border:1px solid #555;border-radius:4px;background:#fff;color:#1b1b1b}
button:focus-visible{outline:3px solid #0b5cad;outline-offset:2px}
@media(prefers-color-scheme:dark){body,button{background:#1b1b1b;color:#eee}code{background:#333}}`

const head = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><style>` + style + `</style>`

// pages are the pages, whose values the template escapes by where they stand.
var pages = struct{ ask, done, failed *template.Template }{
	ask: template.Must(template.New("ask").Parse(head + `<title>Approve a call?</title></head><body><main>
<h1>{{.Message}}</h1>
<dl><dt>Server</dt><dd><code>{{.Server}}</code></dd><dt>Tool</dt><dd><code>{{.Tool}}</code></dd></dl>
{{if .Arguments}}<h2>Arguments</h2><dl>{{range .Arguments}}<dt>{{.Name}}</dt><dd><code>{{.Value}}</code></dd>{{end}}</dl>
{{if .More}}<p class="note">{{.More}} more arguments are not shown.</p>{{end}}{{else}}<p>It is called without arguments.</p>{{end}}
<p>The link is good for one decision, until <time datetime="{{.Expires.Format "2006-01-02T15:04:05Z07:00"}}">{{.Expires.Format "15:04:05"}} UTC</time>{{if .Minutes}}, for {{.Minutes}} more minutes{{end}}.</p>
<p class="note">Approve this only if you know who has this tool called, and why.</p>
<form method="post" action="{{.Action}}"><button name="decision" value="approve">Approve</button><button name="decision" value="refuse">Refuse</button></form>
</main></body></html>
`)),
	done: template.Must(template.New("done").Parse(head + `<title>Decided</title></head><body><main>
<h1>{{if .Approved}}Approved{{else}}Refused{{end}}</h1>
<p>{{if .Approved}}The tool <code>{{.Tool}}</code> of <code>{{.Server}}</code> can now be called once, as it was shown. Return to the application and let it go on.{{else}}The tool <code>{{.Tool}}</code> of <code>{{.Server}}</code> is not called.{{end}} You can close this page.</p>
</main></body></html>
`)),
	failed: template.Must(template.New("failed").Parse(head + `<title>No decision was made</title></head><body><main>
<h1>No decision was made</h1><p>{{.}}</p>
</main></body></html>
`)),
}

// contentPolicy is what a page may do: look like this, and send its form to us.
var contentPolicy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// show sends a page.
func show(w http.ResponseWriter, status int, page *template.Template, content any) {
	var text bytes.Buffer
	if err := page.Execute(&text, content); err != nil { // cannot be: it is tested with all there is
		status = http.StatusInternalServerError
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // the link is a secret
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the browser may have gone
}
