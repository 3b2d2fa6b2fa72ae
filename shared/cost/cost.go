// Package cost says what a month of calls costs on Azure Functions and on AWS Lambda,
// and what API Management's tiers cost beside it. It knows which operations policies
// ask of a store, as they were counted, and how the platforms bill; prices come in.
package cost

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// secondsOfHour and hoursOfMonth are what bills are made of: a month has 730 hours.
const (
	secondsOfHour = 3600
	hoursOfMonth  = 730
	million       = 1e6
	gigabyte      = 1e9 // of logs, as they are billed
)

// Load is a month of calls, and what serves them.
type Load struct {
	Calls     float64 // in the month
	LatencyMS float64 // mean time from the request to the end of its answer, in milliseconds
	// Hours is in how many hours of the month the calls come, evenly spread; 730 at
	// most.
	Hours float64
	// FlexMB is the memory of an instance of Azure Functions, in megabytes, and
	// FlexConcurrency how many calls it takes at once.
	FlexMB          int
	FlexConcurrency int
	// LambdaMB is the memory of a Lambda function, in megabytes, and Arch its
	// machine: arm64 or x86_64.
	LambdaMB int
	Arch     string
	// Uses are the policies, and other things, that ask the store; see [Uses].
	Uses []string
	// LogBytes is what a call leaves in logs and telemetry, in bytes.
	LogBytes float64
}

// Line is a part of a bill, in the currency of the prices.
type Line struct {
	What string `json:"what"`
	// Low and High are the bounds of what it costs; they are equal where only one
	// thing can be.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	How  string  `json:"how,omitzero"` // what was multiplied
}

