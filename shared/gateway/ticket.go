package gateway

import (
	"context"
	"encoding/binary"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/longrunning"
	"toolgate/shared/mcp"
	"toolgate/shared/seal"
)

// ticket is what a client carries of a call that goes on: everything that it takes to
// ask for it, so that nothing of it is kept here. It is sealed for its server and its
// caller: to anybody else it says nothing.
type ticket struct {
	tool    string
	backend string // the id of one that policies chose; empty: the tool's own
	longrunning.Operation
	created time.Time
	life    time.Duration
}

// taskSealer makes what seals tickets; nil where no call goes on.
func (a *assembly) taskSealer() (*seal.Sealer, error) {
	for i := range a.snapshot.Servers {
		if api := a.snapshot.Servers[i].API; api != nil && api.LongRunning {
			return sealer(&a.snapshot.Manifest, a.options, "task")
		}
	}
	return nil, nil
}

// ticketContext is what a ticket is sealed for; nil where nobody is known who calls.
func (c *catalog) ticketContext(ctx context.Context) []byte {
	who, ok := ctx.Value(applicantKey{}).(*applicant)
	if !ok || c.gateway.tasks == nil {
		return nil
	}
	return append(append([]byte(c.name), 0), who.call[:]...)
}

// seal makes the text of a ticket.
func (c *catalog) seal(ctx context.Context, k *ticket) string {
	out := []byte{byte(k.Kind)}
	out = binary.AppendUvarint(out, uint64(max(0, k.created.UnixMilli())))
	out = binary.AppendUvarint(out, uint64(max(0, k.life/time.Second)))
	result := ""
	if k.Result != nil {
		result = k.Result.String()
	}
	place, own := k.URL.String(), c.origins(k.tool)
	for i, origin := range own { // which makes the text shorter that models copy
		if rest, ok := strings.CutPrefix(place, origin+"/"); ok {
			place = string(rune('0'+i)) + "/" + rest
			break
		}
	}
	for _, text := range []string{k.tool, k.backend, place, result} {
		out = binary.AppendUvarint(out, uint64(len(text)))
		out = append(out, text...)
	}
	return c.gateway.tasks.Seal(out, c.ticketContext(ctx))
}

// origins are those of the backend of a tool, ten at most.
func (c *catalog) origins(name string) []string {
	t := c.tools[name]
	if t == nil || t.load() != nil {
		return nil
	}
	var all []string
	for _, client := range c.backends[t.record.Backend].clients() {
		if len(all) < 10 {
			all = append(all, origin(client.URL()))
		}
	}
	return all
}

// open reads a ticket. It reports false for one that is not of this server and caller,
// or has expired, or whose tool there is no more.
func (c *catalog) open(ctx context.Context, text string) (*ticket, bool) {
	sealedFor := c.ticketContext(ctx)
	if sealedFor == nil || text == "" {
		return nil, false
	}
	plain, err := c.gateway.tasks.Open(text, sealedFor)
	if err != nil || len(plain) == 0 {
		return nil, false
	}
	r := ticketReader{rest: plain[1:]}
	k := &ticket{created: time.UnixMilli(int64(r.number())), life: time.Duration(r.number()) * time.Second} //nolint:gosec // sealed here
	k.Kind = longrunning.Kind(plain[0])
	k.tool, k.backend = r.text(), r.text()
	place, result := r.text(), r.text()
	if t := c.tools[k.tool]; r.failed || t == nil || t.load() != nil || t.record.LongRunning == nil {
		return nil, false
	}
	if n, rest, ok := strings.Cut(place, "/"); ok && len(n) == 1 {
		own := c.origins(k.tool)
		i := int(n[0]) - '0'
		if i < 0 || i >= len(own) {
			return nil, false
		}
		place = own[i] + "/" + rest
	}
	if k.URL, err = url.Parse(place); err != nil || k.URL.Host == "" {
		return nil, false
	}
	if result != "" {
		if k.Result, err = url.Parse(result); err != nil {
			return nil, false
		}
	}
	return k, c.now().Before(k.created.Add(k.life))
}

// ticketReader reads the fields of a ticket.
type ticketReader struct {
	rest   []byte
	failed bool
}

func (r *ticketReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.failed = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *ticketReader) text() string {
	n := r.number()
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

// toolOf is the tool that a message is about: the one that it calls, or that of the
// call that it asks for; empty for none, and for one that is not known. The catalog
// may be nil.
func (c *catalog) toolOf(ctx context.Context, req *mcp.Request) string {
	id := ""
	switch {
	case req.Method == mcp.MethodCallTool:
		name := req.Text(req.Name)
		if c == nil || name == "" || name != c.manifest.PollTool {
			return name
		}
		id = member(req.Bytes(req.Arguments), "id")
		if k, ok := c.open(ctx, id); ok {
			return k.tool
		}
		return name
	case c != nil && mcp.OfTasks(req.Method):
		id = req.Text(req.Name)
	}
	if id == "" {
		return ""
	}
	k, ok := c.open(ctx, id)
	if !ok {
		return ""
	}
	return k.tool
}

// now is the time of the gateway's clock.
func (c *catalog) now() time.Time { return c.gateway.services.Time() }
