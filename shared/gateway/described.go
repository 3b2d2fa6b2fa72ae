package gateway

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"toolgate/shared/openapi"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// descriptions are what the OpenAPI documents say of operations, each read when
// it is first asked for. They serve policy.Operations.
type descriptions struct {
	snapshot *snapshot.Snapshot
	log      *slog.Logger
	mu       sync.Mutex
	known    map[describedOperation]*description
}

// describedOperation names an operation of an API.
type describedOperation struct{ api, id string }

// description is that of one operation.
type description struct {
	record *openapi.Description
	once   sync.Once
	policy *policy.OperationDescription // with the schemas compiled; nil when one cannot be
}

func newDescriptions(s *snapshot.Snapshot, log *slog.Logger) *descriptions {
	return &descriptions{snapshot: s, log: log, known: map[describedOperation]*description{}}
}

// Example is a sample response of an operation.
func (d *descriptions) Example(api, operation string, status int, contentType string, index int) (string, []byte, bool) {
	found := d.find(describedOperation{api, operation})
	if found == nil {
		return "", nil, false
	}
	contentType, body, ok := found.record.Example(status, contentType, index)
	return contentType, []byte(body), ok
}

// Described is nil for an operation that the snapshot does not describe.
func (d *descriptions) Described(api, operation string) *policy.OperationDescription {
	found := d.find(describedOperation{api, operation})
	if found == nil {
		return nil
	}
	found.once.Do(func() {
		var err error
		if found.policy, err = describedFor(found.record); err != nil {
			d.fail(describedOperation{api, operation}, err)
		}
	})
	return found.policy
}

// find reads a description. What is not there is not remembered, since the id
// may be one that a client made up.
func (d *descriptions) find(key describedOperation) *description {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found := d.known[key]; found != nil {
		return found
	}
	record, err := d.snapshot.Description(key.api, key.id)
	if err != nil {
		d.fail(key, err)
	}
	if record == nil {
		return nil
	}
	d.known[key] = &description{record: record}
	return d.known[key]
}

func (d *descriptions) fail(key describedOperation, err error) {
	d.log.Error("an operation cannot be described to policies", slog.String("api", key.api), slog.String("operation", key.id), slog.Any("error", err))
}

// describedFor compiles the schemas of a description.
func describedFor(record *openapi.Description) (*policy.OperationDescription, error) {
	list := make([]policy.JSONSchema, len(record.Schemas)+1) // number 0 stays nil: it lets anything pass
	for i, text := range record.Schemas {
		compiled, err := openapi.CompileSchema(text)
		if err != nil {
			return nil, err
		}
		list[i+1] = schema{compiled}
	}
	c := compiledDescription{schemas: list}
	d := &policy.OperationDescription{
		Parameters: c.parameters(record.Parameters), Request: c.content(record.Request),
		Responses: make(map[int]policy.ResponseDescription, len(record.Responses)),
	}
	for i := range record.Responses {
		r := &record.Responses[i]
		response := policy.ResponseDescription{Headers: c.parameters(r.Headers), Content: c.content(r.Content)}
		for _, status := range statuses(r.Status) {
			if _, single := d.Responses[status]; !single || !strings.HasSuffix(r.Status, "XX") {
				d.Responses[status] = response
			}
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	return d, nil
}

// statuses are those that a response is for: one, the hundred of a range, or 0
// as the default.
func statuses(name string) []int {
	first, isRange := strings.CutSuffix(name, "XX")
	n, err := strconv.Atoi(first)
	if err != nil {
		return []int{0}
	}
	if !isRange {
		return []int{n}
	}
	list := make([]int, 100)
	for i := range list {
		list[i] = n*100 + i
	}
	return list
}

// compiledDescription looks up schemas by their numbers. The first number that
// is none is its error.
type compiledDescription struct {
	schemas []policy.JSONSchema
	err     error
}

func (c *compiledDescription) schema(n openapi.SchemaNumber) policy.JSONSchema {
	if n < 0 || int(n) >= len(c.schemas) {
		c.err = fmt.Errorf("the description has no schema %d: build the snapshot again", n)
		return nil
	}
	return c.schemas[n]
}

func (c *compiledDescription) parameters(list []openapi.ParameterDescription) []policy.ParameterDescription {
	made := make([]policy.ParameterDescription, len(list))
	for i, p := range list {
		made[i] = policy.ParameterDescription{Name: p.Name, In: string(p.In), Required: p.Required, Schema: c.schema(p.Schema), Text: p.Text}
	}
	return made
}

func (c *compiledDescription) content(list []openapi.ContentDescription) map[string]policy.JSONSchema {
	made := make(map[string]policy.JSONSchema, len(list))
	for _, content := range list {
		made[content.Type] = c.schema(content.Schema)
	}
	return made
}
