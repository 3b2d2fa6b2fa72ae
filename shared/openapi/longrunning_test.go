package openapi_test

import (
	"testing"

	"toolgate/shared/openapi"
)

func TestLongRunning(t *testing.T) {
	const document = `openapi: 3.1.0
info: { title: Jobs, version: "1" }
components:
  responses:
    Begun: { description: Begun., headers: { operation-location: { schema: { type: string } } } }
paths:
  /a: { post: { operationId: marked, x-ms-long-running-operation: true, responses: { "200": { description: Ok. } } } }
  /b: { post: { operationId: located, responses: { "202": { $ref: "#/components/responses/Begun" } } } }
  /c: { post: { operationId: accepted, responses: { "202": { description: Accepted. } } } }
  /d: { post: { operationId: created, responses: { "201": { description: Made., headers: { Location: { schema: { type: string } } } } } } }
  /e: { post: { operationId: broken, responses: { "202": { $ref: "#/components/responses/None" } } } }
`
	d, err := openapi.Parse("jobs.yaml", []byte(document), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"marked": true, "located": true}
	for _, o := range d.Operations {
		if got := d.LongRunning(o); got != want[o.ID] {
			t.Errorf("%s: got %v, want %v", o.ID, got, want[o.ID])
		}
	}
}
