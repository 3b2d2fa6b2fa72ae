package policies

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

func init() { registered["validate-content"] = func() policy.Statement { return &validateContent{} } }

// validateContent checks the size of a body, and the body by a schema: one of
// the configuration, or the one that the operation's OpenAPI document has for
// the content type. XML is checked for its form only.
//
// Where messages are MCP's it checks the arguments of tools/call, and the
// structured content of its result, by a schema of the configuration.
type validateContent struct {
	UnspecifiedAction policy.Value[string] `attr:"unspecified-content-type-action,required"`
	MaxSize           policy.Value[int]    `attr:"max-size,required"` // in bytes
	SizeAction        policy.Value[string] `attr:"size-exceeded-action,required"`
	Variable          string               `attr:"errors-variable-name"`
	Map               *contentTypeMap      `element:"content-type-map"`
	Contents          []contentRule        `elements:"content"`

	services *policy.Services
	scope    policy.Scope
	response bool
}

// contentTypeMap says by which content type a body is validated instead of its
// own.
type contentTypeMap struct {
	Any     string        `attr:"any-content-type-value"`
	Missing string        `attr:"missing-content-type-value"`
	Types   []mappingRule `elements:"type"`
}

// mappingRule maps one content type, or any when its condition is true.
type mappingRule struct {
	From string             `attr:"from"`
	When policy.Value[bool] `attr:"when"`
	To   string             `attr:"to,required"`
}

// contentRule says how bodies of a content type are validated.
type contentRule struct {
	Type                      string               `attr:"type"` // empty: any
	ValidateAs                policy.Value[string] `attr:"validate-as,required"`
	SchemaID                  string               `attr:"schema-id"`
	Action                    policy.Value[string] `attr:"action,required"`
	AllowAdditionalProperties policy.Value[bool]   `attr:"allow-additional-properties"`
	CaseInsensitive           policy.Value[bool]   `attr:"case-insensitive-property-names"`

	schema policy.JSONSchema // of SchemaID
}

func (p *validateContent) Prepare(c *policy.Compilation) {
	p.services, p.scope, p.response = c.Services, c.Element.Scope, validatesResponse(c)
	c.ReadsBody()
	for i := range p.Contents {
		p.Contents[i].prepare(c)
	}
}

func (r *contentRule) prepare(c *policy.Compilation) {
	at := c.Element.At
	if literal, ok := r.AllowAdditionalProperties.Literal(); r.AllowAdditionalProperties.IsSet() && !(ok && literal) {
		c.Fault(at, `write "additionalProperties": false into the schema`, "allow-additional-properties is only run as true")
	}
	if literal, ok := r.CaseInsensitive.Literal(); r.CaseInsensitive.IsSet() && (!ok || literal) {
		c.Fault(at, "remove it", "case-insensitive-property-names is only run as false")
	}
	kind, _ := r.ValidateAs.Literal()
	isXML := kind == "xml" || kind == "soap"
	switch {
	case isXML && r.SchemaID != "":
		c.Fault(at, "remove schema-id: the form of the XML is checked then", "the gateway has no schemas of XML")
	case isXML:
	case r.SchemaID == "":
		if c.Element.Scope == policy.ScopeServer || c.Element.Scope == policy.ScopeTool {
			c.Fault(at, `write schema-id="…"`, "no OpenAPI document describes the messages of an MCP server")
		} else {
			needsOperations(c)
		}
	default:
		if c.Services.Schemas != nil {
			r.schema = c.Services.Schemas.Schema(r.SchemaID)
		}
		if r.schema == nil {
			c.Fault(at, "add it to schemas in the configuration", "there is no schema %q", r.SchemaID)
		}
	}
}

func (p *validateContent) Apply(_ context.Context, x *policy.Exchange) error {
	v := &validation{x: x, policy: "validate-content", variable: p.Variable, response: p.response}
	e := &evaluation{x: x}
	var err error
	if isMCP(p.scope, x) {
		err = p.message(e, v)
	} else {
		err = p.body(e, v)
	}
	if err != nil {
		return err
	}
	if e.err != nil {
		return e.err
	}
	return v.end()
}

