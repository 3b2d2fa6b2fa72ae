package interop_test

// image is the picture that everything-server returns: one red pixel.
const image = `iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==`

// everything is what a client sees of go-sdk's everything-server.
var everything = plan{
	{
		Method: "tools/list",
		want: `{"result":{"tools":[
			{"name":"json_schema_2020_12_tool","inputSchema":{
				"$schema":"https://json-schema.org/draft/2020-12/schema",
				"$defs":{"address":{"$anchor":"addressDef"}},
				"properties":{"address":{"$ref":"#/$defs/address"}}
			}},
			{"name":"test_audio_content"},
			{"name":"test_elicitation"},
			{"name":"test_elicitation_sep1034_defaults"},
			{"name":"test_elicitation_sep1330_enums"},
			{"name":"test_embedded_resource"},
			{"name":"test_error_handling"},
			{"name":"test_image_content"},
			{"name":"test_input_required_result_capabilities"},
			{"name":"test_input_required_result_elicitation"},
			{"name":"test_input_required_result_list_roots"},
			{"name":"test_input_required_result_multi_round"},
			{"name":"test_input_required_result_multiple_inputs"},
			{"name":"test_input_required_result_request_state"},
			{"name":"test_input_required_result_sampling"},
			{"name":"test_input_required_result_tampered_state"},
			{"name":"test_logging_tool"},
			{"name":"test_missing_capability"},
			{"name":"test_multiple_content_types"},
			{"name":"test_reconnection"},
			{"name":"test_sampling"},
			{"name":"test_simple_text"},
			{"name":"test_streaming_elicitation"},
			{"name":"test_tool_with_logging"},
			{"name":"test_tool_with_progress"},
			{"name":"test_trigger_prompt_change"},
			{"name":"test_trigger_tool_change"},
			{"name":"test_x_mcp_header","description":"Tests SEP-2243 Mcp-Param-* server-side validation","inputSchema":{
				"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"level":{"type":"integer"}}
			}}
		]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"test_simple_text","arguments":{}}`),
		want: `{"result":{"content":[{"type":"text","text":"This is a simple text response for testing."}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"test_image_content","arguments":{}}`),
		want: `{"result":{"content":[{"type":"image","mimeType":"image/png","data":"` + image + `"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"test_multiple_content_types","arguments":{}}`),
		want: `{"result":{"content":[
			{"type":"text","text":"This is text content"},
			{"type":"image","mimeType":"image/png","data":"` + image + `"},
			{"type":"resource","resource":{"uri":"test://embedded-in-multiple","mimeType":"text/plain","text":"This is an embedded resource"}}
		]}}`,
	},
	{ // The argument travels in a header as well; this value only in base64.
		Method: "tools/call", Params: []byte(`{"name":"test_x_mcp_header","arguments":{"region":" Zürich"}}`),
		want: `{"result":{"content":[{"type":"text","text":"region= Zürich"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"test_tool_with_progress","arguments":{}}`), Progress: true,
		want: `{"result":{"content":[{"type":"text"}]},"progress":[
			{"progress":0,"total":100,"message":"Completed step 0 of 100"},
			{"progress":50,"total":100,"message":"Completed step 50 of 100"},
			{"progress":100,"total":100,"message":"Completed step 100 of 100"}
		]}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"test_error_handling","arguments":{}}`),
		want: `{"result":{"isError":true,"content":[{"type":"text","text":"this tool intentionally returns an error for testing"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"no_such_tool","arguments":{}}`),
		want: `{"error":{"code":-32602}}`,
	},
	{ // The server asks for a name and the client gives it.
		Method: "tools/call", Params: []byte(`{"name":"test_input_required_result_elicitation","arguments":{}}`),
		want: `{"result":{"content":[{"type":"text","text":"Hello, Ada!"}]}}`,
		// The question cannot be handed on to a client of the initialize era.
		wantLegacy: `{"result":{"isError":true}}`,
	},
	{
		Method: "resources/list",
		want: `{"result":{"resources":[
			{"uri":"test://static-binary","name":"static-binary","mimeType":"image/png"},
			{"uri":"test://static-text","name":"static-text","mimeType":"text/plain","description":"A static text resource for testing"},
			{"uri":"test://watched-resource","name":"watched-resource"}
		]}}`,
	},
	{
		Method: "resources/templates/list",
		want:   `{"result":{"resourceTemplates":[{"uriTemplate":"test://template/{id}/data","name":"template","mimeType":"application/json"}]}}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"test://static-text"}`),
		want: `{"result":{"contents":[{"uri":"test://static-text","mimeType":"text/plain","text":"This is the content of the static text resource."}]}}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"test://static-binary"}`),
		want: `{"result":{"contents":[{"uri":"test://static-binary","mimeType":"image/png","blob":"` + image + `"}]}}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"test://template/a-1/data"}`),
		want: `{"result":{"contents":[{"uri":"test://template/a-1/data","text":"{\"id\": \"a-1\", \"templateTest\": true, \"data\": \"Data for ID: a-1\"}"}]}}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"test://no-such-resource"}`),
		want: `{"error":{"code":-32602}}`,
		// -32002 in these revisions; the TypeScript SDK v2 makes it -32602.
		wantLegacy: `{"error":{}}`,
	},
	{
		Method: "prompts/list",
		want: `{"result":{"prompts":[
			{"name":"test_input_required_result_prompt"},
			{"name":"test_prompt_with_arguments","title":"Prompt With Arguments","arguments":[{"name":"arg1","required":true},{"name":"arg2","description":"Second test argument"}]},
			{"name":"test_prompt_with_embedded_resource"},
			{"name":"test_prompt_with_image"},
			{"name":"test_simple_prompt"}
		]}}`,
	},
	{
		Method: "prompts/get", Params: []byte(`{"name":"test_prompt_with_arguments","arguments":{"arg1":"one","arg2":"zwei ü"}}`),
		want: `{"result":{"description":"A prompt with arguments","messages":[
			{"role":"user","content":{"type":"text","text":"Prompt with arguments: arg1='one', arg2='zwei ü'"}}
		]}}`,
	},
	{
		Method: "prompts/get", Params: []byte(`{"name":"test_prompt_with_image"}`),
		want: `{"result":{"messages":[
			{"role":"user","content":{"type":"image","mimeType":"image/png","data":"` + image + `"}},
			{"role":"user","content":{"type":"text","text":"Please analyze the image above."}}
		]}}`,
	},
	{
		Method: "completion/complete", Params: []byte(`{"ref":{"type":"ref/prompt","name":"test_prompt_with_arguments"},"argument":{"name":"arg1","value":"x"}}`),
		want: `{"result":{"completion":{"values":[]}}}`,
	},
}

