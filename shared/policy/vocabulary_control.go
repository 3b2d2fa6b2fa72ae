package policy

var controlPolicies = []PolicyType{
	{
		Group: GroupControl, Summary: "Runs the policies of the first branch whose condition is true.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "choose",
			Children: []ElementType{
				{
					Name: "when", Min: 1, Content: anyPolicies,
					Attributes: []AttributeType{{Name: "condition", Domain: anyBool, Required: true}},
				},
				{Name: "otherwise", Max: 1, Content: anyPolicies},
			},
		},
	},
	{
		Group: GroupControl, Summary: "Stands for the policies of the fragment.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name:       "include-fragment",
			Attributes: []AttributeType{{Name: "fragment-id", Required: true}},
		},
	},
	{
		Group: GroupControl, Summary: "Ends the pipeline and answers with a response of its own.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name:       "return-response",
			Attributes: []AttributeType{{Name: "response-variable-name"}},
			Children:   reply("set-status", "set-header", "set-body"),
		},
	},
	{
		Group: GroupControl, Summary: "Runs the policies inside again while the condition is true.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "In backend, the body of the request is kept for the retries without buffer-request-body.",
		ElementType: ElementType{
			Name: "retry",
			Attributes: []AttributeType{
				{Name: "condition", Domain: anyBool, Required: true},
				{Name: "count", Domain: Domain{Type: Int, Expression: true, Min: 1, Max: 50}, Required: true},
				{Name: "interval", Domain: anySeconds, Required: true},
				{Name: "max-interval", Domain: anySeconds},
				{Name: "delta", Domain: anySeconds},
				{Name: "first-fast-retry", Domain: anyBool, Default: "false"},
			},
			Content: Content{Kind: ContentPolicies, Except: []string{"wait"}},
		},
	},
	{
		Group: GroupControl, Summary: "Lets at most max-count calls run the policies inside at a time for each key.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "limit-concurrency",
			Attributes: []AttributeType{
				{Name: "key", Domain: anyText, Required: true},
				{Name: "max-count", Domain: Domain{Type: Int, Min: 1}, Required: true},
			},
			Content: anyPolicies,
		},
	},
	{
		Group: GroupControl, Summary: "Runs the policies inside at the same time and waits for all of them, or for the first.",
		Sections: Inbound | Backend | Outbound, Scopes: AllScopes,
		Differs: "What changes the message must not stand in a branch: it is a fault when the folder is built.",
		ElementType: ElementType{
			Name: "wait",
			Attributes: []AttributeType{
				{Name: "for", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"all", "any"}}, Default: "all"},
			},
			Content: Content{Kind: ContentPolicies, Only: []string{"send-request", "cache-lookup-value", "choose"}},
		},
	},
	{
		Group: GroupControl, Summary: "Sets a variable of the context.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "A variable also holds a response and a Jwt.",
		ElementType: ElementType{
			Name: "set-variable",
			Attributes: []AttributeType{
				{Name: "name", Required: true},
				{Name: "value", Domain: Domain{Type: Object, Expression: true}, Required: true},
			},
		},
	},
	{
		Group: GroupControl, Summary: "Answers with a sample response of the operation.",
		Sections: Inbound | Outbound | OnError, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "mock-response",
			Attributes: []AttributeType{
				{Name: "status-code", Domain: Domain{Type: Int, Min: 100, Max: 999}, Default: "200"},
				{Name: "content-type"},
				{Name: "index", Domain: literalInt, Differs: "from the policy toolkit; the documentation of API Management does not have it"},
			},
		},
	},
}
