package limit

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestWindow(t *testing.T) {
	var w window
	w.add(300, 1, 3)
	w.add(100, 1, 1)
	w.add(200, 2, 2)
	w.add(200, 1, 4)
	w.add(200, 2, 1)
	w.add(250, 1, 0)
	want := window{{100, 1, 1}, {200, 2, 3}, {200, 1, 4}, {300, 1, 3}}
	if !reflect.DeepEqual(w, want) {
		t.Fatalf("got %v, want %v", w, want)
	}
	if got := w.used(); got != 11 {
		t.Errorf("used is %d, want 11", got)
	}
	for _, tt := range []struct {
		room, want int64
		ok         bool
	}{{10, 1100, true}, {7, 1200, true}, {3, 1200, true}, {2, 1300, true}, {0, 1300, true}, {-1, 0, false}} {
		if got, ok := w.free(tt.room, 1000); ok != tt.ok || got != tt.want && ok {
			t.Errorf("room for %d is at %d, %v, want %d, %v", tt.room, got, ok, tt.want, tt.ok)
		}
	}
	w.prune(200)
	if want := (window{{300, 1, 3}}); !reflect.DeepEqual(w, want) {
		t.Errorf("after prune: got %v, want %v", w, want)
	}
}

func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name       string
		log        window
		settlement settlement
		want       window
	}{
		{"the rest goes back, and the used part is earlier", window{{500, 1, 10}}, settlement{at: 500, tag: 1, granted: 10, used: 4, last: 400}, window{{400, 1, 4}}},
		{"nothing was used", window{{500, 1, 10}}, settlement{at: 500, tag: 1, granted: 10, last: 400}, window{}},
		{"never later", window{{500, 1, 10}}, settlement{at: 500, tag: 1, granted: 10, used: 10, last: 900}, window{{500, 1, 10}}},
		{"another's is left alone", window{{500, 2, 10}, {1900, 2, 5}}, settlement{at: 500, tag: 1, granted: 11, used: 0, last: 400}, window{{500, 2, 10}, {1900, 2, 5}}},
		{"it was joined to a later one of its cell", window{{505, 2, 30}, {1900, 2, 5}}, settlement{at: 500, tag: 1, granted: 10, used: 4, last: 400}, window{{505, 2, 24}, {1900, 2, 5}}},
		{"it is over", window{{1900, 2, 5}}, settlement{at: 500, tag: 1, granted: 10, used: 4, last: 400}, window{{1900, 2, 5}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.log.settle(tt.settlement, 1280)
			if len(tt.log) != len(tt.want) || len(tt.want) > 0 && !reflect.DeepEqual(tt.log, tt.want) {
				t.Errorf("got %v, want %v", tt.log, tt.want)
			}
		})
	}
}

func TestMend(t *testing.T) {
	w := window{{100, 1, 1}, {900, 1, 2}, {3_600_000, 2, 3}}
	if !w.mend(1000) || !reflect.DeepEqual(w, window{{100, 1, 1}, {900, 1, 2}, {1000, 2, 3}}) {
		t.Errorf("got %v", w)
	}
	if w.mend(1000) {
		t.Error("there is nothing left to mend")
	}
}

// A compacted log never has less than the exact one for any time since when.
func TestCompactGivesNothingBackEarly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const period = 10_000
	var exact, kept window
	for now := int64(1_000_000); now < 1_060_000; now += int64(r.IntN(20)) {
		exact.prune(now - period)
		kept.prune(now - period)
		if got, least := kept.used(), exact.used(); got < least {
			t.Fatalf("at %d the compacted log has %d, the exact one %d", now, got, least)
		}
		n := int64(r.IntN(3))
		exact.add(now+int64(r.IntN(200)), uint16(r.IntN(3)), n)
		kept.add(exact.newest(), uint16(r.IntN(3)), n)
		kept.compact(period)
		if len(kept) > maxCharges+10 {
			t.Fatalf("the compacted log has %d entries", len(kept))
		}
	}
}

func TestRowsRoundTrip(t *testing.T) {
	w := window{{1_700_000_000_000, 65535, 1}, {1_700_000_000_000, 3, 1 << 40}, {1_700_000_001_234, 0, 7}}
	if got, err := decodeWindow(w.encode(head(5, 0))); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("got %v, %v, want %v", got, err, w)
	}
	u := usage{period: 7, calls: 1 << 50, bytes: 3}
	if got, err := decodeUsage(u.encode(head(5, 0))); err != nil || got != u {
		t.Errorf("got %v, %v, want %v", got, err, u)
	}
	p := []place{{1 << 63, 3, 1_700_000_000_000}, {4, 1, 1}}
	if got, err := decodePlaces(encodePlaces(head(5, 0), p)); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("got %v, %v, want %v", got, err, p)
	}
	if a, b := head(1, 0), head(2, 0); reflect.DeepEqual(a, b) {
		t.Error("two writes are alike")
	}
}

func FuzzRows(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 200, 1, 5, 0, 3})
	f.Add(window{{1_700_000_000_000, 9, 1}, {1_700_000_000_100, 3, 2}}.encode(head(5, 0)))
	f.Add(usage{7, 8, 9}.encode(head(5, 0)))
	f.Add(encodePlaces(head(5, 0), []place{{1, 2, 3}}))
	f.Fuzz(func(t *testing.T, row []byte) {
		if w, err := decodeWindow(row); err == nil {
			again, err := decodeWindow(w.encode(head(5, 0)))
			if err != nil || len(again) != len(w) || len(w) > 0 && !reflect.DeepEqual(again, w) {
				t.Errorf("got %v, %v, want %v", again, err, w)
			}
			before := w.used()
			w.mend(1 << 40)
			w.settle(settlement{at: 1 << 30, tag: 1, granted: 5, used: 2, last: 1 << 29}, 1000)
			w.compact(1000)
			if got := w.used(); got != before && got != before-3 {
				t.Errorf("%d are used, want %d or 3 less", got, before)
			}
			w.prune(1 << 41)
			if len(w) != 0 {
				t.Errorf("%v is left", w)
			}
		}
		if u, err := decodeUsage(row); err == nil {
			if again, err := decodeUsage(u.encode(head(5, 0))); err != nil || again != u {
				t.Errorf("got %v, %v, want %v", again, err, u)
			}
		}
		if p, err := decodePlaces(row); err == nil {
			again, err := decodePlaces(encodePlaces(head(5, 0), p))
			if err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("got %v, %v, want %v", again, err, p)
			}
		}
	})
}
