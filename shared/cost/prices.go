package cost

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Prices are list prices of one day and region, all in one currency.
type Prices struct {
	Date     string `json:"date"` // when they were looked at, as 2026-11-23
	Currency string `json:"currency"`
	Region   string `json:"region"`
	// Sources are where each price was found; a price that was not found at its
	// vendor says so.
	Sources []Source `json:"sources"`
	Flex    struct {
		GigabyteSecond      float64 `json:"gigabyteSecond"`
		MillionExecutions   float64 `json:"millionExecutions"`
		FreeGigabyteSeconds float64 `json:"freeGigabyteSeconds"` // in a month
		FreeExecutions      float64 `json:"freeExecutions"`
	} `json:"flex"`
	Lambda struct {
		ArmGigabyteSecond   float64 `json:"armGigabyteSecond"`
		X86GigabyteSecond   float64 `json:"x86GigabyteSecond"`
		MillionRequests     float64 `json:"millionRequests"`
		FreeGigabyteSeconds float64 `json:"freeGigabyteSeconds"`
		FreeRequests        float64 `json:"freeRequests"`
	} `json:"lambda"`
	Tables struct {
		MillionOperations float64 `json:"millionOperations"`
	} `json:"tables"`
	DynamoDB struct {
		MillionReadUnits  float64 `json:"millionReadUnits"`
		MillionWriteUnits float64 `json:"millionWriteUnits"`
	} `json:"dynamodb"`
	Logs struct {
		AzureGigabyte float64 `json:"azureGigabyte"`
		AWSGigabyte   float64 `json:"awsGigabyte"`
	} `json:"logs"`
	Tiers []Tier `json:"tiers"`
}

// Source says where some prices were found.
type Source struct {
	Of    string `json:"of"`
	Where string `json:"where"`
}

// Tier is one of API Management. Sources do not agree on all of them: a month costs
// between MonthLow and MonthHigh for each unit.
type Tier struct {
	Name          string  `json:"name"`
	MonthLow      float64 `json:"monthLow"`
	MonthHigh     float64 `json:"monthHigh"`
	IncludedCalls float64 `json:"includedCalls,omitzero"` // for each unit, in a month
	MillionCalls  float64 `json:"millionCalls,omitzero"`  // beyond those; 0: calls are not billed
	// RequestsPerSecond is what a unit takes, as the vendor estimates; 0: not said.
	RequestsPerSecond float64 `json:"requestsPerSecond,omitzero"`
	MaxUnits          float64 `json:"maxUnits,omitzero"` // 0: not said
	MCP               bool    `json:"mcp"`
}

// ReadPrices reads a file of prices, and refuses one that leaves a price out, since
// nothing is free.
func ReadPrices(content []byte) (*Prices, error) {
	p := &Prices{}
	if err := json.Unmarshal(content, p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("reading the prices: %w", err)
	}
	var errs []error
	for name, text := range map[string]string{"date": p.Date, "currency": p.Currency, "region": p.Region} {
		if text == "" {
			errs = append(errs, fmt.Errorf("the prices have no %q", name))
		}
	}
	for name, price := range map[string]float64{
		"flex.gigabyteSecond": p.Flex.GigabyteSecond, "flex.millionExecutions": p.Flex.MillionExecutions,
		"lambda.armGigabyteSecond": p.Lambda.ArmGigabyteSecond, "lambda.x86GigabyteSecond": p.Lambda.X86GigabyteSecond,
		"lambda.millionRequests": p.Lambda.MillionRequests, "tables.millionOperations": p.Tables.MillionOperations,
		"dynamodb.millionReadUnits": p.DynamoDB.MillionReadUnits, "dynamodb.millionWriteUnits": p.DynamoDB.MillionWriteUnits,
		"logs.azureGigabyte": p.Logs.AzureGigabyte, "logs.awsGigabyte": p.Logs.AWSGigabyte,
	} {
		if !(price > 0) {
			errs = append(errs, fmt.Errorf("the price %q is %v: write one above 0", name, price))
		}
	}
	for _, t := range p.Tiers {
		if t.Name == "" || t.MonthLow < 0 || t.MonthHigh < t.MonthLow || t.MillionCalls < 0 {
			errs = append(errs, fmt.Errorf("the tier %q has no name, or prices that are none", t.Name))
		}
	}
	return p, errors.Join(errs...)
}
