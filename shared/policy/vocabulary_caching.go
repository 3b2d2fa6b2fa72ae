package policy

var cachingPolicies = []PolicyType{
	{
		Group: GroupCaching, Summary: "Answers from the cache when it has the response.",
		Sections: Inbound, Scopes: AllScopes, Once: true, NotInFragment: true,
		ElementType: ElementType{
			Name: "cache-lookup",
			Attributes: []AttributeType{
				{Name: "vary-by-developer", Domain: anyBool, Required: true},
				{Name: "vary-by-developer-groups", Domain: anyBool, Required: true},
				{Name: "downstream-caching-type", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"none", "private", "public"}}, Default: "none"},
				{Name: "must-revalidate", Domain: anyBool, Default: "true"},
				{Name: "allow-private-response-caching", Domain: anyBool, Default: "false"},
				cachingType,
			},
			Children: []ElementType{
				{Name: "vary-by-header", Content: textOrCode},
				{Name: "vary-by-query-parameter", Content: Content{Kind: ContentText, Domain: Domain{Type: List, Expression: true}}},
			},
		},
	},
	{
		Group: GroupCaching, Summary: "Keeps the response in the cache.",
		Sections: Outbound, Scopes: AllScopes, Once: true,
		ElementType: ElementType{
			Name: "cache-store",
			Attributes: []AttributeType{
				{Name: "duration", Domain: anySeconds, Required: true},
				{Name: "cache-response", Domain: anyBool},
				cachingType,
			},
		},
	},
	{
		Group: GroupCaching, Summary: "Reads a value from the cache into a variable.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "On a miss without default-value the variable is absent; API Management's documentation says both that and null.",
		ElementType: ElementType{
			Name: "cache-lookup-value",
			Attributes: []AttributeType{
				{Name: "key", Domain: anyText, Required: true},
				{Name: "variable-name", Required: true},
				{Name: "default-value", Domain: Domain{Type: Object, Expression: true}},
				cachingType,
			},
		},
	},
	{
		Group: GroupCaching, Summary: "Keeps a value in the cache.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "Null is not kept.",
		ElementType: ElementType{
			Name: "cache-store-value",
			Attributes: []AttributeType{
				{Name: "key", Domain: anyText, Required: true},
				{Name: "value", Domain: Domain{Type: Object, Expression: true}, Required: true},
				{Name: "duration", Domain: anySeconds, Required: true},
				cachingType,
			},
		},
	},
	{
		Group: GroupCaching, Summary: "Removes a value from the cache.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "cache-remove-value",
			Attributes: []AttributeType{
				{Name: "key", Domain: anyText, Required: true},
				cachingType,
				{Name: "fail-on-cache-removal-error", Domain: anyBool, Default: "false"},
			},
		},
	},
	{
		Group: GroupCaching, Summary: "Reads a value from the cache, or computes it by the policies inside and keeps it.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "As API Management's policy toolkit has it; its documentation has no page for this policy.",
		ElementType: ElementType{
			Name: "cache-value",
			Attributes: []AttributeType{
				{Name: "key", Domain: anyText, Required: true},
				{Name: "variable-name", Required: true},
				{Name: "default-value", Domain: Domain{Type: Object, Expression: true}},
				{Name: "expires-after", Domain: anySeconds, Default: "28800"},
				{Name: "refresh-after", Domain: anySeconds},
				cachingType,
			},
			Children: []ElementType{{Name: "value", Min: 1, Max: 1, Content: anyPolicies}},
		},
	},
}
