package policy

// Actions on what does not satisfy a schema.
var (
	anyAction = Domain{Type: Enum, Expression: true, Enum: []string{"ignore", "prevent", "detect"}}
	// restScopes are those of REST APIs: what MCP servers answer no OpenAPI
	// document describes.
	restScopes = AllScopes &^ (ScopeServer | ScopeTool)
)

var validationPolicies = []PolicyType{
	{
		Group: GroupValidation, Summary: "Checks the size and the schema of a body: of a tool's arguments and structured result where messages are MCP's.",
		Sections: Inbound | Outbound | OnError, Scopes: AllScopes,
		Differs: "Where messages are MCP's it checks the arguments of tools/call and the structured content of its result, by schema-id; XML and SOAP are checked for their form only.",
		ElementType: ElementType{
			Name: "validate-content",
			Attributes: []AttributeType{
				{Name: "unspecified-content-type-action", Domain: anyAction, Required: true},
				{Name: "max-size", Domain: Domain{Type: Int, Expression: true, Min: 1, Max: 4 << 20}, Required: true},
				{Name: "size-exceeded-action", Domain: anyAction, Required: true},
				{Name: "errors-variable-name"},
			},
			Children: []ElementType{
				{
					Name: "content-type-map", Max: 1,
					Attributes: []AttributeType{{Name: "any-content-type-value"}, {Name: "missing-content-type-value"}},
					Children: []ElementType{{
						Name: "type", Any: [][]string{{"from", "when"}}, One: [][]string{{"from", "when"}},
						Attributes: []AttributeType{{Name: "from"}, {Name: "when", Domain: anyBool}, {Name: "to", Required: true}},
					}},
				},
				{Name: "content", Attributes: []AttributeType{
					{Name: "type"},
					{Name: "validate-as", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"json", "xml", "soap"}}, Required: true},
					{Name: "schema-id"},
					{Name: "schema-ref", NotRun: "a schema is used as a whole; make the part of it a schema of its own"},
					{Name: "action", Domain: anyAction, Required: true},
					{Name: "allow-additional-properties", Domain: anyBool, Differs: "only true is run; false belongs into the schema"},
					{Name: "case-insensitive-property-names", Domain: anyBool, Default: "false", Differs: "only false is run"},
				}},
			},
		},
	},
	{
		Group: GroupValidation, Summary: "Checks the parameters of a request against the operation.",
		Sections: Inbound, Scopes: restScopes, Once: true,
		Differs: "Does nothing where the message is MCP's.",
		ElementType: ElementType{
			Name: "validate-parameters",
			Attributes: []AttributeType{
				{Name: "specified-parameter-action", Domain: anyAction, Required: true},
				{Name: "unspecified-parameter-action", Domain: anyAction, Required: true},
				{Name: "errors-variable-name"},
			},
			Children: []ElementType{parametersOf("headers"), parametersOf("query"), parametersOf("path")},
		},
	},
	{
		Group: GroupValidation, Summary: "Checks the headers of a response against the operation.",
		Sections: Outbound | OnError, Scopes: restScopes, Once: true,
		Differs: "Does nothing where the message is MCP's.",
		ElementType: ElementType{
			Name: "validate-headers",
			Attributes: []AttributeType{
				{Name: "specified-header-action", Domain: anyAction, Required: true},
				{Name: "unspecified-header-action", Domain: anyAction, Required: true},
				{Name: "errors-variable-name"},
			},
			Children: []ElementType{{Name: "header", Attributes: []AttributeType{
				{Name: "name", Domain: anyText, Required: true},
				{Name: "action", Domain: anyAction, Required: true},
			}}},
		},
	},
	{
		Group: GroupValidation, Summary: "Checks the status of a response against the operation.",
		Sections: Outbound | OnError, Scopes: restScopes, Once: true,
		Differs: "Does nothing where the message is MCP's.",
		ElementType: ElementType{
			Name: "validate-status-code",
			Attributes: []AttributeType{
				{Name: "unspecified-status-code-action", Domain: anyAction, Required: true},
				{Name: "errors-variable-name"},
			},
			Children: []ElementType{{Name: "status-code", Attributes: []AttributeType{
				{Name: "code", Domain: Domain{Type: Int, Min: 100, Max: 999}, Required: true},
				{Name: "action", Domain: anyAction, Required: true},
			}}},
		},
	},
}

// parametersOf are the exceptions for the parameters of one location.
func parametersOf(location string) ElementType {
	return ElementType{
		Name: location, Max: 1,
		Attributes: []AttributeType{{Name: "specified-parameter-action", Domain: anyAction}, {Name: "unspecified-parameter-action", Domain: anyAction}},
		Children: []ElementType{{Name: "parameter", Attributes: []AttributeType{
			{Name: "name", Domain: anyText, Required: true},
			{Name: "action", Domain: anyAction, Required: true},
		}}},
	}
}
