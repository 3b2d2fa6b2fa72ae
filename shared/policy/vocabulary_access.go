package policy

var accessPolicies = []PolicyType{
	{
		Group: GroupAccess, Summary: "Limits the calls of a subscription in a sliding window.",
		Sections: Inbound, Scopes: AllScopes &^ (ScopeGlobal | ScopeWorkspace), Once: true,
		Differs: "Never lets more through than the limit, over all instances that share a store; may refuse a call although a little is left.",
		ElementType: ElementType{
			Name: "rate-limit",
			Attributes: append([]AttributeType{
				{Name: "calls", Domain: Domain{Type: Int, Min: 1}, Required: true},
				{Name: "renewal-period", Domain: Domain{Type: Seconds, Min: 1, Max: 300}, Required: true},
				onStoreFailure("allow"),
				mcpMethods,
			}, limitNames...),
			Children: perAPI([]AttributeType{
				{Name: "calls", Domain: Domain{Type: Int, Min: 1}, Required: true},
				{Name: "renewal-period", Domain: Domain{Type: Seconds, Min: 1, Max: 300}, Required: true},
			}),
		},
	},
	{
		Group: GroupAccess, Summary: "Limits the calls for each key in a sliding window.",
		Sections: Inbound, Scopes: AllScopes,
		Differs: "Never lets more through than the limit, over all instances that share a store; may refuse a call although a little is left; policies with the same key share its counter when their renewal-period is the same too.",
		ElementType: ElementType{
			Name: "rate-limit-by-key",
			Attributes: append([]AttributeType{
				{Name: "calls", Domain: Domain{Type: Int, Expression: true, Min: 1}, Required: true},
				{Name: "renewal-period", Domain: Domain{Type: Seconds, Expression: true, Min: 1, Max: 300}, Required: true},
				{Name: "counter-key", Domain: anyText, Required: true},
				{Name: "increment-condition", Domain: anyBool},
				{Name: "increment-count", Domain: anyInt, Default: "1"},
				onStoreFailure("allow"),
				mcpMethods,
			}, limitNames...),
		},
	},
	{
		Group: GroupAccess, Summary: "Limits the calls or the bandwidth of a subscription for a period.",
		Sections: Inbound, Scopes: ScopeProduct, Once: true,
		ElementType: ElementType{
			Name: "quota",
			Attributes: []AttributeType{
				{Name: "calls", Domain: Domain{Type: Int, Min: 1}},
				{Name: "bandwidth", Domain: Domain{Type: Int, Min: 1}, Differs: "bodies count, headers do not"},
				{Name: "renewal-period", Domain: Domain{Type: Seconds}, Required: true},
				onStoreFailure("refuse"),
			},
			Any:      [][]string{{"calls", "bandwidth"}},
			Children: perAPI([]AttributeType{{Name: "calls", Domain: literalInt}, {Name: "bandwidth", Domain: literalInt}, {Name: "renewal-period", Domain: Domain{Type: Seconds}}}),
		},
	},
	{
		Group: GroupAccess, Summary: "Limits the calls or the bandwidth for each key for a period.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "quota-by-key",
			Attributes: []AttributeType{
				{Name: "calls", Domain: Domain{Type: Int, Min: 1}},
				{Name: "bandwidth", Domain: Domain{Type: Int, Min: 1}, Differs: "bodies count, headers do not"},
				{Name: "renewal-period", Domain: Domain{Type: Seconds}, Required: true, Differs: "any number, where API Management asks for 0, or 300 and more"},
				{Name: "counter-key", Domain: anyText, Required: true},
				{Name: "increment-condition", Domain: anyBool},
				{Name: "increment-count", Domain: anyInt, Default: "1"},
				{Name: "first-period-start", Domain: Domain{Type: Timestamp}, Default: "0001-01-01T00:00:00Z"},
				onStoreFailure("refuse"),
			},
			Any: [][]string{{"calls", "bandwidth"}},
		},
	},
	{
		Group: GroupAccess, Summary: "Limits the money that calls cost for each key in a period, by prices that the document, an expression or the backend says.",
		Sections: Inbound, Scopes: AllScopes, Ours: true,
		ElementType: ElementType{
			Name: "budget",
			Attributes: []AttributeType{
				{Name: "amount", Required: true, Differs: "of each period, with at most six decimals; all amounts and prices are in currency"},
				{Name: "currency", Required: true, Differs: "three capital letters, such as EUR"},
				{Name: "counter-key", Domain: anyText, Required: true},
				{Name: "renewal-period", Domain: Domain{Type: Seconds}, Differs: "60 and more, or 0 for ever"},
				{Name: "budget-period", Domain: Domain{Type: Enum, Enum: calendarPeriods}, Differs: "of the calendar, in UTC"},
				{Name: "first-period-start", Domain: Domain{Type: Timestamp}, Default: "0001-01-01T00:00:00Z", Differs: "goes with renewal-period"},
				{Name: "price-per-call", Differs: "charged before the call"},
				{Name: "price-per-kilobyte", Differs: "of the body of the response, charged when it was sent"},
				{Name: "price-header", Differs: "the header of the response in which the backend says the price; a response without it adds none"},
				{Name: "price", Domain: anyText, Differs: "evaluated when the response is there"},
				{Name: "remaining-header-name", Differs: "a header of the response, for what is left before prices that are known afterwards"},
				{Name: "remaining-variable-name", Differs: "a variable for the same, a text such as 4.998"},
				onStoreFailure("refuse"),
				mcpMethods,
			},
			Any: [][]string{{"renewal-period", "budget-period"}, {"price-per-call", "price-per-kilobyte", "price-header", "price"}},
			One: [][]string{{"renewal-period", "budget-period"}, {"first-period-start", "budget-period"}},
		},
	},
	{
		Group: GroupAccess, Summary: "Lets calls from some addresses through, or keeps them out.",
		Sections: Inbound, Scopes: AllScopes,
		Differs: "An address may have a prefix length, such as 192.0.2.0/24; an address that cannot be read is a fault when the folder is built.",
		ElementType: ElementType{
			Name:       "ip-filter",
			Attributes: []AttributeType{{Name: "action", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"allow", "forbid"}}, Required: true}},
			Children: []ElementType{
				{Name: "address", Content: Content{Kind: ContentText, Domain: anyText, Required: true}},
				{Name: "address-range", Attributes: []AttributeType{{Name: "from", Required: true}, {Name: "to", Required: true}}},
			},
		},
	},
	{
		Group: GroupAccess, Summary: "Refuses a request that lacks a header, or a value of it.",
		Sections: Inbound, Scopes: AllScopes,
		Differs: "The failure does not show the value of a header that holds a credential.",
		ElementType: ElementType{
			Name: "check-header",
			Attributes: []AttributeType{
				{Name: "name", Domain: anyText, Required: true},
				{Name: "failed-check-httpcode", Domain: status, Required: true},
				{Name: "failed-check-error-message", Domain: anyText, Required: true},
				{Name: "ignore-case", Domain: anyBool, Required: true},
			},
			Children: []ElementType{{Name: "value", Content: textOrCode}},
		},
	},
	{
		Group: GroupAccess, Summary: "Answers preflight requests and lets browsers of other origins read responses.",
		Sections: Inbound, Scopes: AllScopes, Once: true,
		ElementType: ElementType{
			Name: "cors",
			Attributes: []AttributeType{
				{Name: "allow-credentials", Domain: anyBool, Default: "false"},
				{Name: "terminate-unmatched-request", Domain: anyBool, Default: "true"},
			},
			Children: []ElementType{
				{Name: "allowed-origins", Min: 1, Max: 1, Children: []ElementType{{Name: "origin", Min: 1, Content: textOrCode}}},
				{
					Name: "allowed-methods", Max: 1,
					Attributes: []AttributeType{{Name: "preflight-result-max-age", Domain: anySeconds, Default: "0"}},
					Children:   []ElementType{{Name: "method", Min: 1, Content: textOrCode}},
				},
				list("allowed-headers", "header"),
				list("expose-headers", "header"),
			},
		},
	},
}

