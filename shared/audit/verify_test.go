package audit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// evidence is a store with two chains, each of 4 segments of 3 calls, of which the
// second names the first.
type evidence struct {
	*testing.T
	store         *state.Memory
	first, second string // ids
}

func newEvidence(t *testing.T, key func() ([]byte, error)) *evidence {
	t.Helper()
	e := &evidence{T: t, store: &state.Memory{}}
	var trails [2]*Trail
	for i := range trails {
		trails[i] = New(Options{Store: e.store, Key: key, Retention: 90 * day})
		for n := range 4 {
			add(trails[i], fmt.Sprintf("t%d", n), 3)
			if err := trails[i].Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	trails[1].lookAround(t.Context())
	if err := trails[1].Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.first, e.second = trails[0].chain.id, trails[1].chain.id
	return e
}

func (e *evidence) records(chain string, n int) []jsontext.Value {
	e.Helper()
	row, err := e.store.Get(context.Background(), segmentKey(chain, n))
	if err != nil {
		e.Fatal(err)
	}
	list, err := parseSegment(row.Data)
	if err != nil {
		e.Fatal(err)
	}
	return list
}

func (e *evidence) put(key state.Key, v any) {
	e.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		_, err = e.store.Put(context.Background(), key, state.Record{Data: data, Version: state.AnyVersion})
	}
	if err != nil {
		e.Fatal(err)
	}
}

func (e *evidence) write(chain string, n int, list []jsontext.Value) {
	e.Helper()
	e.put(segmentKey(chain, n), segment{Format: format, Records: list})
}

func (e *evidence) remove(key state.Key) {
	e.Helper()
	if err := e.store.Delete(context.Background(), key, state.AnyVersion); err != nil {
		e.Fatal(err)
	}
}

func (e *evidence) unlist(chain string) {
	e.Helper()
	found, err := chainIndex(e.store, dayOf(time.Now()), shardOf(chain), time.Time{}).Remove(context.Background(), chain)
	if !found || err != nil {
		e.Fatalf("taking a chain out of the directory: %v, %v", found, err)
	}
}

// forge changes a record and makes its hash anew, without the key.
func forge(e *evidence, raw jsontext.Value, change func(*Record)) jsontext.Value {
	e.Helper()
	r, err := parseRecord(raw)
	if err != nil {
		e.Fatal(err)
	}
	change(r)
	b, err := r.seal(nil)
	if err != nil {
		e.Fatal(err)
	}
	return b
}

// tamperings are what somebody does who can read and write every row, and the faults
// that show.
var tamperings = []struct {
	name    string
	unkeyed bool
	do      func(e *evidence)
	want    []string
}{
	{name: "nothing", do: func(*evidence) {}},
	{name: "change a record", do: func(e *evidence) {
		list := e.records(e.first, 1)
		list[1] = bytes.Replace(list[1], []byte(`"allowed"`), []byte(`"refused"`), 1)
		e.write(e.first, 1, list)
	}, want: []string{"segment 1, record 2: changed: record 5 does not have its hash"}},
	{name: "add what is not in the hash", do: func(e *evidence) {
		list := e.records(e.first, 1)
		list[1] = append(bytes.TrimSuffix(list[1], []byte("}")), `,"note":1}`...)
		e.write(e.first, 1, list)
	}, want: []string{"segment 1, record 2: changed: it is no record", "record 3: missing: record 5 is not there"}},
	{name: "change a record and its hash", do: func(e *evidence) {
		list := e.records(e.first, 1)
		list[1] = forge(e, list[1], func(r *Record) { r.Call.Tool = "x" })
		e.write(e.first, 1, list)
	}, want: []string{"changed: record 5 does not have its hash", "record 3: inserted: it does not follow"}},
	{name: "change a record and its hash, without a key", unkeyed: true, do: func(e *evidence) {
		list := e.records(e.first, 1)
		list[1] = forge(e, list[1], func(r *Record) { r.Call.Tool = "x" })
		e.write(e.first, 1, list)
	}, want: []string{"segment 1, record 3: inserted: it does not follow"}},
	{name: "change the last record and its hash, without a key", unkeyed: true, do: func(e *evidence) {
		list := e.records(e.first, 3)
		list[2] = forge(e, list[2], func(r *Record) { r.Call.Tool = "x" })
		e.write(e.first, 3, list)
	}, want: []string{"changed: the head names another record 12"}},
	{name: "delete a record", do: func(e *evidence) { e.write(e.first, 1, slices.Delete(e.records(e.first, 1), 1, 2)) },
		want: []string{"segment 1, record 2: missing: record 5 is not there"}},
	{name: "delete the first", do: func(e *evidence) { e.write(e.first, 0, e.records(e.first, 0)[1:]) },
		want: []string{"segment 0, record 1: missing: record 0 is not there"}},
	{name: "delete the last", do: func(e *evidence) { e.write(e.first, 3, e.records(e.first, 3)[:2]) },
		want: []string{"truncated: the head names record 12, and the last one is 11"}},
	{name: "delete a segment", do: func(e *evidence) { e.remove(segmentKey(e.first, 2)) },
		want: []string{"segment 3, record 1: missing: records 7 to 9 are not there"}},
	{name: "delete the last segment", do: func(e *evidence) { e.remove(segmentKey(e.first, 3)) },
		want: []string{"truncated: the head names record 12, and the last one is 9"}},
	{name: "delete the last segment and put back an older head", do: func(e *evidence) {
		e.remove(segmentKey(e.first, 3))
		r, _ := parseRecord(e.records(e.first, 2)[2])
		e.put(headKey(e.first), head{Format: format, Chain: e.first, Segment: 2, Seq: r.Seq, Hash: r.Hash})
	}, want: []string{"truncated: chain " /* the second */}},
	{name: "delete the head", do: func(e *evidence) { e.remove(headKey(e.first)) },
		want: []string{"head: missing"}},
	{name: "put another chain's head in its place", do: func(e *evidence) {
		row, _ := e.store.Get(context.Background(), headKey(e.second))
		e.put(headKey(e.first), jsontext.Value(row.Data))
	}, want: []string{"head: inserted: it is that of chain"}},
	{name: "swap two records", do: func(e *evidence) {
		list := e.records(e.first, 1)
		list[0], list[1] = list[1], list[0]
		e.write(e.first, 1, list)
	}, want: []string{"segment 1, record 1: reordered: record 5 stands before record 4"}},
	{name: "swap two segments", do: func(e *evidence) {
		a, b := e.records(e.first, 1), e.records(e.first, 2)
		e.write(e.first, 1, b)
		e.write(e.first, 2, a)
	}, want: []string{"segment 1, record 1: reordered: record 7 stands before record 4"}},
	{name: "insert a record", do: func(e *evidence) {
		list := e.records(e.first, 1)
		made := forge(e, list[1], func(r *Record) { r.Call.Tool = "x" })
		e.write(e.first, 1, slices.Insert(list, 1, made))
	}, want: []string{"segment 1, record 2: changed", "segment 1, record 3: inserted: there is another record 5", "segment 1, record 4: inserted: it does not follow"}},
	{name: "insert a record, without a key", unkeyed: true, do: func(e *evidence) {
		list := e.records(e.first, 1)
		made := forge(e, list[1], func(r *Record) { r.Call.Tool = "x" })
		e.write(e.first, 1, slices.Insert(list, 1, made))
	}, want: []string{"record 3: inserted: there is another record 5", "record 4: inserted: it does not follow"}},
	{name: "repeat a record", do: func(e *evidence) {
		list := e.records(e.first, 1)
		e.write(e.first, 1, slices.Insert(list, 1, list[0]))
	}, want: []string{"segment 1, record 2: inserted: record 4 stands there twice"}},
	{name: "replay of another chain", do: func(e *evidence) { e.write(e.first, 1, e.records(e.second, 1)) },
		want: []string{"segment 1, record 1: inserted: it is record 4 of chain", "record 2: inserted", "record 3: inserted", "segment 2, record 1: missing: records 4 to 6"}},
	{name: "go on after the last", unkeyed: true, do: func(e *evidence) {
		last := e.records(e.first, 3)[2]
		r, _ := parseRecord(last)
		made := forge(e, last, func(n *Record) { n.Seq, n.Prev, n.Kind, n.Call = 13, r.Hash, KindEnd, nil })
		again := forge(e, last, func(n *Record) { n.Seq, n.Prev = 14, "" })
		e.write(e.first, 4, []jsontext.Value{made, again})
	}, want: []string{"segment 4, record 2: inserted: it stands behind the end", "segment 4, record 2: inserted: it does not follow"}},
	{name: "remove a chain", do: func(e *evidence) {
		for n := range 4 {
			e.remove(segmentKey(e.first, n))
		}
		e.remove(headKey(e.first))
	}, want: []string{"missing: the directory has it"}},
	{name: "remove a chain, and its line in the directory", do: func(e *evidence) {
		for n := range 4 {
			e.remove(segmentKey(e.first, n))
		}
		e.remove(headKey(e.first))
		e.unlist(e.first)
	}, want: []string{"unknown chain: chain "}},
	{name: "remove the line in the directory", do: func(e *evidence) { e.unlist(e.first) },
		want: []string{"unknown chain: chain "}},
	{name: "make a chain anew", do: func(e *evidence) {
		prev, seq := "", int64(0)
		for n := range 4 {
			list := e.records(e.first, n)
			for i := range list {
				list[i] = forge(e, list[i], func(r *Record) {
					if r.Genesis != nil {
						r.Genesis.Key = ""
					}
					r.Prev = prev
				})
				r, _ := parseRecord(list[i])
				prev, seq = r.Hash, r.Seq
			}
			e.write(e.first, n, list)
		}
		e.put(headKey(e.first), head{Format: format, Chain: e.first, Segment: 3, Seq: seq, Hash: prev})
	}, want: []string{"wrong key: its hashes are made without a key", "changed: chain "}},
	{name: "no record at all", do: func(e *evidence) {
		_, _ = e.store.Put(context.Background(), segmentKey(e.first, 1), state.Record{Data: []byte("\xff"), Version: state.AnyVersion})
	}, want: []string{"segment 1: changed: it is no record", "segment 2, record 1: missing: records 4 to 6"}},
}

func TestTamperings(t *testing.T) {
	for _, c := range tamperings {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, key := VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()}, keyed
				if c.unkeyed {
					o.Keys, key = nil, nil
				}
				e := newEvidence(t, key)
				c.do(e)
				contents, err := Read(t.Context(), e.store, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				compare(t, byFirst(contents.Verify(o), e.first), c.want...)
			})
		})
	}
}