// reference is what a client sees of @modelcontextprotocol/server-everything,
// which speaks 2025-11-25 and before, in sessions.
var reference = plan{
	{
		Method: "tools/list",
		want: `{"result":{"tools":{
			"echo":{"title":"Echo Tool","annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false}},
			"get-structured-content":{"outputSchema":{"required":["temperature","conditions","humidity"]}},
			"trigger-long-running-operation":{"inputSchema":{"properties":{"steps":{"default":5}}}}
		}}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"echo","arguments":{"message":"Grüße 🚀 \u2028"}}`),
		want: `{"result":{"content":[{"type":"text","text":"Echo: Grüße 🚀 \u2028"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"get-sum","arguments":{"a":0.1,"b":40}}`),
		want: `{"result":{"content":[{"type":"text","text":"The sum of 0.1 and 40 is 40.1."}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"get-structured-content","arguments":{"location":"Chicago"}}`),
		want: `{"result":{"structuredContent":{"temperature":36,"conditions":"Light rain / drizzle","humidity":82},
			"content":[{"type":"text","text":"{\"temperature\":36,\"conditions\":\"Light rain / drizzle\",\"humidity\":82}"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"get-annotated-message","arguments":{"messageType":"error"}}`),
		want: `{"result":{"content":[{"type":"text","text":"Error: Operation failed","annotations":{"priority":1,"audience":["user","assistant"]}}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"get-resource-links","arguments":{"count":2}}`),
		want: `{"result":{"content":[
			{"type":"text"},
			{"type":"resource_link","uri":"demo://resource/dynamic/blob/1","name":"Blob Resource 1"},
			{"type":"resource_link","uri":"demo://resource/dynamic/text/2","name":"Text Resource 2","mimeType":"text/plain"}
		]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"trigger-long-running-operation","arguments":{"duration":0.1,"steps":2}}`), Progress: true,
		want: `{"result":{"content":[{"type":"text","text":"Long running operation completed. Duration: 0.1 seconds, Steps: 2."}]},
			"progress":[{"progress":1,"total":2},{"progress":2,"total":2}]}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"get-sum","arguments":{"a":"one","b":2}}`),
		want: `{"result":{"isError":true,"content":[{"type":"text"}]}}`,
	},
	{
		Method: "resources/templates/list",
		want: `{"result":{"resourceTemplates":[
			{"uriTemplate":"demo://resource/dynamic/text/{resourceId}","name":"Dynamic Text Resource"},
			{"uriTemplate":"demo://resource/dynamic/blob/{resourceId}","name":"Dynamic Blob Resource","mimeType":"application/octet-stream"}
		]}}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"demo://resource/dynamic/text/7"}`),
		want: `{"result":{"contents":[{"uri":"demo://resource/dynamic/text/7","mimeType":"text/plain"}]}}`,
	},
	{
		Method: "prompts/list",
		want: `{"result":{"prompts":[
			{"name":"simple-prompt","title":"Simple Prompt"},
			{"name":"args-prompt","arguments":[{"name":"city","required":true},{"name":"state"}]},
			{"name":"completable-prompt"},
			{"name":"resource-prompt"}
		]}}`,
	},
	{
		Method: "prompts/get", Params: []byte(`{"name":"args-prompt","arguments":{"city":"Ulm","state":"BW"}}`),
		want: `{"result":{"messages":[{"role":"user","content":{"type":"text","text":"What's weather in Ulm, BW?"}}]}}`,
	},
	{
		Method: "completion/complete",
		Params: []byte(`{"ref":{"type":"ref/prompt","name":"completable-prompt"},"argument":{"name":"name","value":"E"},"context":{"arguments":{"department":"Sales"}}}`),
		want:   `{"result":{"completion":{"values":["Eve"]}}}`,
	},
	{
		Method: "completion/complete",
		Params: []byte(`{"ref":{"type":"ref/resource","uri":"demo://resource/dynamic/text/{resourceId}"},"argument":{"name":"resourceId","value":"7"}}`),
		want:   `{"result":{"completion":{"values":["7"]}}}`,
	},
}

