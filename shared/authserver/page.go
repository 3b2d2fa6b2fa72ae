package authserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
)

// consentPage is what the consent page shows.
type consentPage struct {
	Name, Host      string // of the client; either may be empty
	Machine         bool   // it is an application on the user's machine, or says so
	Target          string // where the code will go: a host, or a scheme
	Redirect        string
	Resources       []Resource
	Scopes          []string
	Action, Request string
}

// leavePage sends the browser on.
type leavePage struct{ Target string }

// errorPage says what went wrong.
type errorPage struct {
	Text, Code string
	// Target tells the client, if the user wants that; empty for none.
	Target string
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.4rem}code{overflow-wrap:anywhere;background:#f2f2f2;padding:.1rem .3rem}
.note{border-left:4px solid #b35c00;padding:.1rem 0 .1rem 1rem}
button{font:inherit;padding:.5rem 1.5rem;margin-right:1rem;border:1px solid #555;border-radius:4px;background:#fff;color:#1b1b1b}
button.allow{background:#0b5cad;border-color:#0b5cad;color:#fff}
@media(prefers-color-scheme:dark){body,button{background:#1b1b1b;color:#eee}code{background:#333}}`

const head = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><style>` + style + `</style>`

// pages are the pages, whose values the template escapes by where they stand.
var pages = struct{ consent, leave, failed *template.Template }{
	consent: template.Must(template.New("consent").Parse(head + `<title>Allow access?</title></head><body>
<h1>Allow {{if .Name}}“{{.Name}}”{{else}}an application{{end}} to use tools for you?</h1>
{{if .Host}}<p>It is published by <code>{{.Host}}</code>.</p>{{else}}<p class="note">It has chosen its name itself, and nobody has checked that.</p>{{end}}
<p>It will be able to use, in your name:</p>
<ul>{{range .Resources}}<li><strong>{{.Name}}</strong> at <code>{{.URL}}</code></li>{{end}}</ul>
{{if .Scopes}}<p>With: {{range .Scopes}}<code>{{.}}</code> {{end}}</p>{{end}}
<p>You will return to {{if .Machine}}an application on this computer{{else}}another site{{end}}, <code>{{.Target}}</code>:<br><code>{{.Redirect}}</code></p>
<p class="note">Allow this only if you have just begun to sign in there yourself.</p>
<form method="post" action="{{.Action}}"><input type="hidden" name="request" value="{{.Request}}">
<button class="allow" name="answer" value="allow">Allow</button><button name="answer" value="deny">Cancel</button></form>
</body></html>
`)),
	leave: template.Must(template.New("leave").Parse(head + `<title>One moment</title><meta http-equiv="refresh" content="0;url={{.Target}}"></head><body>
<p><a id="continue" href="{{.Link}}">Continue</a></p></body></html>
`)),
	failed: template.Must(template.New("failed").Parse(head + `<title>Sign-in failed</title></head><body>
<h1>The sign-in cannot go on</h1>
<p>{{.Text}}</p><p>Error: <code>{{.Code}}</code></p>
{{if .Target}}<p><a id="return" rel="noreferrer" href="{{.Link}}">Tell the application</a> at <code>{{.Target}}</code>, if you know it.</p>{{end}}
</body></html>
`)),
}

// Link is the target as a link: redirect URIs have schemes of applications, which
// were checked, and which the template would leave out.
func (p leavePage) Link() template.URL { return template.URL(p.Target) }

// Link is the target as a link.
func (p errorPage) Link() template.URL { return template.URL(p.Target) }

// policy is what a page may do: look like this, and send its form to us.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// show sends a page.
func (s *Server) show(w http.ResponseWriter, status int, page *template.Template, data any) {
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil { // cannot be: it is tested with all there is
		s.log.Error("rendering a page", "page", page.Name(), "error", err.Error())
		status = http.StatusInternalServerError
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // so that a form says where it stands
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the browser may have gone
}

// showError tells the user.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*oauthError](err)
	if !ok {
		e = broken(err)
	}
	if e.cause != nil {
		s.log.WarnContext(r.Context(), "authorization server", "path", r.URL.Path, "error", e.Error())
	}
	s.showErrorOf(w, e, "")
}

// showErrorOf tells the user, who may tell the client at the target.
func (s *Server) showErrorOf(w http.ResponseWriter, err error, target string) {
	p, status := errorPage{Code: "server_error", Target: target}, http.StatusInternalServerError
	if e, ok := errors.AsType[*oauthError](err); ok {
		p.Code, p.Text, status = e.code, e.description, e.status
	}
	if p.Text == "" {
		p.Text = "Begin anew in the application, or ask who runs these tools."
	}
	s.show(w, status, pages.failed, p)
}