// byFirst has the report of a chain before the others.
func byFirst(list []ChainReport, id string) []ChainReport {
	slices.SortStableFunc(list, func(a, b ChainReport) int {
		if (a.ID == id) == (b.ID == id) {
			return 0
		}
		if a.ID == id {
			return -1
		}
		return 1
	})
	return list
}

func TestKeys(t *testing.T) {
	other := bytes.Repeat([]byte{8}, 32)
	for _, c := range []struct {
		name    string
		key     func() ([]byte, error)
		keys    [][]byte
		unkeyed bool
		want    []string
	}{
		{"one of several", keyed, [][]byte{other, testKey}, false, nil},
		{"a wrong one", keyed, [][]byte{other}, false, []string{"wrong key", "wrong key"}},
		{"none", keyed, nil, false, []string{"wrong key", "wrong key"}},
		{"not keyed", nil, nil, false, nil},
		{"not keyed, though there is one", nil, [][]byte{testKey}, false, []string{"--unkeyed", "--unkeyed"}},
		{"not keyed, and may be", nil, [][]byte{testKey}, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEvidence(t, c.key)
				contents, err := Read(t.Context(), e.store, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				compare(t, contents.Verify(VerifyOptions{Keys: c.keys, Unkeyed: c.unkeyed, Now: time.Now()}), c.want...)
			})
		})
	}
	if a, b := keyID(testKey), keyID(other); a == b || a == "" || keyID(nil) != "" {
		t.Errorf("got key ids %q and %q", a, b)
	}
	if a, _ := DeriveKey([]byte("a")); len(a) != 32 || bytes.Equal(a, testKey) {
		t.Errorf("got the key %x", a)
	}
}