// body validates the body of the target.
func (p *validateContent) body(e *evaluation, v *validation) error {
	own := contentTypeOf(e.x.Target)
	if e.x.Target.Body().Len() == 0 && !p.bodyExpected(e.x, own) {
		return nil
	}
	mapped := p.mapped(e, own)
	if e.err != nil {
		return e.err
	}
	d := described(p.services, e.x)
	specified := p.specified(d, mapped, e.x)
	rule := p.rule(mapped, specified || d == nil)
	if rule == nil && own == eventStream {
		return nil // nobody asks for its end
	}
	content, err := e.x.Target.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("validate-content", err)
	}
	p.size(e, v, len(content))
	switch {
	case v.blocked != nil:
	case rule != nil:
		p.content(e, v, rule, mapped, d, content)
	case !specified:
		text := fmt.Sprintf("Unspecified content type %s is not allowed.", mapped)
		v.add(evaluate(e, &p.UnspecifiedAction), validationError{name: mapped, kind: v.bodyKind(), rule: "Unspecified", details: text})
	}
	return nil
}

// bodyExpected tells whether a message without a body ought to have one.
func (p *validateContent) bodyExpected(x *policy.Exchange, contentType string) bool {
	if p.response || contentType == "" && (p.Map == nil || p.Map.Missing == "" && p.Map.Any == "") {
		return false
	}
	switch x.Request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	default:
		return false
	}
}

// mapped is the content type by which a body is validated.
func (p *validateContent) mapped(e *evaluation, contentType string) string {
	if p.Map == nil {
		return contentType
	}
	for i := range p.Map.Types {
		t := &p.Map.Types[i]
		if t.From != "" && strings.EqualFold(t.From, contentType) || t.When.IsSet() && evaluate(e, &t.When) {
			return strings.ToLower(t.To)
		}
	}
	switch {
	case contentType == "" && p.Map.Missing != "":
		return strings.ToLower(p.Map.Missing)
	case p.Map.Any != "":
		return strings.ToLower(p.Map.Any)
	default:
		return contentType
	}
}

// rule is the one for a content type, nil when there is none. One without a
// type is for those that the operation specifies, or for any when it brings its
// own schema.
func (p *validateContent) rule(contentType string, specified bool) *contentRule {
	for i := range p.Contents {
		if r := &p.Contents[i]; r.Type != "" && strings.EqualFold(r.Type, contentType) {
			return r
		}
	}
	for i := range p.Contents {
		if r := &p.Contents[i]; r.Type == "" && (r.SchemaID != "" || specified) {
			return r
		}
	}
	return nil
}

// specified tells whether the operation describes a content type.
func (p *validateContent) specified(d *policy.OperationDescription, contentType string, x *policy.Exchange) bool {
	if d == nil {
		return false
	}
	_, found := schemaFor(p.schemas(d, responseStatus(x)), contentType)
	return found
}

func responseStatus(x *policy.Exchange) int {
	if x.Target.Response == nil {
		return 0
	}
	return x.Target.Response.StatusCode
}

// schemas are those of the direction in which the message goes.
func (p *validateContent) schemas(d *policy.OperationDescription, status int) map[string]policy.JSONSchema {
	if !p.response {
		return d.Request
	}
	if r := describedResponse(d, status); r != nil {
		return r.Content
	}
	return nil
}

// schemaFor finds the schema of a content type: an exact one, or that of a range
// such as application/*.
func schemaFor(schemas map[string]policy.JSONSchema, contentType string) (policy.JSONSchema, bool) {
	group, _, _ := strings.Cut(contentType, "/")
	for _, want := range [...]string{contentType, group + "/*", "*/*"} {
		for t, schema := range schemas {
			t, _, _ = strings.Cut(t, ";")
			if strings.EqualFold(strings.TrimSpace(t), want) {
				return schema, true
			}
		}
	}
	return nil, false
}

// size compares the size of a body with the limit. What is too large is
// validated all the same, unless it is blocked.
func (p *validateContent) size(e *evaluation, v *validation, size int) {
	limit := evaluate(e, &p.MaxSize)
	if size <= limit || e.err != nil {
		return
	}
	text := fmt.Sprintf("%s body is %d bytes long and it exceeds the configured limit of %d bytes.", v.owner(), size, limit)
	v.add(evaluate(e, &p.SizeAction), validationError{kind: v.bodyKind(), rule: "SizeLimit", details: text, public: strings.Replace(text, "configured ", "", 1)})
}

