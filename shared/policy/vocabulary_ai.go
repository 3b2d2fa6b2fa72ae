package policy

var aiPolicies = []PolicyType{
	tokenLimit("llm-token-limit"),
	tokenLimit("azure-openai-token-limit"),
	tokenMetric("llm-emit-token-metric"),
	tokenMetric("azure-openai-emit-token-metric"),
	{
		Group: GroupAI, Summary: "Has prompts, arguments and results judged by Azure AI Content Safety.",
		Sections: Inbound | Outbound, Scopes: AllScopes &^ ScopeOperation,
		Differs: "Without categories, blocklists and shield-prompt, every category is refused from severity 4 on; attacks in responses are looked for as those in documents; the result of an MCP tool is judged as a whole, and each notification before it when it comes as a stream, from the first policy of outbound on that reads the body; text that its receiver might read otherwise does not pass.",
		ElementType: ElementType{
			Name: "llm-content-safety",
			Attributes: []AttributeType{
				{Name: "backend-id", Domain: anyText, Required: true},
				{Name: "shield-prompt", Domain: anyBool, Default: "false"},
				{Name: "enforce-on-completions", Domain: anyBool, Default: "false"},
				{Name: "window-size", Domain: anyInt, Default: "1000", Differs: "10,000 at most"},
				{Name: "window-overlap-size", Domain: anyInt},
				{
					Name: "on-service-failure", Domain: Domain{Type: Enum, Enum: []string{"allow", "refuse"}}, Default: "refuse", Ours: true,
					Differs: "text that could not be judged, because the service does not answer, is busy or fails, passes with a trace, or is refused with status 500; what the service answers as wrong in the question is refused either way",
				},
			},
			Children: []ElementType{
				{
					Name: "categories", Max: 1,
					Attributes: []AttributeType{{
						Name: "output-type", Default: "FourSeverityLevels",
						Domain: Domain{Type: Enum, Expression: true, Enum: []string{"FourSeverityLevels", "EightSeverityLevels"}},
					}},
					Children: []ElementType{{Name: "category", Attributes: []AttributeType{
						{Name: "name", Domain: Domain{Type: Enum, Expression: true, Enum: []string{"Hate", "SelfHarm", "Sexual", "Violence"}}, Required: true},
						{Name: "threshold", Domain: Domain{Type: Int, Expression: true, Max: 7}, Required: true},
					}}},
				},
				list("blocklists", "id"),
			},
		},
	},
	notRun(GroupAI, noSemanticCache, "llm-semantic-cache-lookup", "Answers a prompt like an earlier one from the cache."),
	notRun(GroupAI, noSemanticCache, "llm-semantic-cache-store", "Keeps the answer to a prompt in the cache."),
	notRun(GroupAI, noSemanticCache, "azure-openai-semantic-cache-lookup", "Answers a prompt like an earlier one from the cache."),
	notRun(GroupAI, noSemanticCache, "azure-openai-semantic-cache-store", "Keeps the answer to a prompt in the cache."),
}

const noSemanticCache = "it needs an embeddings service and a vector store"

func tokenLimit(name string) PolicyType {
	return PolicyType{
		Group: GroupAI, Summary: "Limits the tokens of language models for each key.",
		Sections: Inbound, Scopes: AllScopes,
		Differs: "Tokens that the model does not report are estimated, one for four characters.",
		ElementType: ElementType{
			Name: name,
			Attributes: []AttributeType{
				{Name: "counter-key", Domain: anyText, Required: true},
				{Name: "tokens-per-minute", Domain: Domain{Type: Int, Min: 1}},
				{Name: "token-quota", Domain: Domain{Type: Int, Expression: true, Min: 1}},
				{Name: "token-quota-period", Domain: Domain{Type: Enum, Expression: true, Enum: calendarPeriods}},
				{Name: "estimate-prompt-tokens", Domain: literalBool, Required: true},
				onStoreFailure(""),
				{Name: "retry-after-header-name", Default: "Retry-After"},
				{Name: "retry-after-variable-name"},
				{Name: "remaining-quota-tokens-header-name"},
				{Name: "remaining-quota-tokens-variable-name"},
				{Name: "remaining-tokens-header-name"},
				{Name: "remaining-tokens-variable-name"},
				{Name: "tokens-consumed-header-name"},
				{Name: "tokens-consumed-variable-name"},
			},
			Any: [][]string{{"tokens-per-minute", "token-quota"}},
		},
	}
}

func tokenMetric(name string) PolicyType {
	return PolicyType{
		Group: GroupAI, Summary: "Adds the tokens of language models to a metric.",
		Sections: Inbound, Scopes: AllScopes,
		Differs: "Tokens that the model does not report are estimated, one for four characters.",
		ElementType: ElementType{
			Name:       name,
			Attributes: []AttributeType{{Name: "namespace"}},
			Children:   []ElementType{dimension},
		},
	}
}

// notRun is the row of a policy that the gateway knows but does not run.
func notRun(group Group, reason, name, summary string) PolicyType {
	return PolicyType{
		Group: group, Summary: summary, Sections: AllSections, Scopes: AllScopes, NotRun: reason,
		ElementType: ElementType{Name: name},
	}
}