// logged is a log with two chains and lines of something else.
func logged(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	trails := []*Trail{New(Options{Lines: log, Key: keyed, Retention: day}), New(Options{Lines: log, Key: keyed, Retention: day})}
	for range 3 {
		for _, trail := range trails {
			log.Info("call", "server", "orders")
			trail.Add(time.Now(), Call{Server: "orders", Tool: "<get>", Decision: Refused}, []byte(`{}`))
			if err := trail.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := trails[0].Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReadLog(t *testing.T) {
	text := logged(t)
	lines := strings.SplitAfter(text, "\n")
	isAudit := func(line string) bool { return strings.Contains(line, `"audit":{`) }
	var at []int // lines with records
	for i, line := range lines {
		if isAudit(line) {
			at = append(at, i)
		}
	}
	join := func(list ...string) string { return strings.Join(list, "") }
	for _, c := range []struct {
		name, log string
		want      []string
	}{
		{"as it was written", text, nil},
		{"without other lines", join(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !isAudit(l) })...), nil},
		{"with times before", strings.ReplaceAll(text, "{\"time\"", "2026-01-31T12:00:00Z info {\"time\""), nil},
		{"a line is changed", strings.Replace(text, `"refused"`, `"allowed"`, 1), []string{"changed: record 1 does not have its hash"}},
		{"a line is missing", join(slices.Delete(slices.Clone(lines), at[1], at[1]+1)...), []string{"missing: record 1 is not there"}},
		{"a line is there twice", join(slices.Insert(slices.Clone(lines), at[1], lines[at[1]])...), []string{"inserted: record 1 stands there twice"}},
		{"a line is cut off", strings.Replace(text, lines[at[1]], lines[at[1]][:len(lines[at[1]])/2]+"\n", 1), []string{"changed: it is no record", "missing: record 1"}},
		{"nothing", "", nil},
		{"something else", "a\n{\"audit\":1}\n{\"x\":{}}\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			contents, err := ReadLog(strings.NewReader(c.log))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()}), c.want...)
		})
	}
	contents, err := ReadLog(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := contents.Calls(); len(got) != 6 || got[0].Call.Tool != "<get>" {
		t.Errorf("got %d calls, want 6", len(got))
	}
	reports := contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()})
	if len(reports) != 2 || !reports[0].Ended || reports[1].Ended {
		t.Errorf("got %+v, want two chains, one ended", reports)
	}
}

