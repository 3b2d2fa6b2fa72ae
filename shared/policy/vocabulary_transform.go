package policy

var transformPolicies = []PolicyType{
	{
		Group: GroupTransform, Summary: "Sets, adds to or deletes a header.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "Line ends are taken out of values.",
		ElementType: ElementType{
			Name: "set-header",
			Attributes: []AttributeType{
				{Name: "name", Domain: anyText, Required: true},
				{Name: "exists-action", Domain: existsAction, Default: "override"},
			},
			Children: []ElementType{{Name: "value", Content: textOrCode}},
		},
	},
	{
		Group: GroupTransform, Summary: "Sets, adds to or deletes a query parameter.",
		Sections: Inbound | Backend, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "set-query-parameter",
			Attributes: []AttributeType{
				{Name: "name", Domain: anyText, Required: true},
				{Name: "exists-action", Domain: existsAction, Default: "override"},
			},
			Children: []ElementType{{Name: "value", Content: textOrCode}},
		},
	},
	{
		Group: GroupTransform, Summary: "Sets the body.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "set-body",
			Attributes: []AttributeType{
				{
					Name: "template", Domain: Domain{Type: Enum, Enum: []string{"liquid", "none"}},
					Differs: "a tag or a filter of Liquid that DotLiquid does not know is a fault when the folder is built",
				},
				{Name: "xsi-nil", Domain: Domain{Type: Enum, Enum: []string{"blank", "null"}}, Default: "blank"},
				{Name: "parse-date", Domain: literalBool, Default: "true"},
			},
			Content: Content{Kind: ContentText, Domain: Domain{Type: Object, Expression: true}}, // text, or bytes of an expression
		},
	},
	{
		Group: GroupTransform, Summary: "Sets the method of the request.",
		Sections: Inbound | OnError, Scopes: AllScopes,
		ElementType: ElementType{
			Name:    "set-method",
			Content: Content{Kind: ContentText, Domain: anyText, Required: true},
		},
	},
	{
		Group: GroupTransform, Summary: "Sets the status of the response.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "set-status",
			Attributes: []AttributeType{
				{Name: "code", Domain: status, Required: true},
				{Name: "reason", Domain: anyText, Differs: "may be left out, for the standard phrase"},
			},
		},
	},
	{
		Group: GroupTransform, Summary: "Sets the path and the query of the request to the backend.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "rewrite-uri",
			Attributes: []AttributeType{
				{Name: "template", Domain: anyText, Required: true},
				{Name: "copy-unmatched-params", Domain: anyBool, Default: "true"},
			},
		},
	},
	{
		Group: GroupTransform, Summary: "Chooses the backend.",
		Sections: Inbound | Backend, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "set-backend-service",
			Attributes: []AttributeType{
				{Name: "base-url", Domain: anyText},
				{Name: "backend-id", Domain: anyText},
				{Name: "sf-resolve-condition", Domain: anyBool, NotRun: noServiceFabric},
				{Name: "sf-service-instance-name", Domain: anyText, NotRun: noServiceFabric},
				{Name: "sf-partition-key", Domain: anyText, NotRun: noServiceFabric},
				{Name: "sf-listener-name", Domain: anyText, NotRun: noServiceFabric},
				{Name: "sf-replica-type", Domain: anyText, NotRun: noServiceFabric},
				{Name: "dapr-app-id", Domain: anyText, NotRun: noDapr},
				{Name: "dapr-method", Domain: anyText, NotRun: noDapr},
				{Name: "dapr-namespace", Domain: anyText, NotRun: noDapr},
			},
			Any: [][]string{{"base-url", "backend-id"}},
			One: [][]string{{"base-url", "backend-id"}},
		},
	},
	{
		Group: GroupTransform, Summary: "Replaces one text by another in the body.",
		Sections: AllSections, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "find-and-replace",
			Attributes: []AttributeType{
				{Name: "from", Domain: anyText, Required: true},
				{Name: "to", Domain: anyText, Required: true},
			},
		},
	},
	{
		Group: GroupTransform, Summary: "Turns an XML body into JSON.",
		Sections: Inbound | Outbound | OnError, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "xml-to-json",
			Attributes: []AttributeType{
				{Name: "kind", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"direct", "javascript-friendly"}}, Required: true},
				{Name: "apply", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"always", "content-type-xml"}}, Required: true},
				{Name: "consider-accept-header", Domain: anyBool, Default: "true"},
				{Name: "always-array-child-elements", Domain: anyBool, Default: "false"},
			},
		},
	},
	{
		Group: GroupTransform, Summary: "Turns a JSON body into XML.",
		Sections: Inbound | Outbound | OnError, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "json-to-xml",
			Attributes: []AttributeType{
				{Name: "apply", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"always", "content-type-json"}}, Required: true},
				{Name: "consider-accept-header", Domain: anyBool, Default: "true"},
				{Name: "parse-date", Domain: literalBool, Default: "true"},
				{Name: "namespace-separator", Domain: anyText, Default: "_"},
				{Name: "namespace-prefix", Domain: anyText},
				{Name: "attribute-block-name", Domain: anyText},
			},
		},
	},
	{
		Group: GroupTransform, Summary: "Makes links to the backend in the response point to the gateway.",
		Sections: Inbound | Outbound, Scopes: AllScopes,
		ElementType: ElementType{Name: "redirect-content-urls"},
	},
}