// asking is what a client in a session sees of everything-server with sessions:
// the server asks the client, before it answers.
var asking = plan{
	{
		Method: "tools/call", Params: []byte(`{"name":"test_elicitation","arguments":{"message":"Who is there?"}}`),
		want: `{"result":{"content":[{"type":"text","text":"Elicitation result: action=accept, content=map[name:Ada username:ada]"}]}}`,
	},
}

// federated is what a client sees of both servers on one endpoint.
var federated = plan{
	{
		Method: "tools/list",
		want: `{"result":{"tools":{
			"modern_test_x_mcp_header":{"inputSchema":{"properties":{"region":{"x-mcp-header":"Region"}}}},
			"ref_echo":{"title":"Echo Tool"}
		}}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"modern_test_x_mcp_header","arguments":{"region":"eu"}}`),
		want: `{"result":{"content":[{"type":"text","text":"region=eu"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"ref_echo","arguments":{"message":"hello"}}`),
		want: `{"result":{"content":[{"type":"text","text":"Echo: hello"}]}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"echo","arguments":{"message":"hello"}}`),
		want: `{"error":{"code":-32602}}`,
	},
	{
		Method: "tools/call", Params: []byte(`{"name":"modern_test_tool_with_progress","arguments":{}}`), Progress: true,
		want: `{"result":{"content":[{"type":"text"}]},"progress":[{"progress":0},{"progress":50},{"progress":100}]}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"test://static-text"}`),
		want: `{"result":{"contents":[{"text":"This is the content of the static text resource."}]}}`,
	},
	{
		Method: "resources/read", Params: []byte(`{"uri":"demo://resource/dynamic/text/7"}`),
		want: `{"result":{"contents":[{"uri":"demo://resource/dynamic/text/7","mimeType":"text/plain"}]}}`,
	},
	{
		Method: "prompts/list",
		want:   `{"result":{"prompts":{"modern_test_simple_prompt":{},"ref_args-prompt":{"arguments":[{"name":"city"},{"name":"state"}]}}}}`,
	},
	{
		Method: "prompts/get", Params: []byte(`{"name":"ref_args-prompt","arguments":{"city":"Ulm"}}`),
		want: `{"result":{"messages":[{"content":{"text":"What's weather in Ulm?"}}]}}`,
	},
	{
		Method: "completion/complete",
		Params: []byte(`{"ref":{"type":"ref/prompt","name":"ref_completable-prompt"},"argument":{"name":"department","value":"S"}}`),
		want:   `{"result":{"completion":{"values":["Sales","Support"]}}}`,
	},
}