// Whatever a log or a row has, it is read without a panic, and what is faultless is
// written the same.
func FuzzRecord(f *testing.F) {
	r := Record{Chain: newID(time.Now(), day), Kind: KindCall, Time: time.Unix(1, 0).UTC(), Call: &Call{Tool: "a", Decision: Allowed}}
	b, _ := r.seal(nil)
	f.Add(b)
	f.Add([]byte(`{"chain":"20260131-90-000000000000000000000000","seq":0,"time":"2026-01-31T00:00:00Z","kind":"genesis","genesis":{"instance":"a"},"hash":"00"}`))
	f.Add([]byte(`{"format":1,"records":[{},1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := parseSegment(data); err == nil {
			for _, raw := range list {
				_, _ = parseRecord(raw)
			}
		}
		contents, err := ReadLog(bytes.NewReader(slices.Concat([]byte(`{"audit":`), data, []byte("}\n"), data)))
		if err == nil {
			_ = contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()})
		}
		one, err := parseRecord(data)
		if err != nil || !one.genuine([][]byte{nil}) {
			return
		}
		again, err := one.seal(nil)
		if err != nil {
			t.Fatal(err)
		}
		if two, err := parseRecord(again); err != nil || two.Hash != one.Hash {
			t.Errorf("got %+v, %v; want %+v", two, err, one)
		}
	})
}
