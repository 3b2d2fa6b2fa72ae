package policies

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["budget"] = func() policy.Statement { return &budget{} } }

// budget lets calls through while the money of a period is enough for them, for
// each counter-key, and answers 403 with Retry-After beyond that. The prices of a
// call add up: what it costs in any case is charged before it, and what shows with
// the response when that was sent. Policies of any documents that have a key, a
// currency and periods in common share a counter, and each adds its own prices.
//
// A call is refused when what is left does not cover its price, as far as that is
// known before: price-per-call, or more if one of the last eight calls of the same
// tool through this instance cost more. Calls that are on the way count with that
// too. By price-per-call alone, instances together exceed a budget by less than one
// call; by prices that are known afterwards, each instance exceeds it by what its
// calls on the way cost more than was kept for them, and by what those of others
// cost that it has not heard of, which takes until its next charge.
type budget struct {
	Amount   string                      `attr:"amount,required"`
	Currency string                      `attr:"currency,required"`
	Key      policy.Value[string]        `attr:"counter-key,required"`
	Length   policy.Value[time.Duration] `attr:"renewal-period"`
	Calendar string                      `attr:"budget-period"`
	First    string                      `attr:"first-period-start"`
	budgetPrices
	RemainingHeader   string `attr:"remaining-header-name"`
	RemainingVariable string `attr:"remaining-variable-name"`
	storeFailure
	mcpMethods

	services *policy.Services
	amount   policy.Money
	start    time.Time // of the first period
	place    string    // of the policy, among those of the gateway
}

// budgetPrices are what a call costs.
type budgetPrices struct {
	PerCall     string               `attr:"price-per-call"`
	PerKilobyte string               `attr:"price-per-kilobyte"`
	Header      string               `attr:"price-header"`
	Price       policy.Value[string] `attr:"price"`

	perCall, perKilobyte policy.Money
}

// leastBudgetPeriod is the shortest period: each one has rows of its own for the
// report.
const leastBudgetPeriod = time.Minute

func (p *budget) Prepare(c *policy.Compilation) {
	p.mcpMethods.prepare()
	p.place = counterOf(c)
	if p.services = c.Services; p.services.Quotas == nil || p.services.Reserves == nil {
		c.Fault(c.Element.At, "remove the policy", "budget needs a store of counters")
	}
	p.amount = moneyOf(c, "amount", p.Amount)
	if len(p.Currency) != 3 || strings.Trim(p.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		c.Fault(c.Element.At, "write three capital letters, such as EUR", "currency is %q", p.Currency)
	}
	if p.PerCall != "" {
		p.perCall = moneyOf(c, "price-per-call", p.PerCall)
	}
	if p.PerKilobyte != "" {
		p.perKilobyte = moneyOf(c, "price-per-kilobyte", p.PerKilobyte)
	}
	if p.perCall > p.amount && p.amount > 0 {
		c.Fault(c.Element.At, "raise amount", "amount is less than one call costs")
	}
	if length, _ := p.Length.Literal(); length != 0 && length < leastBudgetPeriod {
		c.Fault(c.Element.At, "write 60 or more, or 0 for ever", "renewal-period is less than a minute")
	}
	var err error
	if p.start, err = time.Parse(time.RFC3339, p.First); err != nil {
		c.Fault(c.Element.At, "write a time such as 2026-01-31T00:00:00Z", "first-period-start is no time")
	}
	if p.late() {
		c.NeedsResponse()
	}
	if p.Price.Reads().Request {
		c.HoldRequest()
	}
}

// moneyOf reads an amount that stands in the document.
func moneyOf(c *policy.Compilation, name, text string) policy.Money {
	m, exact, err := policy.ParseMoney(text)
	switch {
	case err != nil:
		c.Fault(c.Element.At, "write digits, with a dot before the decimals, such as 0.25", "%s: %v", name, err)
	case !exact:
		c.Fault(c.Element.At, "write at most six decimals", "%s: %q is finer than a millionth", name, text)
	case m == 0:
		c.Fault(c.Element.At, "write more than 0, or remove it", "%s is nothing", name)
	}
	return m
}

// late tells whether something of the price shows with the response only.
func (p *budgetPrices) late() bool {
	return p.perKilobyte > 0 || p.Header != "" || p.Price.IsSet()
}

func (p *budget) Apply(ctx context.Context, x *policy.Exchange) error {
	if p.leaveOut(x) {
		return nil
	}
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	s := p.spend(x, key)
	left, err := s.admit(ctx, x)
	if err != nil {
		return err
	}
	if x.Tracer != nil {
		x.Note(policy.NoteLimit, "money", left.String()+" "+p.Currency+" left")
	}
	if p.RemainingHeader != "" {
		x.SetResponseHeader(p.RemainingHeader, left.String())
	}
	if p.RemainingVariable != "" {
		x.SetVariable(p.RemainingVariable, left.String())
	}
	s.follow(x)
	return nil
}

// spend is what a call is about to spend.
func (p *budget) spend(x *policy.Exchange, key string) *spending {
	now := p.services.Time().UTC()
	start, length := p.start, time.Duration(0)
	kind := "budget " + p.Currency + " "
	if p.Calendar != "" {
		start, length = calendarPeriod(p.Calendar, now)
		if p.Calendar == "Monthly" || p.Calendar == "Yearly" { // of which no two have the same length
			kind += p.Calendar + start.Format("-2006-01 ")
		}
	} else {
		length, _ = p.Length.Literal()
	}
	s := &spending{budget: p, name: key, key: kind + key, tool: toolOf(x)}
	s.quota = policy.Quota{Calls: int64(p.amount), Period: length, Start: start, OnStoreFailure: p.chosen()}
	s.start, s.end = periodAt(now, start, length)
	return s
}

// periodAt is the period of a time; the end of one for ever is zero. What is
// before the first period belongs to it.
func periodAt(now, first time.Time, length time.Duration) (start, end time.Time) {
	seconds := int64(length / time.Second)
	if seconds <= 0 {
		return first, time.Time{}
	}
	n := max(0, (now.Unix()-first.Unix())/seconds)
	start = time.Unix(first.Unix()+n*seconds, 0).UTC()
	return start, time.Unix(start.Unix()+seconds, 0).UTC()
}

// toolOf names what is called: SERVER/TOOL of an MCP server, or its method; or
// API/OPERATION.
func toolOf(x *policy.Exchange) string {
	switch {
	case x.Mcp != nil && x.Mcp.ToolName != "":
		return x.Mcp.ServerName + "/" + x.Mcp.ToolName
	case x.Mcp != nil:
		return x.Mcp.ServerName + " " + x.Mcp.Method
	case x.Api == nil:
		return ""
	case x.Operation == nil:
		return x.Api.ID
	}
	return x.Api.ID + "/" + x.Operation.ID
}

// exceeded is the refusal.
func (s *spending) exceeded(x *policy.Exchange, state policy.QuotaState) *policy.Error {
	e := &policy.Error{Source: "budget", Reason: "BudgetExceeded", Status: http.StatusForbidden, Message: "Budget exceeded."}
	if state.Renewal > 0 {
		seconds := wholeSeconds(state.Renewal)
		x.SetResponseHeader("Retry-After", strconv.FormatInt(seconds, 10))
		e.Message += " It will be renewed in " + expr.TimeSpanOf(time.Duration(seconds)*time.Second).String() + "."
	}
	return e
}
