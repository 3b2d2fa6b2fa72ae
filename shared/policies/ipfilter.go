package policies

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["ip-filter"] = func() policy.Statement { return &ipFilter{} } }

// ipFilter lets calls from some addresses through, or keeps them out, and
// answers 403 to the others. An address may have a prefix length, as in
// 192.0.2.0/24.
type ipFilter struct {
	Action    policy.Value[string]   `attr:"action,required"`
	Addresses []policy.Value[string] `elements:"address"`
	Ranges    []struct {
		From string `attr:"from,required"`
		To   string `attr:"to,required"`
	} `elements:"address-range"`

	known    []addressRange         // sorted, none within another
	computed []policy.Value[string] // addresses that are expressions
}

// addressRange has all addresses from one to another, both included and of one
// version.
type addressRange struct{ from, to netip.Addr }

func (p *ipFilter) Prepare(c *policy.Compilation) {
	for _, value := range p.Addresses {
		text, literal := value.Literal()
		if !literal {
			p.computed = append(p.computed, value)
		} else if r, err := parseAddresses(text); err != nil {
			c.Fault(c.Element.At, "write an address such as 192.0.2.1 or 192.0.2.0/24", "%v", err)
		} else {
			p.known = append(p.known, r)
		}
	}
	for _, written := range p.Ranges {
		from, errFrom := parseAddresses(written.From)
		to, errTo := parseAddresses(written.To)
		switch err := cmp.Or(errFrom, errTo); {
		case err != nil:
			c.Fault(c.Element.At, "write addresses such as 192.0.2.1", "%v", err)
		case from.from.BitLen() != to.to.BitLen() || to.to.Less(from.from):
			c.Fault(c.Element.At, "write the lower address into from", "the range from %s to %s is empty", written.From, written.To)
		default:
			p.known = append(p.known, addressRange{from.from, to.to})
		}
	}
	if len(p.Addresses)+len(p.Ranges) == 0 {
		c.Fault(c.Element.At, "write <address> or <address-range>", "ip-filter has no address")
	}
	p.known = united(p.known)
}

// parseAddresses reads an address, or those with a prefix in common. An IPv4
// address that is written as IPv6 is the IPv4 address.
func parseAddresses(text string) (addressRange, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return addressRange{}, fmt.Errorf("%q is no IP address", text)
		}
		a = a.Unmap().WithZone("")
		return addressRange{a, a}, nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix.Addr().Is4In6() {
		return addressRange{}, fmt.Errorf("%q is no range of IP addresses", text)
	}
	last := prefix.Masked().Addr().AsSlice()
	for i := prefix.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 1 << (7 - i%8)
	}
	to, _ := netip.AddrFromSlice(last) // of the length of an address
	return addressRange{prefix.Masked().Addr(), to}, nil
}

// united are the ranges in order, with those that overlap made one.
func united(ranges []addressRange) []addressRange {
	slices.SortFunc(ranges, func(a, b addressRange) int { return a.from.Compare(b.from) })
	var list []addressRange
	for _, r := range ranges {
		if n := len(list); n > 0 && r.from.Compare(list[n-1].to) <= 0 {
			if list[n-1].to.Less(r.to) {
				list[n-1].to = r.to
			}
			continue
		}
		list = append(list, r)
	}
	return list
}

func (p *ipFilter) Apply(_ context.Context, x *policy.Exchange) error {
	action, err := p.Action.Get(x)
	if err != nil {
		return err
	}
	caller, err := callerOf(x.Request.IPAddress)
	if err != nil {
		e := policy.NewError("ip-filter", policy.ReasonFailedToParseCallerIP)
		e.Cause = err
		return e
	}
	matches, err := p.matches(x, caller)
	switch {
	case err != nil:
		return err
	case matches && action == "forbid":
		return policy.NewError("ip-filter", policy.ReasonCallerIPBlocked)
	case !matches && action == "allow":
		return policy.NewError("ip-filter", policy.ReasonCallerIPNotAllowed, caller)
	}
	return nil
}

// callerOf reads the address of a caller, with or without a port.
func callerOf(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		var withPort netip.AddrPort
		if withPort, err = netip.ParseAddrPort(text); err != nil {
			return a, err
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), nil
}

func (p *ipFilter) matches(x *policy.Exchange, caller netip.Addr) (bool, error) {
	i, exact := slices.BinarySearchFunc(p.known, caller, func(r addressRange, a netip.Addr) int { return r.from.Compare(a) })
	if exact || i > 0 && caller.Compare(p.known[i-1].to) <= 0 {
		return true, nil
	}
	for j := range p.computed {
		text, err := p.computed[j].Get(x)
		if err != nil {
			return false, err
		}
		r, err := parseAddresses(text)
		if err != nil {
			return false, policy.NewError("ip-filter", policy.ReasonExpressionValueEvaluationFailure, "An invalid IP address was specified.")
		}
		if r.from.Compare(caller) <= 0 && caller.Compare(r.to) <= 0 {
			return true, nil
		}
	}
	return false, nil
}
