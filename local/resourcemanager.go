package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/importer"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/go-json-experiment/json"
)

// managementURL is where Azure Resource Manager answers.
const managementURL = "https://management.azure.com"

// Bounds of what import reads.
const (
	maxImport     = 64 << 20 // bytes of a reply or a document
	importTimeout = time.Minute
)

// resourceManager asks Azure Resource Manager about one resource, as the developer
// who is signed in on this machine.
type resourceManager struct {
	endpoint  string // without a slash at its end
	id        string
	pipeline  runtime.Pipeline
	documents *http.Client // without credentials
}

func newResourceManager(id string) (*resourceManager, error) {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("finding who is signed in to Azure: %w", err)
	}
	return resourceManagerAt(managementURL, id, credential, nil), nil
}

// resourceManagerAt asks at an endpoint. The transport may be nil.
func resourceManagerAt(endpoint, id string, credential azcore.TokenCredential, transport http.RoundTripper) *resourceManager {
	client := &http.Client{Transport: transport, Timeout: importTimeout}
	bearer := runtime.NewBearerTokenPolicy(credential, []string{managementURL + "/.default"}, nil)
	return &resourceManager{
		endpoint: endpoint, id: "/" + strings.Trim(id, "/"), documents: client,
		pipeline: runtime.NewPipeline("toolgate", "1", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, &policy.ClientOptions{
			Transport: client, Retry: policy.RetryOptions{MaxRetries: 3}, Telemetry: policy.TelemetryOptions{Disabled: true},
		}),
	}
}

// Reply serves importer.Source.
func (m *resourceManager) Reply(ctx context.Context, q importer.Request) ([]byte, error) {
	location, err := m.url(q)
	if err != nil {
		return nil, err
	}
	req, err := runtime.NewRequest(ctx, q.Method, location)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", q.File(), err)
	}
	req.Raw().Header.Set("Accept", "application/json")
	runtime.SkipBodyDownload(req)
	res, err := m.pipeline.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", q.File(), err)
	}
	defer res.Body.Close()
	body, err := limited(res.Body)
	switch {
	case err != nil:
		return nil, &importer.ReplyError{File: q.File(), Err: err}
	case res.StatusCode == http.StatusNotFound:
		return nil, &importer.MissingError{What: m.id + "/" + q.Path}
	case res.StatusCode != http.StatusOK:
		return nil, &importer.ReplyError{File: q.File(), Err: refusal(res.StatusCode, body)}
	}
	return body, nil
}

// url is the URL of a request. A token goes to the endpoint alone, wherever a reply
// says that the next page is.
func (m *resourceManager) url(q importer.Request) (string, error) {
	if q.Next == "" {
		path := url.URL{Path: strings.TrimRight(m.id+"/"+q.Path, "/")}
		return m.endpoint + path.EscapedPath() + "?" + q.Query.Encode(), nil
	}
	if !strings.HasPrefix(q.Next, m.endpoint+"/") {
		return "", &importer.ReplyError{File: q.File(), Err: errors.New("its next page is not at Azure Resource Manager")}
	}
	return q.Next, nil
}

// refusal is what Azure says of a request that it does not answer.
func refusal(status int, body []byte) error {
	var reply struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &reply) != nil || reply.Error.Code == "" {
		return fmt.Errorf("azure answered %d %s", status, http.StatusText(status))
	}
	return fmt.Errorf("azure answered %d %s: %s", status, reply.Error.Code, printable(reply.Error.Message))
}

// Document serves importer.Source. What it is asked for may be a link with a
// signature, which no message shows.
func (m *resourceManager) Document(ctx context.Context, name, location string) ([]byte, error) {
	if !strings.HasPrefix(location, "https://") {
		return nil, &importer.MissingError{What: name}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, &importer.ReplyError{File: name, Err: errors.New("its URL cannot be read")}
	}
	res, err := m.documents.Do(req)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if err != nil {
		return nil, &importer.ReplyError{File: name, Err: err}
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, &importer.MissingError{What: name}
	default:
		return nil, &importer.ReplyError{File: name, Err: fmt.Errorf("%s answered %s", req.URL.Host, res.Status)}
	}
	body, err := limited(res.Body)
	if err != nil {
		return nil, &importer.ReplyError{File: name, Err: err}
	}
	return body, nil
}

// limited reads what is not too large.
func limited(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err == nil && len(body) > maxImport {
		err = fmt.Errorf("it is larger than %d MiB", maxImport>>20)
	}
	return body, err
}
