package policy

var observePolicies = []PolicyType{
	{
		Group: GroupObserve, Summary: "Writes a message to the trace.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "Every message is reported, whatever its severity: to the log, unless the host sends traces elsewhere.",
		ElementType: ElementType{
			Name: "trace",
			Attributes: []AttributeType{
				{Name: "source", Required: true},
				{Name: "severity", Domain: Domain{Type: Enum, Enum: []string{"verbose", "information", "error"}}, Default: "verbose"},
			},
			Children: []ElementType{
				{Name: "message", Max: 1, Content: textOrCode},
				{Name: "metadata", Attributes: []AttributeType{
					{Name: "name", Domain: anyText, Required: true},
					{Name: "value", Domain: anyText, Required: true},
				}},
			},
			Content: textOrCode, // the message, as older documents have it
		},
	},
	{
		Group: GroupObserve, Summary: "Adds to a metric.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "Goes to the log, unless the host sends metrics elsewhere.",
		ElementType: ElementType{
			Name: "emit-metric",
			Attributes: []AttributeType{
				{Name: "name", Required: true},
				{Name: "namespace", Default: "API Management"},
				{Name: "value", Domain: Domain{Type: Decimal, Expression: true}, Default: "1"},
			},
			Children: []ElementType{dimension},
		},
	},
	{
		Group: GroupObserve, Summary: "Sends a message to a logger.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "The logger is the hub of that id under telemetry.eventHubs; where there is none, the message goes to the log.",
		ElementType: ElementType{
			Name: "log-to-eventhub",
			Attributes: []AttributeType{
				{Name: "logger-id", Required: true},
				{Name: "partition-id"},
				{Name: "partition-key", Domain: anyText},
			},
			One:     [][]string{{"partition-id", "partition-key"}},
			Content: Content{Kind: ContentText, Domain: anyText, Required: true},
		},
	},
}

// dimension is one of a metric; those that API Management knows by name need
// no value.
var dimension = ElementType{
	Name: "dimension", Min: 1,
	Attributes: []AttributeType{{Name: "name", Domain: anyText, Required: true}, {Name: "value", Domain: anyText}},
}
