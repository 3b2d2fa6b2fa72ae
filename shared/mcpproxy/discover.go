package mcpproxy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// discovered is what a modern server said of itself. It is read-only.
type discovered struct {
	supported []mcp.Version
	// discovery is ready for clients of the legacy era.
	discovery mcp.Discovery
	public    bool      // the same for all callers
	until     time.Time // when to ask again
}

// discovery returns what a modern server says of itself, for as long as it said
// that this may be kept.
func (p *Proxy) discovery(ctx context.Context) (*mcp.Discovery, error) {
	d := p.discovered.Load()
	if d == nil || !p.now().Before(d.until) {
		var err error
		if d, err = p.discovering.join(ctx, &p.background, p.discover).wait(ctx); err != nil {
			return nil, err
		}
		p.remember(ctx, d)
	}
	return &d.discovery, nil
}

// remember keeps for all callers what a server says of itself, unless it said so
// to one caller alone (2026-07-28, caching).
func (p *Proxy) remember(ctx context.Context, d *discovered) {
	if h, _ := callerOf(ctx); h == nil || d.public {
		p.discovered.Store(d)
	}
}

// discover sends server/discover on the gateway's own behalf.
func (p *Proxy) discover(ctx context.Context) (*discovered, error) {
	result, err := p.ownRequest(ctx, mcp.MethodDiscover, "")
	if err != nil {
		return nil, err
	}
	var r struct {
		SupportedVersions []mcp.Version  `json:"supportedVersions"`
		Capabilities      jsontext.Value `json:"capabilities"`
		Instructions      string         `json:"instructions"`
		TTLMs             jsontext.Value `json:"ttlMs"`
		CacheScope        string         `json:"cacheScope"`
		Meta              struct {
			ServerInfo jsontext.Value `json:"io.modelcontextprotocol/serverInfo"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return nil, &unreadable{err}
	}
	d := &discovered{supported: r.SupportedVersions, public: r.CacheScope == "public", until: p.now().Add(milliseconds(r.TTLMs))}
	d.discovery, err = p.describe(r.Capabilities, r.Meta.ServerInfo, r.Instructions)
	return d, err
}

// milliseconds reads a number such as ttlMs: 0 when it is none or negative, and
// a day at most, which is long enough for anything that is kept in memory.
func milliseconds(raw jsontext.Value) time.Duration {
	ms, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(ms > 0) {
		return 0
	}
	return time.Duration(min(ms, float64(24*time.Hour/time.Millisecond))) * time.Millisecond
}

// describe makes what clients are told of a server when the gateway answers in
// its place. There is no stream on which the server's own notifications could
// reach such a client, so none are promised.
func (p *Proxy) describe(capabilities, serverInfo jsontext.Value, instructions string) (mcp.Discovery, error) {
	d := mcp.Discovery{ServerInfo: serverInfo, Instructions: instructions}
	if d.ServerInfo.Kind() != '{' {
		d.ServerInfo = p.info
	}
	if capabilities.Kind() != '{' {
		capabilities = jsontext.Value("{}")
	}
	var err error
	d.Capabilities, err = p.rules.capabilities(capabilities, false)
	if err == nil && p.sse { // logs come on the common stream, for nobody in particular
		d.Capabilities, err = without(d.Capabilities, "logging")
	}
	if err != nil {
		return d, &unreadable{err}
	}
	return d, nil
}

// ownMeta are the members of _meta that a request to a modern server must have,
// and the log level where it is given. The gateway declares no capabilities: a
// request for input would find nobody to answer it.
func (p *Proxy) ownMeta(level string) []string {
	members := []string{
		`"` + mcp.MetaProtocolVersion + `":"` + string(mcp.Latest) + `"`,
		`"` + mcp.MetaClientInfo + `":` + string(p.info),
		`"` + mcp.MetaClientCapabilities + `":{}`,
	}
	if level != "" {
		members = append(members, `"`+mcp.MetaLogLevel+`":"`+level+`"`)
	}
	return members
}

// ownRequest asks a modern server on the gateway's own behalf and returns the
// result. params is text that follows _meta in the parameters.
func (p *Proxy) ownRequest(ctx context.Context, method, params string) (jsontext.Value, error) {
	body := append([]byte(nil), `{"jsonrpc":"2.0","id":"toolgate","method":"`+method+`","params":{"_meta":`...)
	meta, err := rebuild(jsontext.Value("{}"), keep, p.ownMeta("")...)
	if err != nil {
		return nil, err
	}
	body = append(append(append(body, meta...), params...), "}}"...)
	h := p.header(nil, "")
	h[mcp.HeaderProtocolVersion] = []string{string(mcp.Latest)}
	h[mcp.HeaderMethod] = []string{method}
	return p.result(ctx, h, body)
}

// result posts a request and returns its result, a copy; a JSON-RPC error is
// returned as an *[mcp.Error].
func (p *Proxy) result(ctx context.Context, header http.Header, body []byte) (jsontext.Value, error) {
	res, err := p.post(ctx, header, body)
	if r, ok := errors.AsType[*refusal](err); ok && r.relayed() {
		return nil, &failure{r.rpc, r}
	}
	if err != nil {
		return nil, err
	}
	defer finish(res)
	var result jsontext.Value
	done, _, err := p.messages(res, func(m *mcp.Message) (bool, error) {
		if m.Kind != mcp.KindResponse {
			return false, nil
		}
		if m.Failure.Present() {
			return true, rpcError(m.Bytes(m.Failure))
		}
		result = m.Bytes(m.Result).Clone()
		return true, nil
	})
	if err == nil && !done {
		err = mcp.ErrNoResponse
	}
	return result, err
}
