package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// readSchema reads gateway.schema.json of the repository.
func readSchema(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile("../../gateway.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatalf("gateway.schema.json: %v", err)
	}
	return schema
}

// compileSchema compiles the part of gateway.schema.json that pointer names.
// It is checked against the meta-schema of its dialect.
func compileSchema(t *testing.T, schema map[string]any, pointer string) *jsonschema.Schema {
	t.Helper()
	const url = "file:///gateway.schema.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(url, schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(url + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// keysOf returns the names of keys, and those of the required ones.
func keysOf[T any](lists ...[]key[T]) [2][]string {
	var names, required []string
	for _, k := range slices.Concat(lists...) {
		names = append(names, k.name)
		if k.required {
			required = append(required, k.name)
		}
	}
	slices.Sort(names)
	return [2][]string{names, required}
}

// decoderKeys are the keys of the decoder by the place of the schema that
// describes the same mapping.
func decoderKeys() map[string][2][]string {
	return map[string][2][]string{
		"":                            keysOf(gatewayKeys.keys),
		"/$defs/limits":               keysOf(limitsKeys.keys),
		"/$defs/namedValue/anyOf/1":   keysOf(namedValueKeys.keys),
		"/$defs/secret":               keysOf(secretKeys.keys),
		"/$defs/credentials":          keysOf(credentialsKeys.keys),
		"/$defs/upstreamCredentials":  keysOf(upstreamCredentialsKeys.keys),
		"/$defs/oauth":                keysOf(oauthKeys.keys),
		"/$defs/oauthAssertion":       keysOf(oauthAssertionKeys.keys),
		"/$defs/authorization":        keysOf(authorizationKeys.keys),
		"/$defs/managedIdentity":      keysOf(managedIdentityKeys.keys),
		"/$defs/assertionIdentity":    keysOf(assertionIdentityKeys.keys),
		"/$defs/assertion":            keysOf(assertionKeys.keys),
		"/$defs/clientCredentials":    keysOf(clientCredentialsKeys.keys),
		"/$defs/onBehalfOf":           keysOf(onBehalfOfKeys.keys),
		"/$defs/sigv4":                keysOf(sigV4Keys.keys),
		"/$defs/certificate":          keysOf(certificateKeys.keys),
		"/$defs/clientCertificates":   keysOf(clientCertificatesKeys.keys),
		"/$defs/clientAddress":        keysOf(clientAddressKeys.keys),
		"/$defs/connection":           keysOf(connectionKeys.keys),
		"/$defs/connectionIdentity":   keysOf(connectionIdentityKeys.keys),
		"/$defs/egress":               keysOf(egressKeys.keys),
		"/$defs/backend":              keysOf(backendKeys.keys),
		"/$defs/poolMember":           keysOf(poolMemberKeys.keys),
		"/$defs/circuitBreaker":       keysOf(circuitBreakerKeys.keys),
		"/$defs/describedApi":         keysOf(describedAPIKeys, apiKeys),
		"/$defs/declaredApi":          keysOf(declaredAPIKeys, apiKeys),
		"/$defs/describedOperation":   keysOf(describedOperationKeys.keys),
		"/$defs/declaredOperation":    keysOf(declaredOperationKeys.keys),
		"/$defs/product":              keysOf(productKeys.keys),
		"/$defs/subscriptionKeyNames": keysOf(subscriptionKeyNamesKeys.keys),
		"/$defs/apiServer":            keysOf(serverKeys, apiServerKeys),
		"/$defs/upstreamServer":       keysOf(serverKeys, upstreamServerKeys),
		"/$defs/federation":           keysOf(serverKeys, federationKeys),
		"/$defs/member":               keysOf(memberKeys.keys),
		"/$defs/upstream":             keysOf(upstreamKeys.keys),
		"/$defs/operationSelection":   keysOf(operationKeys.keys),
		"/$defs/exclusion":            keysOf(exclusionKeys.keys),
		"/$defs/toolSelection":        keysOf(toolKeys.keys),
		"/$defs/annotations":          keysOf(annotationsKeys.keys),
		"/$defs/approvalTerms":        keysOf(approvalKeys.keys),
		"/$defs/toolResult":           keysOf(resultKeys.keys),
		"/$defs/longRunningTerms":     keysOf(longRunningKeys.keys),
		"/$defs/cache":                keysOf(cacheKeys.keys),
		"/$defs/varyBy":               keysOf(varyByKeys.keys),
		"/$defs/lock":                 keysOf(lockKeys.keys),
		"/$defs/toolLimits":           keysOf(toolLimitsKeys.keys),
		"/$defs/clientProfiles":       keysOf(clientProfilesKeys.keys),
		"/$defs/profile":              keysOf(profileKeys.keys),
		"/$defs/telemetry":            keysOf(telemetryKeys.keys),
		"/$defs/audit":                keysOf(auditKeys.keys),
		"/$defs/shadow":               keysOf(shadowKeys.keys),
		"/$defs/registry":             keysOf(registryKeys.keys),
		"/$defs/externalServer":       keysOf(externalServerKeys.keys),
		"/$defs/listingTerms":         keysOf(listingKeys.keys),
		"/$defs/repository":           keysOf(repositoryKeys.keys),
		"/$defs/telemetryEndpoints":   keysOf(telemetryEndpointsKeys.keys),
		"/$defs/sampling":             keysOf(samplingKeys.keys),
		"/$defs/diagnostics":          keysOf(diagnosticsKeys.keys),
		"/$defs/bodies":               keysOf(bodiesKeys.keys),
		"/$defs/mask":                 keysOf(maskKeys.keys),
		"/$defs/eventHub":             keysOf(eventHubKeys.keys),
		"/$defs/authorizationServer":  keysOf(authorizationServerKeys.keys),
		"/$defs/serverAuthorization":  keysOf(serverAuthorizationKeys.keys),
		"/$defs/allowed":              keysOf(allowKeys.keys),
		"/$defs/resource":             keysOf(resourceKeys.keys),
		"/$defs/prompt":               keysOf(promptKeys.keys),
	}
}

// TestSchemaKeys compares the keys of the decoder with those of the schema, in
// both directions.
func TestSchemaKeys(t *testing.T) {
	want := decoderKeys()
	walkSchema(readSchema(t), "", func(pointer string, schema map[string]any) {
		properties, ok := schema["properties"].(map[string]any)
		if !ok {
			return
		}
		keys, ok := want[pointer]
		if !ok {
			t.Errorf("the schema has keys at %q, the decoder none", pointer)
			return
		}
		delete(want, pointer)
		if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, keys[0]) {
			t.Errorf("%s: the schema has %q, the decoder %q", pointer, got, keys[0])
		}
		if got := fmt.Sprint(schema["required"]); got != fmt.Sprint(keys[1]) && len(keys[1]) > 0 || schema["required"] != nil && len(keys[1]) == 0 {
			t.Errorf("%s: the schema requires %s, the decoder %s", pointer, got, keys[1])
		}
		if schema["additionalProperties"] != false {
			t.Errorf("%s: the schema allows unknown keys", pointer)
		}
		for name, property := range properties {
			if p := property.(map[string]any); p["description"] == nil && p["$ref"] == nil {
				t.Errorf("%s: %s has no description", pointer, name)
			}
		}
	})
	for pointer := range want {
		t.Errorf("the decoder has keys at %q, the schema none", pointer)
	}
}

