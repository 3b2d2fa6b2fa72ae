package policy

var trafficPolicies = []PolicyType{
	{
		Group: GroupTraffic, Summary: "Sends the request to the backend.",
		Sections: Backend, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "forward-request",
			Attributes: []AttributeType{
				{Name: "http-version", Domain: Domain{Type: Enum, Enum: []string{"1", "2or1", "2"}}, Default: "1"},
				{Name: "timeout", Domain: anySeconds, Default: "300", Differs: "without it, the limit of the backend's configuration counts"},
				{Name: "timeout-ms", Domain: anyInt},
				{Name: "continue-timeout", Domain: anySeconds, Differs: "makes no difference"},
				{Name: "follow-redirects", Domain: anyBool, Default: "false"},
				{Name: "buffer-request-body", Domain: literalBool, Default: "false"},
				{Name: "buffer-response", Domain: literalBool, Default: "true", Differs: "makes no difference: a response passes as it comes, unless a policy reads its body"},
				{Name: "fail-on-error-status-code", Domain: literalBool, Default: "false"},
			},
			One: [][]string{{"timeout", "timeout-ms"}},
		},
	},
	{
		Group: GroupTraffic, Summary: "Sends a request of its own and puts the response into a variable.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "set-query-parameter and authentication-basic may stand in it too; without set-method it sends a GET.",
		ElementType: ElementType{
			Name: "send-request",
			Attributes: append([]AttributeType{
				{Name: "response-variable-name", Domain: anyText, Required: true},
				{Name: "ignore-error", Domain: literalBool, Default: "false"},
			}, requestAttributes...),
			Children: requestChildren,
		},
	},
	{
		Group: GroupTraffic, Summary: "Sends a request of its own and does not wait for the response.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "Sent after the response of the call; a request that cannot be made is no failure. set-query-parameter and authentication-basic may stand in it too.",
		ElementType: ElementType{
			Name:       "send-one-way-request",
			Attributes: requestAttributes,
			Children:   requestChildren,
		},
	},
	{
		Group: GroupTraffic, Summary: "Sends a request of its own; without a variable its response ends the section.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "As API Management's policy toolkit has it; its documentation has no page for this policy.",
		ElementType: ElementType{
			Name: "invoke-request",
			Attributes: []AttributeType{
				{Name: "url", Domain: anyText},
				{Name: "method", Domain: anyText},
				{Name: "backend-id", Domain: anyText},
				{Name: "response-variable-name", Domain: anyText},
				{Name: "timeout", Domain: anySeconds, Default: "60"},
				{Name: "ignore-error", Domain: anyBool, Default: "false"},
			},
			Any:      [][]string{{"url", "backend-id"}},
			Children: reply("set-header", "set-body"),
		},
	},
	{
		Group: GroupTraffic, Summary: "Sends the request to the backend by way of an HTTP proxy.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "proxy",
			Attributes: []AttributeType{
				{Name: "url", Domain: anyText, Required: true},
				{Name: "username", Domain: anyText},
				{Name: "password", Domain: anyText},
			},
		},
	},
}

var requestAttributes = []AttributeType{
	{Name: "mode", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"new", "copy"}}, Default: "new"},
	{Name: "timeout", Domain: anySeconds, Default: "60"},
}

var requestChildren = append([]ElementType{{Name: "set-url", Max: 1, Content: Content{Kind: ContentText, Domain: anyText, Required: true}}},
	reply("set-method", "set-header", "set-query-parameter", "set-body", "authentication-basic", "authentication-certificate", "authentication-managed-identity", "proxy")...)
