package edge

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

func parsed(t *testing.T, texts ...string) ranges {
	t.Helper()
	var r ranges
	for _, text := range texts {
		s, ok := spanOf(text)
		if !ok {
			t.Fatalf("%q is no range", text)
		}
		r = r.union(ranges{s})
	}
	return r
}

func TestRanges(t *testing.T) {
	texts := func(r ranges) (list []string) {
		for _, p := range r.prefixes() {
			list = append(list, p.String())
		}
		return list
	}
	for _, c := range []struct {
		name string
		got  ranges
		want []string
	}{
		{"one", parsed(t, " 192.0.2.1 "), []string{"192.0.2.1/32"}},
		{"mapped", parsed(t, "::ffff:192.0.2.1"), []string{"192.0.2.1/32"}},
		{"neighbours", parsed(t, "192.0.2.0", "192.0.2.1"), []string{"192.0.2.0/31"}},
		{"within", parsed(t, "192.0.2.0/24", "192.0.2.7"), []string{"192.0.2.0/24"}},
		{"all of a version", parsed(t, "0.0.0.0/0"), []string{"0.0.0.0/1", "128.0.0.0/1"}},
		{"all but all of a version", parsed(t, "0.0.0.0/0").complement(), []string{"::/1", "8000::/1"}},
		{"nothing but all", everything.complement(), nil},
		{"the last", parsed(t, "255.255.255.255", "::"), []string{"255.255.255.255/32", "::/128"}},
		{"both", parsed(t, "192.0.2.0/24", "::/8").intersection(parsed(t, "192.0.2.8", "2001:db8::/32")), []string{"192.0.2.8/32"}},
	} {
		if got := texts(c.got); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	for _, text := range []string{"", "x", "192.0.2", "192.0.2.1/33", "::ffff:192.0.2.0/120"} {
		if s, ok := spanOf(text); ok {
			t.Errorf("%q: got %v", text, s)
		}
	}
}

// A condition holds for just the addresses of its ranges, in whichever way it is
// written.
func TestConditions(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	address := func() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(chance.IntN(256))}) }
	for range 200 {
		var r ranges
		for range 1 + chance.IntN(6) {
			p := netip.PrefixFrom(address(), 22+chance.IntN(11))
			r = r.union(ranges{{p.Masked().Addr(), lastOf(p)}})
		}
		if chance.IntN(2) == 0 {
			r = r.complement()
		}
		c, ok := r.condition()
		if !ok {
			t.Fatal("the condition is too long")
		}
		for range 100 {
			a := address()
			holds := c.Negated != slices.ContainsFunc(c.Ranges, func(p netip.Prefix) bool { return p.Contains(a) })
			within := slices.ContainsFunc(r, func(s span) bool { return s.from.Compare(a) <= 0 && a.Compare(s.to) <= 0 })
			if holds != within {
				t.Fatalf("%v: got %v for %v, want %v", r, holds, a, within)
			}
		}
	}
}

func TestAbove(t *testing.T) {
	for _, limit := range []int{1, 9, 10, 99, 1000, 1024, 4194304, 2000} {
		var list []*regexp.Regexp
		for _, expression := range above(limit) {
			list = append(list, regexp.MustCompile(expression))
		}
		for n := range 3 * limit % 100_000 {
			for _, value := range []int{n, limit - n/2, limit + n/2} {
				text := strconv.Itoa(value)
				got := slices.ContainsFunc(list, func(r *regexp.Regexp) bool { return r.MatchString(text) || r.MatchString("00"+text) })
				if got != (value > limit) && value >= 0 {
					t.Fatalf("%d above %d: got %v", value, limit, got)
				}
			}
		}
	}
}
