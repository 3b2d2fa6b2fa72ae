package edge

import (
	"net/netip"
	"slices"
	"strings"
)

// span has all addresses from one to another, both included and of one version.
type span struct{ from, to netip.Addr }

// ranges are addresses: in order, those of version 4 first, and no two touch.
type ranges []span

// everything are all addresses.
var everything = ranges{
	{netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})},
	{netip.IPv6Unspecified(), lastOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))},
}

// spanOf reads an address, or those with a prefix in common, as ip-filter does.
func spanOf(text string) (span, bool) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return span{a, a}, true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return span{}, false
	}
	return span{p.Masked().Addr(), lastOf(p)}, true
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(bytes) // as long as an address is
	return a
}

// union has the addresses of both.
func (r ranges) union(other ranges) ranges {
	all := slices.Concat(r, other)
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	var list ranges
	for _, s := range all {
		if n := len(list); n > 0 && list[n-1].from.BitLen() == s.from.BitLen() && (s.from.Compare(list[n-1].to) <= 0 || list[n-1].to.Next() == s.from) {
			if list[n-1].to.Less(s.to) {
				list[n-1].to = s.to
			}
			continue
		}
		list = append(list, s)
	}
	return list
}

// intersection has the addresses that are in both.
func (r ranges) intersection(other ranges) ranges {
	var list ranges
	for _, a := range r {
		for _, b := range other {
			if a.from.BitLen() != b.from.BitLen() {
				continue
			}
			from, to := a.from, a.to
			if from.Less(b.from) {
				from = b.from
			}
			if b.to.Less(to) {
				to = b.to
			}
			if from.Compare(to) <= 0 {
				list = append(list, span{from, to})
			}
		}
	}
	return list.union(nil)
}

// complement has all other addresses.
func (r ranges) complement() ranges {
	var list ranges
	for _, all := range everything {
		from := all.from
		for _, s := range r {
			if s.from.BitLen() != all.from.BitLen() {
				continue
			}
			if from.IsValid() && from.Less(s.from) {
				list = append(list, span{from, s.from.Prev()})
			}
			from = s.to.Next() // not valid behind the last address
		}
		if from.IsValid() {
			list = append(list, span{from, all.to})
		}
	}
	return list
}

// prefixes writes the addresses as prefixes. None has the length 0, which AWS WAF does
// not take.
func (r ranges) prefixes() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range r {
		for from := s.from; from.IsValid() && from.Compare(s.to) <= 0; {
			bits := from.BitLen()
			for bits > 1 {
				wider, err := from.Prefix(bits - 1)
				if err != nil || wider.Addr() != from || s.to.Less(lastOf(wider)) {
					break
				}
				bits--
			}
			p := netip.PrefixFrom(from, bits)
			list = append(list, p)
			from = lastOf(p).Next()
		}
	}
	return list
}

// maxRanges is how many ranges a condition of Front Door takes. AWS WAF takes more.
const maxRanges = 600

// condition holds for these addresses, written in the shorter way: which they are, or
// which they are not.
func (r ranges) condition() (Condition, bool) {
	in, out := r.prefixes(), r.complement().prefixes()
	if len(out) > 0 && len(out) < len(in) {
		return Condition{Field: Address, Ranges: out, Negated: true}, len(out) <= maxRanges
	}
	return Condition{Field: Address, Ranges: in}, len(in) <= maxRanges
}
