package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Contents are chains as they were read, sound or not.
type Contents struct {
	chains []*contents
	whole  bool // it is all there is, as in a store
}

// contents are what was read of a chain.
type contents struct {
	id       string
	head     *head // nil: there is none, as in a log
	headErr  error
	segments int
	links    []link
}

// link is a record where it stands, or what is wrong with what stands there.
type link struct {
	*Record
	place string
	err   error
}

// readers is how many rows are read at a time.
const readers = 8

// Read reads the chains of a store that have not expired.
func Read(ctx context.Context, store state.Store, now time.Time) (*Contents, error) {
	days, err := dayIndex(store).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("the directory of days: %w", err)
	}
	all := &Contents{whole: true}
	for _, day := range days {
		ids, err := listed(ctx, store, day)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !expired(id, now) {
				all.chains = append(all.chains, &contents{id: id})
			}
		}
	}
	slices.SortFunc(all.chains, func(a, b *contents) int { return cmp.Compare(a.id, b.id) })
	for _, c := range all.chains {
		if err := c.read(ctx, store); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// read reads a chain as far as its head says, and on while there is more: a head that
// is behind is that of an instance that was killed.
func (c *contents) read(ctx context.Context, store state.Store) error {
	c.head, c.headErr = getHead(ctx, store, c.id)
	if c.headErr != nil && !errors.Is(c.headErr, state.ErrNotFound) && !errors.Is(c.headErr, errShape) {
		return c.headErr
	}
	last := -1
	if c.head != nil {
		last = c.head.Segment
	}
	for from := 0; ; from += readers {
		parts, errs := make([][]link, readers), make([]error, readers)
		var reading sync.WaitGroup
		for i := range readers {
			reading.Go(func() { parts[i], errs[i] = readSegment(ctx, store, c.id, from+i) })
		}
		reading.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for i, part := range parts {
			if part == nil && from+i > last {
				return nil
			}
			if part != nil {
				c.segments++
			}
			c.links = append(c.links, part...)
		}
		if from > maxSegments {
			return fmt.Errorf("chain %s has more than %d segments", c.id, maxSegments)
		}
	}
}

// maxSegments is more than a day has, whatever a head says.
const maxSegments = 1 << 20

// readSegment reads the records of a segment; nil for one that is not there.
func readSegment(ctx context.Context, store state.Store, chain string, n int) ([]link, error) {
	row, err := store.Get(ctx, segmentKey(chain, n))
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading segment %d of chain %s: %w", n, chain, err)
	}
	return linksOf(row.Data, n), nil
}

// linksOf are the records of a row, or one link that says what is wrong with it.
func linksOf(data []byte, n int) []link {
	records, err := parseSegment(data)
	if err != nil {
		return []link{{place: fmt.Sprintf("segment %d", n), err: err}}
	}
	links := make([]link, 0, len(records))
	for i, raw := range records {
		r, err := parseRecord(raw)
		links = append(links, link{Record: r, place: fmt.Sprintf("segment %d, record %d", n, i+1), err: err})
	}
	return links
}

// maxLine bounds a line of a log.
const maxLine = 1 << 20

// ReadLog reads the chains of a log, line by line. Lines of something else are left
// out.
func ReadLog(r io.Reader) (*Contents, error) {
	all := &Contents{}
	known := map[string]*contents{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var last *contents
	for n := 1; lines.Scan(); n++ {
		raw, ok := recordOf(lines.Bytes())
		if !ok {
			continue
		}
		one := link{place: fmt.Sprintf("line %d", n)}
		one.Record, one.err = parseRecord(raw)
		c := last
		if one.Record != nil {
			c = known[one.Chain]
		}
		if c == nil {
			c = &contents{}
			if one.Record != nil {
				c.id = one.Chain
			}
			known[c.id], all.chains = c, append(all.chains, c)
		}
		c.links, last = append(c.links, one), c
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	return all, nil
}

// marker stands in every line with a record, however a log writes JSON.
var marker = []byte(`"audit"`)

// recordOf is the record of a line; false for a line of something else.
func recordOf(text []byte) (jsontext.Value, bool) {
	if !bytes.Contains(text, marker) {
		return nil, false
	}
	var in struct {
		Audit jsontext.Value `json:"audit"`
	}
	start := bytes.IndexByte(text, '{') // a collector may have put a time before it
	if start < 0 {
		return nil, false
	}
	if err := json.Unmarshal(text[start:], &in); err != nil {
		return nil, true // a line that was cut off, or changed
	}
	return bytes.Clone(in.Audit), in.Audit.Kind() == '{'
}

// Calls are the records of calls, in order of time. What cannot be read is left out.
func (c *Contents) Calls() []*Record {
	var all []*Record
	for _, one := range c.chains {
		for _, l := range one.links {
			if l.Record != nil && l.Kind == KindCall {
				all = append(all, l.Record)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *Record) int { return a.Time.Compare(b.Time) })
	return all
}