// walkSchema calls visit for every object below v that can be a schema.
func walkSchema(v any, pointer string, visit func(pointer string, schema map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		if !strings.HasSuffix(pointer, "/properties") && !strings.HasSuffix(pointer, "/$defs") {
			visit(pointer, v)
		}
		for name, inner := range v {
			if name != "examples" && name != "default" && name != "enum" {
				walkSchema(inner, pointer+"/"+name, visit)
			}
		}
	case []any:
		for i, inner := range v {
			walkSchema(inner, fmt.Sprintf("%s/%d", pointer, i), visit)
		}
	}
}

// TestSchemaValues compares patterns, choices and bounds.
func TestSchemaValues(t *testing.T) {
	tests := []struct {
		pointer string
		want    any
	}{
		{"/$defs/name/pattern", entityName().String()},
		{"/$defs/fileId/pattern", fileID().String()},
		{"/$defs/apiPath/anyOf/0/pattern", apiPathPattern().String()},
		{"/$defs/declaredOperation/properties/method/anyOf/0/pattern", method().String()},
		{"/$defs/circuitBreaker/properties/statusCodes/items/anyOf/0/pattern", statusRange().String()},
		{"/$defs/circuitBreaker/properties/statusCodes/default/0", fmt.Sprintf("%d-%d", defaultStatusCodes[0].Low, defaultStatusCodes[0].High)},
		{"/$defs/circuitBreaker/properties/failures/anyOf/0/maximum", maxFailures},
		{"/$defs/poolMember/properties/priority/anyOf/0/maximum", maxPriority},
		{"/$defs/poolMember/properties/priority/default", defaultPriority},
		{"/$defs/poolMember/properties/weight/anyOf/0/maximum", maxWeight},
		{"/$defs/poolMember/properties/weight/default", defaultWeight},
		{"/$defs/toolName/anyOf/0/pattern", toolName().String()},
		{"/$defs/method/anyOf/0/pattern", method().String()},
		{"/$defs/replaced/pattern", strings.NewReplacer("(", "", ")", "").Replace(ValueReference().String())},
		{"/$defs/size/anyOf/1/pattern", sizePattern().String()},
		{"/$defs/duration/anyOf/1/pattern", durationPattern().String()},
		{"/$defs/authorization/properties/scheme/anyOf/0/pattern", token().String()},
		{"/$defs/subscriptionKeyNames/properties/header/anyOf/0/pattern", token().String()},
		{"/$defs/authorizationServer/properties/allowedClients/items/anyOf/0/pattern", clientHost().String()},
		{"/$defs/subscriptionKeyNames/properties/header/default", defaultKeyHeader},
		{"/$defs/subscriptionKeyNames/properties/query/default", defaultKeyQuery},
		{"/$defs/credentials/properties/header/propertyNames/pattern", token().String()},
		{"/$defs/clientCertificates/properties/header/anyOf/0/pattern", token().String()},
		{"/$defs/clientAddress/properties/header/anyOf/0/pattern", token().String()},
		{"/$defs/clientAddress/properties/proxies/anyOf/0/maximum", maxProxies},
		{"/$defs/clientAddress/properties/frontDoor/anyOf/0/pattern", frontDoorID().String()},
		{"/$defs/clientCredentials/properties/clientAuthentication/anyOf/0/enum", clientAuthentications},
		{"/$defs/onBehalfOf/properties/clientAuthentication/anyOf/0/enum", clientAuthentications},
		{"/$defs/connection/properties/clientAuthentication/anyOf/0/enum", clientAuthentications},
		{"/$defs/onBehalfOf/properties/grant/anyOf/0/enum", grants},
		{"/$defs/onBehalfOf/properties/grant/default", grants[0]},
		{"/$defs/connectionIdentity/properties/audience/default", managerAudience},
		{"/$defs/assertionIdentity/properties/resource/default", assertionAudience},
		{"/$defs/scopes/items/anyOf/0/pattern", scopeToken().String()},
		{"/$defs/allowed/properties/expression/anyOf/0/pattern", expressionPattern().String()},
		{"/$defs/member/properties/prefix/anyOf/0/pattern", strings.Replace(prefixPattern().String(), "{1,", "{0,", 1)},
		{"/$defs/namedValue/anyOf/1/properties/env/pattern", variableName().String()},
		{"/$defs/secretReference/anyOf/0/pattern", strings.Replace(variableName().String(), "^", "^env:", 1)},
		{"/properties/namedValues/propertyNames/pattern", namedValueName().String()},
		{"/properties/servers/propertyNames/not/enum", slices.Sorted(maps.Keys(reserved))},
		{"/$defs/apiServer/properties/outputSchema/anyOf/0/enum", outputSchemas},
		{"/$defs/upstream/properties/transport/anyOf/0/enum", []Transport{StreamableHTTP, SSE}},
		{"/$defs/upstream/properties/protocolVersion/anyOf/0/enum", protocolVersions},
		{"/$defs/apiServer/properties/nameLength/anyOf/0/minimum", minNameLength},
		{"/$defs/apiServer/properties/nameLength/anyOf/0/maximum", maxNameLength},
		{"/$defs/apiServer/properties/nameLength/default", defaultNameLength},
		{"/$defs/apiServer/properties/outputSchema/default", outputSchemas[0]},
		{"/$defs/upstream/properties/transport/default", StreamableHTTP},
		{"/$defs/size/anyOf/0/minimum", minBytes},
		{"/$defs/size/anyOf/0/maximum", maxBytes},
		{"/$defs/duration/anyOf/0/maximum", int(maxTimeout.Seconds())},
		{"/$defs/limits/properties/depth/anyOf/0/minimum", minNesting},
		{"/$defs/limits/properties/depth/anyOf/0/maximum", maxNesting},
		{"/$defs/limits/properties/depth/default", defaultDepth},
		{"/$defs/limits/properties/listPage/anyOf/0/maximum", maxListPage},
		{"/$defs/limits/properties/listPage/default", defaultListPage},
		{"/$defs/limits/properties/requestBytes/default", sizeText(defaultRequestBytes)},
		{"/$defs/limits/properties/resultBytes/default", sizeText(defaultResultBytes)},
		{"/$defs/limits/properties/timeout/default", defaultTimeout},
		{"/$defs/limits/properties/listTtl/default", defaultListTTL},
		{"/properties/version/default", defaultVersion},
	}
	schema := readSchema(t)
	for _, tt := range tests {
		var got any = schema
		for name := range strings.SplitSeq(tt.pointer[1:], "/") {
			switch v := got.(type) {
			case map[string]any:
				got = v[name]
			case []any:
				var i int
				if _, err := fmt.Sscan(name, &i); err == nil && i < len(v) {
					got = v[i]
				}
			}
		}
		if f, ok := got.(float64); ok {
			got = int(f)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: got %v, want %v", tt.pointer, got, tt.want)
		}
	}
}