// Bill is what a month costs in one place.
type Bill struct {
	Where string  `json:"where"`
	Lines []Line  `json:"lines,omitzero"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Note  string  `json:"note,omitzero"`
}

func (b *Bill) add(l Line) {
	b.Lines = append(b.Lines, l)
	b.Low, b.High = b.Low+l.Low, b.High+l.High
}

// Check refuses a load that no bill can be made of.
func (l *Load) Check() error {
	var errs []error
	positive := func(name string, v, most float64) {
		if !(v > 0) || v > most {
			errs = append(errs, fmt.Errorf("%s is %v: write a number above 0, and %v at most", name, v, most))
		}
	}
	positive("calls", l.Calls, 1e12)
	positive("latency", l.LatencyMS, 900_000)
	positive("hours", l.Hours, hoursOfMonth)
	positive("memory of Azure Functions", float64(l.FlexMB), 4096)
	positive("concurrency", float64(l.FlexConcurrency), 1000)
	positive("memory of Lambda", float64(l.LambdaMB), 10240)
	if l.LogBytes < 0 || l.LogBytes > 1e9 || math.IsNaN(l.LogBytes) {
		errs = append(errs, fmt.Errorf("the bytes of logs are %v: write 0 or more", l.LogBytes))
	}
	known := Uses()
	for _, use := range l.Uses {
		if !slices.Contains(known, use) {
			errs = append(errs, fmt.Errorf("%q asks nothing of a store: write some of %s", use, strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}

// perSecond is the rate in the hours in which calls come.
func (l *Load) perSecond() float64 { return l.Calls / (l.Hours * secondsOfHour) }

// Flex is the bill of Azure Functions in the plan Flex Consumption: an instance is
// billed while it serves at least one call, a second at least each time, in steps of
// 100 ms.
//
// The lower bound takes calls to come at random and to share instances as far as they
// may; the upper one gives each call an instance of its own.
func (l *Load) Flex(p *Prices) Bill {
	const minimum, step = 1000, 100 // ms
	b := Bill{Where: "Azure Functions, Flex Consumption"}
	billed := math.Max(minimum, math.Ceil(l.LatencyMS/step)*step) / 1000
	seconds := l.Hours * secondsOfHour
	// Arrivals at random with a mean distance of 1/rate leave some instance busy for
	// this share of the time (M/G/∞); beyond that, instances are as many as calls fill.
	alone := seconds * -math.Expm1(-l.perSecond()*billed)
	shared := l.Calls * l.LatencyMS / 1000 / float64(l.FlexConcurrency)
	size := float64(l.FlexMB) / 1024
	low, high := size*math.Min(math.Max(alone, shared), l.Calls*billed), size*l.Calls*billed
	b.add(Line{
		What: "memory and time", Low: beyond(low, p.Flex.FreeGigabyteSeconds) * p.Flex.GigabyteSecond, High: beyond(high, p.Flex.FreeGigabyteSeconds) * p.Flex.GigabyteSecond,
		How: fmt.Sprintf("%.0f to %.0f GB-s, %.0f free", low, high, p.Flex.FreeGigabyteSeconds),
	})
	b.add(exactly("executions", beyond(l.Calls, p.Flex.FreeExecutions)/million*p.Flex.MillionExecutions, fmt.Sprintf("%.0f, %.0f free", l.Calls, p.Flex.FreeExecutions)))
	b.add(l.store("Azure Tables", func(o Operations) float64 { return (o.Reads + o.Writes) * p.Tables.MillionOperations }))
	b.add(l.logs("Application Insights", p.Logs.AzureGigabyte))
	return b
}

// Lambda is the bill of AWS Lambda behind a Function URL: each call is billed by its
// own time, in milliseconds.
func (l *Load) Lambda(p *Prices) Bill {
	b := Bill{Where: "AWS Lambda (" + l.Arch + ")"}
	seconds := l.Calls * math.Ceil(l.LatencyMS) / 1000 * float64(l.LambdaMB) / 1024
	price := p.Lambda.ArmGigabyteSecond
	if l.Arch == "x86_64" {
		price = p.Lambda.X86GigabyteSecond
	}
	b.add(exactly("memory and time", beyond(seconds, p.Lambda.FreeGigabyteSeconds)*price, fmt.Sprintf("%.0f GB-s, %.0f free", seconds, p.Lambda.FreeGigabyteSeconds)))
	b.add(exactly("requests", beyond(l.Calls, p.Lambda.FreeRequests)/million*p.Lambda.MillionRequests, fmt.Sprintf("%.0f, %.0f free", l.Calls, p.Lambda.FreeRequests)))
	b.add(l.store("DynamoDB", func(o Operations) float64 {
		return o.ReadUnits*p.DynamoDB.MillionReadUnits + o.WriteUnits*p.DynamoDB.MillionWriteUnits
	}))
	b.add(l.logs("CloudWatch Logs", p.Logs.AWSGigabyte))
	return b
}

// Tiers are the bills of API Management. Units are as many as the rate of calls needs,
// where the vendor says how many a unit takes.
func (l *Load) Tiers(p *Prices) []Bill {
	var list []Bill
	for _, t := range p.Tiers {
		units := 1.0
		if t.RequestsPerSecond > 0 {
			units = math.Max(1, math.Ceil(l.perSecond()/t.RequestsPerSecond))
		}
		b := Bill{Where: "API Management " + t.Name}
		b.add(Line{What: "units", Low: units * t.MonthLow, High: units * t.MonthHigh, How: fmt.Sprintf("%.0f", units)})
		if t.MillionCalls > 0 {
			included := t.IncludedCalls * units
			b.add(exactly("calls", beyond(l.Calls, included)/million*t.MillionCalls, fmt.Sprintf("%.0f, %.0f included", l.Calls, included)))
		}
		switch {
		case !t.MCP:
			b.Note = "has no MCP servers"
		case t.MaxUnits > 0 && units > t.MaxUnits:
			b.Note = fmt.Sprintf("has at most %.0f units", t.MaxUnits)
		}
		list = append(list, b)
	}
	return list
}

// beyond is what is left to pay for after what is free.
func beyond(n, free float64) float64 { return math.Max(0, n-free) }

func exactly(what string, price float64, how string) Line { return Line{what, price, price, how} }

// store is what the operations cost that were counted for each use: the cheapest
// situation of each, and the dearest.
func (l *Load) store(name string, price func(Operations) float64) Line {
	line := Line{What: name, How: "no policy asks it"}
	if len(l.Uses) > 0 {
		line.How = strings.Join(l.Uses, ", ")
	}
	for _, use := range l.Uses {
		low, high := math.Inf(1), 0.0
		for _, o := range Counted() {
			if slices.Contains(o.Uses, use) {
				low, high = math.Min(low, price(o)), math.Max(high, price(o))
			}
		}
		if !math.IsInf(low, 1) {
			line.Low, line.High = line.Low+l.Calls/million*low, line.High+l.Calls/million*high
		}
	}
	return line
}

func (l *Load) logs(name string, gigabytePrice float64) Line {
	bytes := l.Calls * l.LogBytes
	return exactly(name, bytes/gigabyte*gigabytePrice, fmt.Sprintf("%.2f GB", bytes/gigabyte))
}
