package edge

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is one of JSON.
type object = map[string]any

// maxPattern bounds a regular expression. Front Door takes 256 characters, and AWS WAF
// 200.
const maxPattern = 200

// uri is what may stand before the path in what Front Door matches: it has the scheme
// and the host in places, and the query behind the path.
const (
	uriStart = `^(https?://[^/?#]+)?`
	uriEnd   = `([?#].*)?$`
)

// FrontDoor writes the restrictions as an ARM template with a policy of the web
// application firewall of Azure Front Door; Bicep takes it as a module. All rules block,
// so their order does not matter.
func (r *Restrictions) FrontDoor() ([]byte, error) {
	written := []any{}
	for i, one := range r.List {
		conditions := []any{}
		for _, c := range one.Conditions {
			made, err := frontDoorConditions(c)
			if err != nil {
				return nil, fmt.Errorf("writing %s for Front Door: %w", one.Name, err)
			}
			conditions = append(conditions, made...)
		}
		written = append(written, object{
			"name": one.Name, "priority": 100 * (i + 1), "enabledState": "Enabled", "ruleType": "MatchRule",
			"matchConditions": conditions, "action": "Block",
		})
	}
	return marshal(object{
		"$schema":        "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
		"contentVersion": "1.0.0.0",
		"parameters": object{
			"name": object{"type": "string", "defaultValue": "toolgateEdge", "metadata": object{"description": "The name of the policy: letters and digits."}},
			"sku": object{
				"type": "string", "defaultValue": "Standard_AzureFrontDoor", "allowedValues": []any{"Standard_AzureFrontDoor", "Premium_AzureFrontDoor"},
				"metadata": object{"description": "That of the profile of Front Door."},
			},
			"mode": object{
				"type": "string", "defaultValue": "Prevention", "allowedValues": []any{"Prevention", "Detection"},
				"metadata": object{"description": "Detection only logs what would be refused."},
			},
		},
		"resources": []any{object{
			"type": "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies", "apiVersion": "2024-02-01",
			"name": "[parameters('name')]", "location": "Global", "sku": object{"name": "[parameters('sku')]"},
			"properties": object{
				// Bodies are the gateway's to look at.
				"policySettings": object{"enabledState": "Enabled", "mode": "[parameters('mode')]", "requestBodyCheck": "Disabled"},
				"customRules":    object{"rules": written},
			},
		}},
		"outputs": object{"id": object{
			"type": "string", "value": "[resourceId('Microsoft.Network/FrontDoorWebApplicationFirewallPolicies', parameters('name'))]",
		}},
	})
}

// frontDoorConditions writes a condition; of addresses two, which both have to hold.
// Front Door tells the gateway one address, and has two: that of the connection, and
// the one that a proxy in front says it has, which a client can make up. Where both are
// refused, so is the one that the gateway is told.
func frontDoorConditions(c Condition) ([]any, error) {
	made := object{"negateCondition": c.Negated}
	switch c.Field {
	case Method:
		made["matchVariable"], made["operator"], made["matchValue"] = "RequestMethod", "Equal", c.Values
	case Path, DecodedPath:
		made["matchVariable"], made["operator"] = "RequestUri", "RegEx"
		values := make([]string, len(c.Values))
		for i, v := range c.Values {
			if values[i] = inURI(v); len(values[i]) > 256 {
				return nil, fmt.Errorf("%q is longer than 256 characters: give the server a shorter name", v)
			}
		}
		made["matchValue"] = values
		if c.Field == DecodedPath {
			made["transforms"] = []any{"UrlDecode"}
		}
	case ContentLength:
		made["matchVariable"], made["selector"], made["operator"], made["matchValue"] = "RequestHeader", "Content-Length", "RegEx", c.Values
	case Address:
		ranges := prefixStrings(c)
		return []any{
			object{"matchVariable": "SocketAddr", "operator": "IPMatch", "negateCondition": c.Negated, "matchValue": ranges},
			object{"matchVariable": "RemoteAddr", "operator": "IPMatch", "negateCondition": c.Negated, "matchValue": ranges},
		}, nil
	}
	return []any{made}, nil
}

// inURI makes an expression for a path one for a URI with that path.
func inURI(pattern string) string {
	if len(pattern) > 1 && pattern[0] == '^' && pattern[len(pattern)-1] == '$' {
		return uriStart + pattern[1:len(pattern)-1] + uriEnd
	}
	return pattern
}

func prefixStrings(c Condition) []string {
	list := make([]string, len(c.Ranges))
	for i, p := range c.Ranges {
		list[i] = p.String()
	}
	return list
}

func marshal(v any) ([]byte, error) {
	content, err := json.Marshal(v, json.Deterministic(true), jsontext.Multiline(true))
	if err != nil {
		return nil, fmt.Errorf("writing the restrictions: %w", err)
	}
	return append(content, '\n'), nil
}