// TestSchemaExamples validates each example and default by what it stands in.
func TestSchemaExamples(t *testing.T) {
	schema := readSchema(t)
	walkSchema(schema, "", func(pointer string, part map[string]any) {
		examples, _ := part["examples"].([]any)
		if value, ok := part["default"]; ok {
			examples = append(slices.Clone(examples), value)
		}
		if len(examples) == 0 {
			return
		}
		compiled := compileSchema(t, schema, pointer)
		for _, example := range examples {
			if err := compiled.Validate(example); err != nil {
				t.Errorf("%s: the example %v is not valid: %v", pointer, example, err)
			}
		}
	})
}

// TestSchemaSamples validates whole files: the example, and every file with a
// fault that a schema can see. Faults it cannot see it must let pass.
func TestSchemaSamples(t *testing.T) {
	compiled := compileSchema(t, readSchema(t), "")
	_, cases := faultCases(t)
	good := []string{
		strings.Replace(example, "protocolVersion: 2025-11-25", `protocolVersion: "2025-11-25"`, 1),
		"name: contoso", governed, authorized,
		"name: contoso\nlimits: { depth: \"{{a}}\", timeout: \"{{a}}\", requestBytes: 4 MiB, resultBytes: \"2048\" }",
		"name: contoso\nservers: { a: { api: a, acceptLossy: \"{{a}}\", outputSchema: \"{{a}}\", tools: [ { method: \"{{a}}\" } ] } }",
		"name: contoso\npublicUrl: HTTPS://tools.contoso.com:8443/a/b/\nallowedOrigins: [ \"{{a}}\", \"http://localhost:3000\" ]",
	}
	for _, text := range good {
		cases = append(cases, faultCase{name: text, text: text})
	}
	for _, c := range cases {
		var file any
		if err := yaml.Load([]byte(c.text), &file); err != nil {
			if c.schema {
				t.Errorf("%s: no schema sees it: %v", c.name, err)
			}
			continue
		}
		err := compiled.Validate(file)
		if (err != nil) != c.schema {
			t.Errorf("%s: got %v, want refused = %v", c.name, err, c.schema)
		}
	}
}

