package policy

import (
	"maps"
	"net/http"
	"slices"
	"sync"

	"toolgate/shared/expr"
)

// Fork is an exchange for policies that run beside others. It has copies of the
// messages and the variables, so that no branch sees what another one does.
// What a branch does to a message is lost; Join takes over the rest. All forks
// are made before one of them is used, and the exchange itself is not used
// until they are done.
func (x *Exchange) Fork() *Exchange {
	if x.reading == nil {
		x.reading = new(sync.Mutex)
	}
	f := *x
	f.Request, f.Response = forkRequest(x.Request, x.reading), forkResponse(x.Response, x.reading)
	f.Target = Message{Request: f.Request, Response: f.Response}
	if x.Target.Request != nil {
		f.Target.Response = nil
	} else {
		f.Target.Request = nil
	}
	f.request = f.Request
	if x.Mcp != nil {
		m := *x.Mcp
		if m.RawArguments != nil {
			m.Arguments = nil // each branch reads its own
		}
		f.Mcp = &m
	}
	f.variables.values = slices.Clone(x.variables.values)
	for i := range f.variables.values {
		v := &f.variables.values[i]
		if r, ok := v.value.(*expr.Response); ok {
			v.value = forkResponse(r, x.reading)
		} else {
			v.value = expr.Copy(v.value)
		}
	}
	f.Variables = &f.variables
	f.assigned = map[string]bool{}
	f.kept = maps.Clone(x.kept)
	f.changed, f.late, f.vary, f.came, f.end, f.reading = nil, nil, nil, nil, nil, nil
	return &f
}

// Join takes over what a fork did: the variables that it set, the headers that
// it set for the response, what it keeps, and what it put off.
func (x *Exchange) Join(fork *Exchange) {
	for name := range fork.assigned {
		value, _ := fork.Variable(name)
		x.SetVariable(name, value)
	}
	for name, values := range fork.late {
		for _, value := range values {
			x.SetResponseHeader(name, value)
		}
	}
	for _, header := range fork.vary {
		x.VaryBy(header)
	}
	for key, value := range fork.kept {
		x.Keep(key, value)
	}
	x.came = append(x.came, fork.came...)
	for _, header := range fork.vary {
		x.VaryBy(header)
	}
	for key, value := range fork.kept {
		x.Keep(key, value)
	}
	x.came = append(x.came, fork.came...)
	x.end = append(x.end, fork.end...)
}

func forkRequest(r *expr.Request, reading *sync.Mutex) *expr.Request {
	if r == nil {
		return nil
	}
	f := *r
	f.Headers = r.Headers.Clone()
	f.Body = forkBody(r.Body, reading)
	return &f
}

func forkResponse(r *expr.Response, reading *sync.Mutex) *expr.Response {
	if r == nil {
		return nil
	}
	f := *r
	f.Headers = r.Headers.Clone()
	f.Body = forkBody(r.Body, reading)
	return &f
}

// forkBody is a body that branches read side by side: the first one that needs
// the bytes reads the stream for all.
func forkBody(body expr.Body, reading *sync.Mutex) expr.Body {
	b, ok := body.(*Body)
	if !ok || b == nil {
		return nil
	}
	if b.stream == nil {
		f := *b
		return &f
	}
	return &Body{
		length: b.length,
		stream: http.NoBody, // in place of one that was not read: Hold comes before Reader
		Whole: func() ([]byte, error) {
			reading.Lock()
			defer reading.Unlock()
			if err := b.Hold(); err != nil {
				return nil, err
			}
			return b.content, nil
		},
	}
}
