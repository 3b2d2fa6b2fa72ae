package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/index"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// format is the version of what rows hold. A row of another one is not read.
const format = 1

// segment is a row of records.
type segment struct {
	Format  int              `json:"format"`
	Records []jsontext.Value `json:"records"`
}

// head is the row that says how far a chain is: what is missing behind the last
// record that is there shows by it.
type head struct {
	Format  int    `json:"format"`
	Chain   string `json:"chain"`
	Segment int    `json:"segment"` // the last one
	Seq     int64  `json:"seq"`     // of its last record, as is Hash
	Hash    string `json:"hash"`
}

// rowID names a row by what it is for.
func rowID(fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		fmt.Fprintf(h, "%d ", len(f))
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil)[:sha256.Size/2])
}

func segmentKey(chain string, n int) state.Key {
	return state.Key{Space: "audit", ID: rowID("segment", chain, strconv.Itoa(n))}
}

func headKey(chain string) state.Key {
	return state.Key{Space: "audithead", ID: rowID("head", chain)}
}

// The sizes of the directory. A day is in several indexes, because adding to one
// reads its pages.
const (
	shards   = 8
	pageIDs  = 200
	maxPages = 40 // 64,000 chains a day
	dayPages = 100
)

// dayIndex lists the days that have chains.
func dayIndex(store state.Store) *index.Index {
	return &index.Index{Store: store, Key: pageKey("days"), PageIDs: pageIDs, MaxPages: dayPages}
}

// chainIndex lists chains of a day.
func chainIndex(store state.Store, day string, shard int, expires time.Time) *index.Index {
	return &index.Index{Store: store, Key: pageKey(day + "/" + strconv.Itoa(shard)), PageIDs: pageIDs, MaxPages: maxPages, Expires: expires}
}

func pageKey(name string) func(int) state.Key {
	return func(n int) state.Key {
		return state.Key{Space: "auditindex", ID: rowID("page", name, strconv.Itoa(n))}
	}
}

func shardOf(chain string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(chain)) // never fails
	return int(h.Sum32() % shards)
}

// list puts a chain into the directory. It is done once its first segment and its head
// are there, so that a chain without them shows.
func list(ctx context.Context, store state.Store, id, day string, now time.Time) error {
	expires, _ := expiry(id)
	if _, err := chainIndex(store, day, shardOf(id), expires).Add(ctx, id, 0); err != nil {
		return fmt.Errorf("the directory of chains: %w", err)
	}
	days := dayIndex(store)
	known, err := days.IDs(ctx)
	if err != nil {
		return fmt.Errorf("the directory of days: %w", err)
	}
	if !slices.Contains(known, day) {
		if _, err = days.Add(ctx, day, 0); err != nil {
			return fmt.Errorf("the directory of days: %w", err)
		}
	}
	for _, old := range known {
		if at, err := time.Parse("20060102", old); err != nil || now.Sub(at) > longest {
			if _, err := days.Remove(ctx, old); err != nil {
				return fmt.Errorf("the directory of days: %w", err)
			}
		}
	}
	return nil
}

// longest is for how long a day is looked at: beyond what any chain is kept.
const longest = 11 * 366 * day

// listed are the chains of a day.
func listed(ctx context.Context, store state.Store, day string) ([]string, error) {
	var all []string
	for shard := range shards {
		ids, err := chainIndex(store, day, shard, time.Time{}).IDs(ctx)
		if err != nil {
			return nil, fmt.Errorf("the directory of chains of %s: %w", day, err)
		}
		all = append(all, ids...)
	}
	return all, nil
}

// getHead reads the head of a chain.
func getHead(ctx context.Context, store state.Store, chain string) (*head, error) {
	row, err := store.Get(ctx, headKey(chain))
	if err != nil {
		return nil, fmt.Errorf("reading the head of chain %s: %w", chain, err)
	}
	var h head
	if err := json.Unmarshal(row.Data, &h, json.RejectUnknownMembers(true)); err != nil || h.Format != format || h.Segment < 0 || h.Seq < 0 {
		return nil, fmt.Errorf("the head of chain %s: %w", chain, errShape)
	}
	return &h, nil
}

// parseSegment reads a row of records.
func parseSegment(data []byte) ([]jsontext.Value, error) {
	var s segment
	if err := json.Unmarshal(data, &s, json.RejectUnknownMembers(true)); err != nil || s.Format != format {
		return nil, errShape
	}
	return s.Records, nil
}

// batch is a segment that is being written, with what belongs to it. What was written
// of it is not written again.
type batch struct {
	head
	day        string
	data       []byte
	first      bool // of its chain, which is not in the directory yet
	calls      int  // that are in it
	wroteRow   bool
	wroteHead  bool
	overwrites bool // a row that is not ours stood in the way
}

// write writes what is left of a batch: the segment, the head, and at the first time
// the line in the directory.
func (b *batch) write(ctx context.Context, store state.Store, now time.Time) error {
	expires, _ := expiry(b.Chain)
	if !b.wroteRow {
		if err := b.writeRow(ctx, store, expires); err != nil {
			return fmt.Errorf("writing segment %d of chain %s: %w", b.Segment, b.Chain, err)
		}
		b.wroteRow = true
	}
	if !b.wroteHead {
		data, err := json.Marshal(b.head)
		if err == nil {
			_, err = store.Put(ctx, headKey(b.Chain), state.Record{Data: data, Version: state.AnyVersion, Expires: expires})
		}
		if err != nil {
			return fmt.Errorf("writing the head of chain %s: %w", b.Chain, err)
		}
		b.wroteHead = true
	}
	if !b.first {
		return nil
	}
	return list(ctx, store, b.Chain, b.day, now)
}

// writeRow writes the segment. One that is there already is that of a write without
// an answer; anything else is not of this program, and gives way.
func (b *batch) writeRow(ctx context.Context, store state.Store, expires time.Time) error {
	key, row := segmentKey(b.Chain, b.Segment), state.Record{Data: b.data, Version: state.MustNotExist, Expires: expires}
	_, err := store.Put(ctx, key, row)
	if !errors.Is(err, state.ErrConflict) {
		return err
	}
	there, err := store.Get(ctx, key)
	if err == nil && bytes.Equal(there.Data, b.data) {
		return nil
	}
	if err == nil {
		b.overwrites = true
		row.Version = there.Version
		_, err = store.Put(ctx, key, row)
	}
	return err
}