// calendarPeriods are those whose length the calendar has.
var calendarPeriods = []string{"Hourly", "Daily", "Weekly", "Monthly", "Yearly"}

// mcpMethods confines a limit to some of the messages of an MCP server.
var mcpMethods = AttributeType{Name: "mcp-methods", Domain: Domain{Type: List}, Ours: true, Differs: "only messages of these methods, such as tools/call, are counted and refused; requests that are no MCP messages always are"}

// onStoreFailure says what becomes of calls while the store of counters does not
// answer. Without a default, each kind of limit in the policy has its own.
func onStoreFailure(byDefault string) AttributeType {
	differs := "calls that cannot be counted, because the store of counters does not answer, pass or are refused with status 503"
	if byDefault == "" {
		differs += "; by default those of the minute pass, and those of a quota are refused"
	}
	return AttributeType{Name: "on-store-failure", Domain: Domain{Type: Enum, Enum: []string{"allow", "refuse"}}, Default: byDefault, Ours: true, Differs: differs}
}

// limitNames are the attributes that say where a limit tells what is left.
var limitNames = []AttributeType{
	{Name: "retry-after-header-name", Default: "Retry-After"},
	{Name: "retry-after-variable-name"},
	{Name: "remaining-calls-header-name"},
	{Name: "remaining-calls-variable-name"},
	{Name: "total-calls-header-name"},
}

// perAPI are the limits of single APIs and operations inside the limit of a
// product.
func perAPI(limits []AttributeType) []ElementType {
	attributes := append([]AttributeType{{Name: "name"}, {Name: "id"}}, limits...)
	named := [][]string{{"id", "name"}}
	return []ElementType{{
		Name: "api", Attributes: attributes, Any: named,
		Children: []ElementType{{Name: "operation", Attributes: attributes, Any: named}},
	}}
}
