package policy

var authenticationPolicies = []PolicyType{
	{
		Group: GroupAuthentication, Summary: "Refuses a request without a valid JWT.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "validate-jwt",
			Attributes: []AttributeType{
				{Name: "header-name", Domain: anyText},
				{Name: "query-parameter-name", Domain: anyText},
				{Name: "token-value", Domain: anyText},
				{Name: "failed-validation-httpcode", Domain: status, Default: "401"},
				{Name: "failed-validation-error-message", Domain: anyText},
				{Name: "require-expiration-time", Domain: anyBool, Default: "true"},
				{Name: "require-scheme", Domain: anyText},
				{Name: "require-signed-tokens", Domain: anyBool, Default: "true"},
				{Name: "clock-skew", Domain: anySeconds, Default: "0"},
				{Name: "output-token-variable-name"},
			},
			Any: [][]string{{"header-name", "query-parameter-name", "token-value"}},
			One: [][]string{{"header-name", "query-parameter-name", "token-value"}},
			Children: []ElementType{
				{Name: "openid-config", Attributes: []AttributeType{
					{Name: "url", Required: true, Differs: "https, but for this machine"},
					{Name: "validate-connectivity", Domain: literalBool, Default: "true", Differs: "makes no difference: the provider is asked when its keys are first needed"},
				}},
				{Name: "issuer-signing-keys", Max: 1, Children: []ElementType{jwtKey}},
				{Name: "decryption-keys", Max: 1, Children: []ElementType{jwtKey}},
				list("audiences", "audience"),
				list("issuers", "issuer"),
				requiredClaims,
			},
		},
	},
	{
		Group: GroupAuthentication, Summary: "Refuses a request without a valid token of Microsoft Entra.",
		Differs:  "A document that names neither audiences nor applications is refused: any token of the tenant would pass.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "validate-azure-ad-token",
			Attributes: []AttributeType{
				{Name: "tenant-id", Domain: anyText, Required: true},
				{Name: "header-name", Domain: anyText, Default: "Authorization"},
				{Name: "query-parameter-name", Domain: anyText},
				{Name: "token-value", Domain: anyText},
				{Name: "authentication-endpoint", Default: "https://login.microsoftonline.com"},
				{Name: "failed-validation-httpcode", Domain: status, Default: "401"},
				{Name: "failed-validation-error-message", Domain: anyText},
				{Name: "output-token-variable-name"},
			},
			One: [][]string{{"header-name", "query-parameter-name", "token-value"}},
			Children: []ElementType{
				list("backend-application-ids", "application-id"),
				list("client-application-ids", "application-id"),
				list("audiences", "audience"),
				requiredClaims,
				{Name: "decryption-keys", Max: 1, Children: []ElementType{jwtKey}},
			},
		},
	},
	{
		Group: GroupAuthentication, Summary: "Refuses a request whose client certificate does not satisfy the conditions.",
		Sections: Inbound, Scopes: AllScopes,
		Differs: "Trust and revocation are checked together, when either of their attributes asks for it; a host that verifies no certificates refuses all of them then.",
		ElementType: ElementType{
			Name: "validate-client-certificate",
			Attributes: []AttributeType{
				{Name: "validate-revocation", Domain: literalBool, Default: "true"},
				{Name: "validate-trust", Domain: literalBool, Default: "true"},
				{Name: "validate-not-before", Domain: literalBool, Default: "true"},
				{Name: "validate-not-after", Domain: literalBool, Default: "true"},
				{Name: "ignore-error", Domain: literalBool, Default: "false"},
			},
			Children: []ElementType{{Name: "identities", Max: 1, Children: []ElementType{{
				Name: "identity", Max: 10,
				One: [][]string{{"issuer-certificate-id", "issuer-subject"}, {"issuer-certificate-id", "issuer-thumbprint"}},
				Attributes: []AttributeType{
					{Name: "thumbprint"}, {Name: "serial-number"}, {Name: "common-name"}, {Name: "subject"}, {Name: "dns-name"},
					{Name: "issuer-subject"}, {Name: "issuer-thumbprint", Differs: "that of a certificate of the configuration"}, {Name: "issuer-certificate-id"},
				},
			}}}},
		},
	},
	{
		Group: GroupAuthentication, Summary: "Sends a token of the gateway's managed identity to the backend, or puts it into a variable.",
		Sections: AllSections, Scopes: AllScopes,
		Differs: "May stand in all sections; in outbound and on-error it needs output-token-variable-name, because the request was sent before.",
		ElementType: ElementType{
			Name: "authentication-managed-identity",
			Attributes: []AttributeType{
				{Name: "resource", Domain: anyText, Required: true},
				{Name: "client-id"},
				{Name: "output-token-variable-name"},
				{Name: "ignore-error", Domain: literalBool, Default: "false"},
			},
		},
	},
	{
		Group: GroupAuthentication, Summary: "Sends a user name and a password to the backend.",
		Sections: Inbound, Scopes: AllScopes, Once: true,
		ElementType: ElementType{
			Name: "authentication-basic",
			Attributes: []AttributeType{
				{Name: "username", Domain: anyText, Required: true},
				{Name: "password", Domain: anyText, Required: true},
			},
		},
	},
	{
		Group: GroupAuthentication, Summary: "Presents a client certificate to the backend.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "authentication-certificate",
			Attributes: []AttributeType{
				{Name: "thumbprint", Domain: anyText},
				{Name: "certificate-id", Domain: anyText},
				{Name: "body", Domain: Domain{Type: Object, Expression: true}, Differs: "bytes, or their base64"},
				{Name: "password", Domain: anyText},
			},
			Any: [][]string{{"thumbprint", "certificate-id", "body"}},
			One: [][]string{{"thumbprint", "certificate-id", "body"}},
		},
	},
	{
		Group: GroupAuthentication, Summary: "Puts the access token of a stored connection into a variable.",
		Sections: Inbound, Scopes: AllScopes,
		ElementType: ElementType{
			Name: "get-authorization-context",
			Attributes: []AttributeType{
				{Name: "provider-id", Domain: anyText, Required: true},
				{Name: "authorization-id", Domain: anyText, Required: true},
				{Name: "context-variable-name", Domain: anyText, Required: true},
				{Name: "identity-type", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"managed", "jwt"}}, Default: "managed"},
				{Name: "identity", Domain: anyText},
				{Name: "ignore-error", Domain: anyBool, Default: "false"},
			},
		},
	},
}

var jwtKey = ElementType{
	Name: "key", Content: textOrCode,
	Attributes: []AttributeType{{Name: "id"}, {Name: "certificate-id"}, {Name: "n"}, {Name: "e"}},
}

var requiredClaims = ElementType{
	Name: "required-claims", Max: 1,
	Children: []ElementType{{
		Name: "claim", Min: 1,
		Attributes: []AttributeType{
			{Name: "name", Domain: anyText, Required: true},
			{Name: "match", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"all", "any"}}, Default: "all"},
			{Name: "separator", Domain: anyText},
		},
		Children: []ElementType{{Name: "value", Content: textOrCode}},
	}},
}