// content validates a body by a rule.
func (p *validateContent) content(e *evaluation, v *validation, r *contentRule, contentType string, d *policy.OperationDescription, content []byte) {
	action, kind := evaluate(e, &r.Action), evaluate(e, &r.ValidateAs)
	if action == ignore || e.err != nil {
		return
	}
	if kind != "json" {
		if err := checkXML(content, kind == "soap"); err != nil {
			v.add(action, v.incorrect(v.bodyDoes(), kind, contentType, err.Error()))
		}
		return
	}
	definition, schema := r.SchemaID, r.schema
	if r.SchemaID == "" {
		var found bool
		if d == nil {
			v.add(action, missingSchema)
			return
		}
		if schema, found = schemaFor(p.schemas(d, responseStatus(e.x)), contentType); !found {
			text := fmt.Sprintf("API's schema does not contain a definition which is associated with the content type %s.", contentType)
			v.add(action, validationError{name: contentType, kind: v.bodyKind(), rule: "MissingDefinition", details: text, public: internalFault})
			return
		}
		definition = e.x.Operation.ID
	}
	for _, text := range r.violations(schema, content) {
		v.add(action, v.incorrect(v.bodyDoes(), definition, contentType, text))
	}
}

// maxViolations bounds how many errors one body makes.
const maxViolations = 20

// violations are what is wrong with a JSON value, in words.
func (r *contentRule) violations(schema policy.JSONSchema, content []byte) []string {
	if !jsontext.Value(content).IsValid() {
		return []string{"It is not valid JSON, or a name stands twice in an object."}
	}
	if schema == nil {
		return nil
	}
	additional, _ := r.AllowAdditionalProperties.Literal()
	var list []string
	for _, violation := range schema.Violations(content) {
		if additional && violation.Keyword == "additionalProperties" {
			continue
		}
		if list = append(list, violationText(violation)); len(list) == maxViolations {
			break
		}
	}
	return list
}

// violationText is a sentence about the value, or the part of it that a JSON
// pointer names.
func violationText(v policy.Violation) string {
	return cmp.Or(v.Path, "The value") + " " + strings.TrimSuffix(v.Message, ".") + "."
}

// message validates what an MCP message carries for or from a tool.
func (p *validateContent) message(e *evaluation, v *validation) error {
	if x := e.x; x.Mcp == nil || x.Mcp.Method != callTool {
		return nil
	}
	body, err := e.x.Target.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("validate-content", err)
	}
	if !p.response {
		arguments, err := toolArguments(body)
		p.value(e, v, arguments, err)
		return nil
	}
	results, err := toolResults(contentTypeOf(e.x.Target), body)
	if err != nil {
		p.value(e, v, nil, err)
	}
	for _, result := range results {
		if result.StructuredContent != nil && !result.IsError {
			p.value(e, v, result.StructuredContent, nil)
		}
	}
	return nil
}

// value validates the arguments or the structured content of a tool.
func (p *validateContent) value(e *evaluation, v *validation, value jsontext.Value, unreadable error) {
	p.size(e, v, len(value))
	const contentType = "application/json"
	subject := "Arguments of the tool do"
	if v.response {
		subject = "Structured content of the tool does"
	}
	for i := range p.Contents {
		r := &p.Contents[i]
		if r.Type != "" && !strings.EqualFold(r.Type, contentType) || r.schema == nil || v.blocked != nil {
			continue
		}
		action := evaluate(e, &r.Action)
		if unreadable != nil {
			v.add(action, v.incorrect(subject, r.SchemaID, contentType, unreadable.Error()))
			continue
		}
		for _, text := range r.violations(r.schema, value) {
			v.add(action, v.incorrect(subject, r.SchemaID, contentType, text))
		}
	}
}

// owner and bodyKind name what is validated.
func (v *validation) owner() string {
	if v.response {
		return "Response's"
	}
	return "Request's"
}

func (v *validation) bodyKind() string {
	if v.response {
		return "ResponseBody"
	}
	return "RequestBody"
}

func (v *validation) bodyDoes() string {
	if v.response {
		return "Body of the response does"
	}
	return "Body of the request does"
}

// incorrect is the error for what does not conform. The subject is what that is,
// with does or do.
func (v *validation) incorrect(subject, definition, contentType, what string) validationError {
	return validationError{
		name: contentType, kind: v.bodyKind(), rule: "IncorrectMessage",
		details: fmt.Sprintf("%s not conform to the definition %s, which is associated with the content type %s. %s", subject, definition, contentType, what),
	}
}
