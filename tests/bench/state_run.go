package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/limit"
	"toolgate/shared/policy"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// limiter is what counts calls; a new key of each situation is hexadecimal.
type limiter interface {
	Take(ctx context.Context, key string, l policy.Limit, cost int) (policy.Spent, error)
}

// sharedLimit is the limit that instances share.
var sharedLimit = policy.Limit{Calls: 6000, Period: time.Minute, OnStoreFailure: policy.RefuseUncounted}

// situation is how calls come.
type situation struct {
	name       string
	perSecond  float64
	ours, swap time.Duration // for which it is measured
	cold       bool          // each call has a key of its own
}

// situations of our limiter are whole periods of the limit, because what it leases
// depends on how much of one is used, and because calls are refused in a part of
// each only.
var situations = []situation{
	{"cold keys", 20, 5 * time.Second, 5 * time.Second, true},
	{"half the limit", 50, 2 * sharedLimit.Period, 20 * time.Second, false},
	{"3 × the limit", 300, 2 * sharedLimit.Period, 25 * time.Second, false},
}

// counted is what came of a situation.
type counted struct {
	Situation  string  `json:"situation"`
	Instances  int     `json:"instances"`
	Limiter    string  `json:"limiter"`
	Calls      int     `json:"calls"`
	Admitted   int     `json:"admitted"`
	GivenUp    int     `json:"givenUp"`
	Peak       float64 `json:"peak"`       // the most in any period, as a part of the limit
	OfIdeal    float64 `json:"ofIdeal"`    // admitted, as a part of what could be
	Operations float64 `json:"operations"` // of the store, for each call
	P50, P99   float64 // microseconds that admitted calls waited
}

// stateCommand is go run ./tests/bench state: what limits that instances share
// cost, beside a plain compare-and-swap for each call.
func stateCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench state", flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("store", "azurite", "`azurite` or memory")
	trip := flags.Duration("trip", 5*time.Millisecond, "round trip that is added to each operation")
	list := flags.String("instances", "1,4,16,64", "`numbers` of instances")
	asJSON := flags.Bool("json", false, "print JSON in place of a table")
	check := flags.Bool("check", false, "exit with 1 when a figure is over its bound")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 2
	}
	var numbers []int
	for text := range strings.SplitSeq(*list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fmt.Fprintf(stderr, "-instances: %q is no number of instances\n", text)
			return 2
		}
		numbers = append(numbers, n)
	}
	store, err := openStore(ctx, *name)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	defer store.Close()
	var all []counted
	for _, n := range numbers {
		for _, s := range situations {
			for _, kind := range []string{"leases", "compare-and-swap"} {
				calm(ctx, store)
				all = append(all, count(ctx, store, *trip, n, s, kind))
				if ctx.Err() != nil {
					return 1
				}
			}
		}
	}
	if *asJSON {
		err = json.MarshalWrite(stdout, all, jsontext.Multiline(true))
	} else {
		err = writeCounted(stdout, *name, *trip, all)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if *check && slices.ContainsFunc(all, func(c counted) bool { return c.fault() != "" }) {
		return 1
	}
	return 0
}

// calm waits until the store has done what a situation left behind, for a minute
// at most.
func calm(ctx context.Context, store state.Store) {
	for end, quick := time.Now().Add(time.Minute), 0; quick < 20 && time.Now().Before(end) && ctx.Err() == nil; {
		began := time.Now()
		_, _ = store.Get(ctx, state.Key{Space: "warm", ID: "up"}) // only how long it takes matters
		if quick++; time.Since(began) > 20*time.Millisecond {
			quick = 0
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// count measures one situation.
func count(ctx context.Context, store state.Store, trip time.Duration, n int, s situation, kind string) counted {
	var operations atomic.Int64
	far := farStore{store, trip, &operations}
	limiters, d := make([]limiter, n), s.ours
	for i := range limiters {
		if limiters[i] = limiter(limit.New(far, limit.Options{})); kind != "leases" {
			limiters[i], d = swapLimiter{far}, s.swap
		}
	}
	seed := fmt.Sprint(time.Now().UnixNano())
	c := counted{Situation: s.name, Instances: n, Limiter: kind}
	var mu sync.Mutex
	var admitted []answered
	var arrivals []time.Time
	var wg sync.WaitGroup
	begin := time.Now()
	for next := begin; next.Sub(begin) < d && ctx.Err() == nil; {
		next = next.Add(time.Duration(rand.ExpFloat64() / s.perSecond * float64(time.Second))) //nolint:gosec // when calls come is no secret
		time.Sleep(time.Until(next))
		key := seed
		if s.cold {
			key += fmt.Sprint(c.Calls)
		}
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:16])
		c.Calls++
		arrivals = append(arrivals, time.Now())
		on := limiters[rand.N(n)] //nolint:gosec // nor is to whom
		wg.Go(func() {
			came := time.Now()
			spent, err := on.Take(ctx, key, sharedLimit, 1)
			now := time.Now()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				c.GivenUp++
			case !spent.Exceeded:
				admitted = append(admitted, answered{came, now})
			}
		})
	}
	wg.Wait()
	c.Admitted = len(admitted)
	c.Operations = float64(operations.Load()) / float64(max(c.Calls, 1))
	could := float64(c.Calls)
	if !s.cold {
		could = float64(ideal(arrivals))
		c.Peak = float64(peak(admitted)) / float64(sharedLimit.Calls)
	}
	c.OfIdeal = float64(c.Admitted) / max(could, 1)
	if slices.SortFunc(admitted, func(a, b answered) int { return cmp.Compare(a.waited(), b.waited()) }); len(admitted) > 0 {
		c.P50 = admitted[len(admitted)/2].waited()
		c.P99 = admitted[len(admitted)*99/100].waited()
	}
	return c
}

// answered is a call that was admitted at some time between the two.
type answered struct{ came, left time.Time }

// waited is in microseconds.
func (a answered) waited() float64 { return float64(a.left.Sub(a.came).Nanoseconds()) / 1000 }

// ideal is how many of the calls one limiter would admit that sees all of them.
func ideal(arrivals []time.Time) int {
	var log []time.Time
	first := 0
	for _, at := range arrivals {
		for first < len(log) && at.Sub(log[first]) >= sharedLimit.Period {
			first++
		}
		if len(log)-first < sharedLimit.Calls {
			log = append(log, at)
		}
	}
	return len(log)
}

// peak is the most that were admitted in any period for certain: who came and
// was answered in it.
func peak(admitted []answered) int {
	slices.SortFunc(admitted, func(a, b answered) int { return a.came.Compare(b.came) })
	most := 0
	for i, first := range admitted {
		end, n := first.came.Add(sharedLimit.Period), 0
		for _, a := range admitted[i:] {
			if !a.came.Before(end) {
				break
			}
			if a.left.Before(end) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
