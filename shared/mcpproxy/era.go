package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// era is what a server was found to speak. It is read-only.
type era struct {
	modern, legacy bool
	// guessed says that the server did not say so itself: it refused the question
	// in a way that is none of the modern era.
	guessed bool
	// found is when; until is when to ask again, the zero time for never: the
	// revision is pinned.
	found, until time.Time
}

const (
	// eraTTL is how long the answer to what a server speaks is good for: servers
	// are updated, seldom.
	eraTTL = 10 * time.Minute
	// eraPause is the least time between two questions that a server's behaviour
	// gave rise to, so that a client cannot cause one with each faulty request.
	eraPause = 10 * time.Second
)

// speaks reports whether a client of revision v is forwarded to the server's
// modern side. A server of both eras is spoken to in the client's own.
func (e *era) speaks(v mcp.Version) (modern bool) {
	if e.modern && e.legacy {
		return v.Modern()
	}
	return e.modern
}

// era returns what the server speaks. What is known already is used while it is
// asked for anew.
func (p *Proxy) era(ctx context.Context) (*era, error) {
	e := p.eras.Load()
	switch {
	case e == nil:
		return p.asking.join(ctx, &p.background, p.askFirst).wait(ctx)
	case !e.until.IsZero() && !p.now().Before(e.until) && p.asking.idle():
		p.asking.join(ctx, &p.background, p.ask)
	}
	return e, nil
}

// askAgain is for a server whose behaviour contradicts e. It returns e when
// there is nothing better.
func (p *Proxy) askAgain(ctx context.Context, e *era) *era {
	if now := p.eras.Load(); now != nil && now != e {
		return now
	}
	if e.until.IsZero() || p.now().Sub(e.found) < eraPause {
		return e
	}
	again, err := p.asking.join(ctx, &p.background, p.ask).wait(ctx)
	if err != nil {
		return e
	}
	return again
}

// contradicted reports whether a server that speaks what e says would not have
// refused a request of a client of revision v in this way.
func (e *era) contradicted(v mcp.Version, r *refusal) bool {
	switch r.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed:
	default:
		return false
	}
	if r.rpc == nil {
		return true
	}
	switch code := r.rpc.Code; {
	case code == mcp.CodeUnsupportedProtocolVersion:
		return true
	case e.speaks(v):
		// "No session", as servers of the legacy era say it.
		return code == mcp.CodeInvalidRequest || code <= -32000 && code > mcp.CodeHeaderMismatch
	default:
		return code == mcp.CodeHeaderMismatch || code == mcp.CodeMissingClientCapability || code == mcp.CodeInvalidParams
	}
}

// askFirst asks, unless another caller had the answer after this one had looked.
func (p *Proxy) askFirst(ctx context.Context) (*era, error) {
	if e := p.eras.Load(); e != nil {
		return e, nil
	}
	return p.ask(ctx)
}

// ask finds out what the server speaks: a modern request for discovery is
// understood, or refused in the way of its era (2026-07-28, basic/lifecycle).
// A server that cannot be reached, or turns the gateway away, remains unknown.
func (p *Proxy) ask(ctx context.Context) (*era, error) {
	result, err := p.discover(ctx)
	e := &era{found: p.now()}
	e.until = e.found.Add(eraTTL)
	if err == nil {
		err = e.read(result.supported)
	} else {
		err = e.infer(err)
	}
	if err != nil {
		return nil, err
	}
	if e.modern && result != nil {
		p.remember(ctx, result)
	}
	if p.outweighed(ctx, e) {
		return e, nil
	}
	p.eras.Store(e)
	p.log.Debug("found what the server speaks", "modern", e.modern, "legacy", e.legacy)
	return e, nil
}

// outweighed reports whether e is good for the call that gave rise to it only: a
// guess from how the server refused one caller, who may be all that it refused,
// against what the server said itself.
func (p *Proxy) outweighed(ctx context.Context, e *era) bool {
	h, _ := callerOf(ctx)
	known := p.eras.Load()
	return e.guessed && h != nil && known != nil && !known.guessed && p.now().Before(known.until)
}

// read takes the revisions that a server names.
func (e *era) read(versions []mcp.Version) error {
	for _, v := range versions {
		e.modern = e.modern || v.Modern() && v.Supported()
		e.legacy = e.legacy || !v.Modern()
	}
	if e.modern || e.legacy || len(versions) == 0 {
		e.legacy = e.legacy || !e.modern
		return nil
	}
	return &failure{
		behind("speaks revisions of the protocol that the gateway does not"),
		fmt.Errorf("the MCP server supports %v, the gateway %v", versions, mcp.Versions),
	}
}

// infer reads an answer that is not a result.
func (e *era) infer(err error) error {
	status, answered := http.StatusOK, (*mcp.Error)(nil)
	if r, ok := errors.AsType[*refusal](err); ok {
		status, answered = r.status, r.rpc
	} else if _, ok := errors.AsType[*unreadable](err); !ok {
		var isAnswer bool
		if answered, isAnswer = errors.AsType[*mcp.Error](err); !isAnswer {
			return err // never arrived, or broke off
		}
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return err
	}
	switch {
	case answered != nil && answered.Code == mcp.CodeUnsupportedProtocolVersion:
		return e.read(supportedVersions(answered.Data))
	case answered != nil && (answered.Code == mcp.CodeHeaderMismatch || answered.Code == mcp.CodeMissingClientCapability),
		answered != nil && answered.Code == mcp.CodeMethodNotFound && status == http.StatusNotFound:
		e.modern = true
		return nil
	case status >= 500:
		// Some legacy servers fail on what they do not know, so does any server
		// on a bad day: take the guess for this request only.
		e.until = e.found
	case status >= 300 && status < 400:
		return err
	}
	e.legacy, e.guessed = true, true
	return nil
}

// supportedVersions reads the data of an UnsupportedProtocolVersion error.
func supportedVersions(data jsontext.Value) []mcp.Version {
	var d struct {
		Supported []mcp.Version `json:"supported"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil
	}
	return d.Supported
}