// TestSchemaParts validates single values by the part of the schema they belong
// to.
func TestSchemaParts(t *testing.T) {
	tests := []struct {
		part      string
		good, bad []string
	}{
		{"operationSelection", []string{
			"{ operation: a }", "{ tag: a }", "{ method: GET, path: /a/*/b/** }", "{ tag: a, annotations: { readOnly: true } }",
			"{ operation: a, name: b, policy: a.xml, title: c, description: d, defaults: { x: [1] }, hidden: { y: null } }", "{ path: / }",
			"{ path: '/orders/{id}' }",
		}, []string{
			"{}", "{ operation: a, tag: b }", "{ tag: a, path: /a }", "{ tag: a, name: b }", "{ method: GET, title: a }",
			"{ path: /a, hidden: {} }", "{ path: a }", "{ path: /a* }", "{ path: /*** }", "{ method: get }", "{ operation: '' }",
			"{ operation: a, name: a.b }", "{ operation: a, annotations: { readOnly: 1 } }", "{ tool: a }", "a",
			"{ tag: a, policy: a.xml }",
		}},
		{"exclusion", []string{"{ operation: a }", "{ method: GET, path: /a }"}, []string{"{ operation: a, name: b }", "{}", "{ operation: a, policy: a.xml }"}},
		{"toolSelection", []string{"{ tool: a.b, name: c, policy: a.xml }"}, []string{"{ name: a }", "{ tool: a, hidden: {} }", "{ tool: 5 }"}},
		{"server", []string{"{ api: a }", "{ upstream: { url: 'https://a.contoso.com/?x' }, policy: a.xml }",
			"{ federate: [ a, { server: b } ], policy: a.xml }",
		}, []string{
			"{}", "{ title: a }", "{ api: a, federate: [ b ] }", "{ api: a, resources: true }", "{ federate: [] }",
			"{ upstream: { url: 'https://a.contoso.com' }, exclude: [ a ] }", "{ api: a, tools: [] }", "{ api: a, policy: 5 }",
			"{ api: a, outputSchema: strict }", "{ api: a, nameLength: 65 }", "{ federate: [ { prefix: a } ] }",
		}},
		{"backend", []string{
			"{}", "{ title: a, url: 'https://a.contoso.com' }", "{ pool: [ { backend: a }, { backend: b, priority: 0, weight: 100 } ] }",
			"{ circuitBreaker: { failures: 5, interval: 1m, tripDuration: 30, statusCodes: [ '429', 500, 500-599, '{{a}}' ], acceptRetryAfter: true } }",
		}, []string{
			"{ pool: [] }", "{ pool: [ a ] }", "{ pool: [ { weight: 1 } ] }", "{ pool: [ { backend: a, weight: 0 } ] }", "{ pool: [ { backend: a, priority: 101 } ] }",
			"{ pool: [ { backend: a } ], url: 'https://a.contoso.com' }", "{ pool: [ { backend: a } ], timeout: 1s }",
			"{ circuitBreaker: { failures: 5, interval: 1m } }", "{ circuitBreaker: { failures: 0, interval: 1m, tripDuration: 1m } }",
			"{ circuitBreaker: { failures: 1, interval: 1m, tripDuration: 1m, statusCodes: [ 5xx ] } }",
		}},
		{"api", []string{
			"{ openapi: a.yaml, path: /, policy: a.xml, operations: { a: { policy: a.xml }, GET /a: { policy: b.xml } } }",
			"{ path: a/v1.0, title: A, version: v1, backend: b, operations: { a: { method: GET, urlTemplate: '/a/{b}?c={c}' }, d: { method: PUT, urlTemplate: '/d/{*e}', policy: a.xml } } }",
		}, []string{
			"{}", "{ path: a }", "{ openapi: a.yaml, path: /a }", "{ openapi: a.yaml, path: a/ }", "{ openapi: a.yaml, path: '' }",
			"{ openapi: a.yaml, operations: { a: {} } }", "{ openapi: a.yaml, operations: { a: { policy: a.xml, method: GET } } }",
			"{ operations: { a: { policy: a.xml } } }", "{ operations: { a: { method: get, urlTemplate: /a } } }",
			"{ operations: { a: { method: GET, urlTemplate: a } } }", "{ operations: { '': { method: GET, urlTemplate: /a } } }",
		}},
		{"product", []string{
			"{}", "{ subscriptionRequired: false }", "{ title: a, description: b, apis: [a], servers: [a, b], policy: a.xml, subscriptionRequired: '{{a}}' }",
		}, []string{"{ subscriptionRequired: 1 }", "{ subscriptionRequired: false, apis: [] }", "{ subscriptionRequired: false, approvalRequired: false }"}},
		{"cache", []string{
			"{ duration: 1m }", "{ duration: 5, tools: [ a.b ], scope: public, varyBy: { headers: [ Accept-Language, '{{a}}' ], subscription: true }, maxSize: 1MiB }",
		}, []string{
			"{}", "60s", "{ duration: 2h, tools: [] }", "{ duration: 1m, tools: [ 5 ] }", "{ duration: 1m, scope: shared }",
			"{ duration: 1m, varyBy: { headers: [ 'a b' ] } }", "{ duration: 1m, varyBy: { header: [ a ] } }", "{ duration: 1m, maxSize: 10 }",
		}},
		{"subscriptionKeyNames", []string{"{}", "{ header: api-key }", "{ header: '{{a}}', query: api_key }"}, []string{
			"api-key", "{ header: a b }", "{ header: '' }", "{ query: '' }", "{ cookie: a }",
		}},
		{"namedValue", []string{"a", "5", "true", "''", "{ env: A }", "{ env: A, default: 1 }", "{ secret: env:A }",
			"{ secret: ssm:/a/b:3 }", "{ secret: 'secretsmanager:a/b#c' }", "{ secret: 'secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-Xy12Zw' }",
			"{ secret: 'keyvault:https://contoso.vault.azure.net/secrets/a' }", "{ secret: 'keyvault:https://contoso.vault.azure.net/secrets/a/0123456789abcdef0123456789abcdef' }",
		}, []string{
			"[]", "{}", "{ default: a }", "{ env: A, secret: env:A }", "{ secret: env:A, default: b }", "{ secret: ssm:a }", "{ env: a-b }", "{ secret: 'keyvault:https://a.example.com/secrets/a' }",
		}},
		{"credential", []string{"a", "'{{a}}'", "{ secret: env:A }"}, []string{"5", "''", "{ env: A }", "{ secret: A }"}},
		{"credentials", []string{"{ header: { X-Key: a }, query: { c: a }, authorization: { scheme: Bearer, parameter: a } }"}, []string{
			"{ header: { 'a b': c } }", "{ query: { '': c } }", "{ authorization: { scheme: Bearer } }", "{ managedIdentity: {} }",
			"{ authorization: { scheme: a b, parameter: c } }",
		}},
		{"credentials", []string{
			"{ managedIdentity: { resource: a, clientId: b }, certificate: c }", "{ sigv4: { service: lambda } }",
			"{ clientCredentials: { tokenUrl: 'https://a.contoso.com/t?x', clientId: a, clientSecret: '{{a}}', clientAuthentication: basic } }",
			"{ onBehalfOf: { issuer: 'https://a.contoso.com', clientId: a, assertion: { managedIdentity: {} }, grant: token-exchange, audience: b } }",
		}, []string{
			"{ sigv4: {} }", "{ clientCredentials: { clientId: a, clientSecret: '{{a}}' } }",
			"{ clientCredentials: { tokenUrl: 'https://a.contoso.com', issuer: 'https://a.contoso.com', clientId: a, clientSecret: '{{a}}' } }",
			"{ clientCredentials: { tokenUrl: 'https://a.contoso.com', clientId: a, clientSecret: plain } }",
			"{ clientCredentials: { tokenUrl: 'https://a.contoso.com', clientId: a } }",
			"{ clientCredentials: { tokenUrl: 'https://a.contoso.com', clientId: a, assertion: { managedIdentity: {} }, clientAuthentication: basic } }",
			"{ onBehalfOf: { issuer: 'https://a.contoso.com', clientId: a, assertion: {} } }",
		}},
		{"certificate", []string{"{ pfx: a.pfx, password: '{{a}}' }", "{ pfx: { secret: env:A } }", "{ cert: a.pem, key: { secret: env:A } }"}, []string{
			"{}", "{ cert: a.pem }", "{ cert: a.pem, key: b.pem, password: '{{a}}' }", "{ pfx: a.pfx, key: b.pem }", "{ pfx: a.pfx, password: b }",
		}},
		{"egress", []string{"{}", "{ allow: [ a, 10.0.0.0/8 ], private: true, public: '{{a}}' }"}, []string{"{ allow: [] }", "{ private: 1 }", "{ deny: [ a ] }"}},
		{"baseUrl", []string{"http://localhost:8080/a", "HTTPS://a.contoso.com", "https://{{region}}.contoso.com"}, []string{
			"ftp://a.contoso.com", "https://a@contoso.com", "https://contoso.com?a", "https://contoso.com/#a", "https://", "contoso.com",
		}},
		{"url", []string{"https://contoso.com?a=b", "https://contoso.com/a?b"}, []string{"https://contoso.com/a#b", "https://a:b@contoso.com"}},
		{"size", []string{"1024", "4MiB", "4 KiB", "'{{a}}'", "'2048'"}, []string{"1023", "4MB", "1.5MiB", "true", "-1"}},
		{"duration", []string{"1", "30s", "1m30s", "1.5h", "'{{a}}'"}, []string{"0", "1.5", "5 min", "-1s", ".5s", "500us", "3601"}},
		{"boolean", []string{"true", "'{{a}}'"}, []string{"yes", "1", "'true'"}},
	}
	schema := readSchema(t)
	for _, tt := range tests {
		compiled := compileSchema(t, schema, "/$defs/"+tt.part)
		for _, text := range slices.Concat(tt.good, tt.bad) {
			var v any
			if err := yaml.Load([]byte(text), &v); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want := slices.Contains(tt.good, text)
			if err := compiled.Validate(v); (err == nil) != want {
				t.Errorf("%s: %s: got %v, want accepted = %v", tt.part, text, err, want)
			}
		}
	}
}
