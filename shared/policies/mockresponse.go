package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["mock-response"] = func() policy.Statement { return &mockResponse{} } }

// mockResponse ends the pipeline with a sample response of the operation: an
// example of its document, or one made of the schema, or an empty one. Without
// a content type the first one of the document is taken.
type mockResponse struct {
	StatusCode  int    `attr:"status-code"`
	ContentType string `attr:"content-type"`
	Index       int    `attr:"index"` // of the example, from 0

	operations policy.Operations // nil: all responses are empty
}

func (p *mockResponse) Prepare(c *policy.Compilation) { p.operations = c.Services.Operations }

func (p *mockResponse) Apply(_ context.Context, x *policy.Exchange) error {
	response := x.NewResponse(p.StatusCode)
	contentType := p.ContentType
	if p.operations != nil && x.Api != nil && x.Operation != nil {
		found, body, ok := p.operations.Example(x.Api.ID, x.Operation.ID, p.StatusCode, p.ContentType, p.Index)
		if ok {
			contentType = found
			response.Body = policy.NewBody(body)
		}
	}
	if contentType != "" {
		response.Headers["Content-Type"] = []string{contentType}
	}
	return policy.Returned
}
