package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"toolgate/tests/internal/rpc"
)

// concurrency is the number of connections that calls come over at once.
const concurrency = 8

// call is one request, sent over and over, and what a good answer holds.
type call struct {
	request []byte // HTTP/1.1, as it goes over the wire
	want    []byte // a part of the answer's body
}

// newCall puts a request for a URL into the form it has on the wire.
func newCall(method, target string, r rpc.Request, want string) (call, error) {
	u, err := url.Parse(target)
	if err != nil {
		return call{}, err
	}
	req, err := http.NewRequestWithContext(context.Background(), method, u.String(), strings.NewReader(r.Body))
	if err != nil {
		return call{}, err
	}
	if req.Header = r.Header.Clone(); req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", "bench")
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		return call{}, err
	}
	return call{request: wire.Bytes(), want: []byte(want)}, nil
}

// load is a set of open connections to one server.
type load struct {
	call  call
	conns []net.Conn
	read  []*bufio.Reader
}

func openLoad(ctx context.Context, address string, c call) (*load, error) {
	l := &load{call: c}
	for range concurrency {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("connecting: %w", err), l.close())
		}
		l.conns = append(l.conns, conn)
		l.read = append(l.read, bufio.NewReaderSize(conn, 64<<10))
	}
	return l, nil
}

func (l *load) close() error {
	var errs []error
	for _, c := range l.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// run makes calls over all connections at once. It ends with the first answer
// that is not what was wanted.
func (l *load) run(ctx context.Context, calls int) error {
	left := atomic.Int64{}
	left.Store(int64(calls))
	errs := make([]error, len(l.conns))
	var group sync.WaitGroup
	for i := range l.conns {
		group.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if _, errs[i] = l.one(i); errs[i] != nil {
					left.Store(0)
				}
			}
		})
	}
	group.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// one makes a call over connection i and returns the size of the answer's body.
func (l *load) one(i int) (int, error) {
	if _, err := l.conns[i].Write(l.call.request); err != nil {
		return 0, fmt.Errorf("calling: %w", err)
	}
	res, err := http.ReadResponse(l.read[i], nil)
	if err != nil {
		return 0, fmt.Errorf("calling: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, fmt.Errorf("calling: %w", err)
	}
	if res.StatusCode != http.StatusOK || !bytes.Contains(body, l.call.want) {
		return 0, fmt.Errorf("calling: got %s and %s, want a body with %s", res.Status, body, l.call.want)
	}
	return len(body), nil
}
