package secret

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

const (
	// mostInBatch are the secrets of one BatchGetSecretValue, and mostParameters the
	// parameters of one GetParameters.
	mostInBatch, mostParameters = 20, 10
)

// Signer signs requests to services of AWS.
type Signer interface {
	// Sign signs a request for a service in a region.
	Sign(ctx context.Context, req *http.Request, service, region string) error
}

// AWSOptions say how services of AWS are reached.
type AWSOptions struct {
	Signer Signer
	// Region is where secrets are whose references name none.
	Region string
	// Transport carries the requests; nil is one of our own.
	Transport http.RoundTripper
}

// service calls a service of AWS that speaks JSON.
type service struct {
	title, name string // as AWS calls it, and in its URL
	target      string // of its operations
	signer      Signer
	region      string
	client      *http.Client
}

// call calls an operation. The error is an *Error.
func (s *service) call(ctx context.Context, region, operation string, in, out any) error {
	region = cmp.Or(region, s.region)
	fail := func(status int, err error) error {
		return &Error{Vault: s.title, Status: status, Temporary: temporary(status), Err: err}
	}
	if region == "" {
		return &Error{Vault: s.title, Err: errors.New("the host names no region: set AWS_REGION")}
	}
	content, err := json.Marshal(in)
	if err != nil {
		return &Error{Vault: s.title, Err: fmt.Errorf("writing the request: %w", err)}
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.name+"."+region+"."+domain+"/", bytes.NewReader(content))
	if err != nil {
		return &Error{Vault: s.title, Err: fmt.Errorf("the region %q is none", region)}
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", s.target+"."+operation)
	if err := s.signer.Sign(ctx, req, s.name, region); err != nil {
		return fail(0, err)
	}
	status, body, err := send(s.client, req)
	if err != nil {
		return fail(status, err)
	}
	if status != http.StatusOK {
		return s.refusal(status, body)
	}
	if json.Unmarshal(body, out) != nil {
		return &Error{Vault: s.title, Status: status, Err: fmt.Errorf("its answer to %s is not of the form that is documented", operation)}
	}
	return nil
}

// refusal is the error of an answer.
func (s *service) refusal(status int, body []byte) error {
	var answer struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Text    string `json:"Message"`
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON says nothing
	code := answer.Type[strings.LastIndexByte(answer.Type, '#')+1:]
	return s.failure(status, code, cmp.Or(answer.Message, answer.Text))
}

// throttled are codes of answers with status 400 after which asking again helps.
var throttled = []string{"ThrottlingException", "InternalServiceError", "InternalServerError", "RequestLimitExceeded", "TooManyRequestsException"}

func (s *service) failure(status int, code, message string) *Error {
	e := refused(s.title, status, code, message, awsAdvice[code])
	e.Temporary = e.Temporary || slices.Contains(throttled, code)
	return e
}

// awsAdvice says what to do about a code.
var awsAdvice = map[string]string{
	"AccessDeniedException":       "allow the role of the function to read it, and to decrypt with its key (kms:Decrypt)",
	"AccessDenied":                "allow the role of the function to read it, and to decrypt with its key (kms:Decrypt)",
	"DecryptionFailure":           "allow the role of the function to decrypt with its key (kms:Decrypt)",
	"ResourceNotFoundException":   "there is no such secret in this account and region",
	"ParameterNotFound":           "there is no such parameter in this account and region",
	"UnrecognizedClientException": "the credentials of the host are not valid",
	"ExpiredTokenException":       "the credentials of the host have expired",
}

type secretsManager struct{ service }

// NewAWSSecrets makes AWS Secrets Manager.
func NewAWSSecrets(o AWSOptions) Vault {
	return &secretsManager{service{title(AWSSecrets), "secretsmanager", "secretsmanager", o.Signer, o.Region, newClient(o.Transport)}}
}

// regionOf is the region that an ARN names; empty for a name.
func regionOf(name string) string {
	if parts := strings.SplitN(name, ":", 5); len(parts) == 5 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}

// Read reads secrets by names and ARNs, those of a region in one request for each
// 20, if the role may; else each by a request.
func (v *secretsManager) Read(ctx context.Context, names []string) []Outcome {
	regions := map[string][]string{}
	for _, name := range names {
		regions[regionOf(name)] = append(regions[regionOf(name)], name)
	}
	var batches [][]string
	for _, list := range regions {
		batches = slices.AppendSeq(batches, slices.Chunk(list, mostInBatch))
	}
	read := inBatches(batches, func(batch []string) map[string]Outcome { return v.batch(ctx, batch) })
	outcomes := make([]Outcome, len(names))
	for i, name := range names {
		outcomes[i] = read[name]
	}
	return outcomes
}

// secretValue is a secret in an answer. One of the two texts is there; that of a
// binary secret is in base64, and stays so: files in configurations are, too.
type secretValue struct {
	ARN          string  `json:"ARN"`
	Name         string  `json:"Name"`
	SecretString *string `json:"SecretString"`
	SecretBinary string  `json:"SecretBinary"`
}

func (s *secretValue) text() string {
	if s.SecretString != nil {
		return *s.SecretString
	}
	return s.SecretBinary
}

// is tells whether a secret is what a name or an ARN asked for. An ARN may be
// without the six characters that Secrets Manager adds to it.
func (s *secretValue) is(id string) bool {
	return id == s.Name || id == s.ARN || strings.HasPrefix(id, "arn:") && len(s.ARN) == len(id)+7 && strings.HasPrefix(s.ARN, id+"-")
}

func (v *secretsManager) batch(ctx context.Context, names []string) map[string]Outcome {
	read := make(map[string]Outcome, len(names))
	if len(names) > 1 {
		v.ask(ctx, names, read)
	}
	var left []string
	for _, name := range names {
		if _, ok := read[name]; !ok {
			left = append(left, name)
		}
	}
	for i, o := range each(ctx, left, v.get) {
		read[left[i]] = o
	}
	return read
}

// ask reads secrets by one request. What it says nothing of is left: the role may
// be allowed to read each and not to read several.
func (v *secretsManager) ask(ctx context.Context, names []string, read map[string]Outcome) {
	var answer struct {
		SecretValues []secretValue `json:"SecretValues"`
		Errors       []struct {
			SecretID  string `json:"SecretId"`
			ErrorCode string `json:"ErrorCode"`
			Message   string `json:"Message"`
		} `json:"Errors"`
	}
	in := struct {
		SecretIDList []string `json:"SecretIdList"`
	}{names}
	if err := v.call(ctx, regionOf(names[0]), "BatchGetSecretValue", in, &answer); err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.Temporary {
			for _, name := range names {
				read[name] = Outcome{Err: err}
			}
		}
		return
	}
	for _, name := range names {
		if i := slices.IndexFunc(answer.SecretValues, func(s secretValue) bool { return s.is(name) }); i >= 0 {
			read[name] = Outcome{Text: answer.SecretValues[i].text()}
		}
	}
	for _, e := range answer.Errors {
		if slices.Contains(names, e.SecretID) {
			read[e.SecretID] = Outcome{Err: v.failure(http.StatusBadRequest, e.ErrorCode, e.Message)}
		}
	}
}

func (v *secretsManager) get(ctx context.Context, name string) (string, error) {
	in := struct {
		SecretID string `json:"SecretId"`
	}{name}
	var answer secretValue
	if err := v.call(ctx, regionOf(name), "GetSecretValue", in, &answer); err != nil {
		return "", err
	}
	return answer.text(), nil
}

type parameterStore struct{ service }

// NewParameterStore makes the parameter store of AWS Systems Manager.
func NewParameterStore(o AWSOptions) Vault {
	return &parameterStore{service{title(ParameterStore), "ssm", "AmazonSSM", o.Signer, o.Region, newClient(o.Transport)}}
}

// Read reads parameters by their paths, ten by a request.
func (v *parameterStore) Read(ctx context.Context, names []string) []Outcome {
	read := inBatches(slices.Collect(slices.Chunk(names, mostParameters)), func(batch []string) map[string]Outcome { return v.batch(ctx, batch) })
	outcomes := make([]Outcome, len(names))
	for i, name := range names {
		outcomes[i] = read[name]
	}
	return outcomes
}

func (v *parameterStore) batch(ctx context.Context, names []string) map[string]Outcome {
	in := struct {
		Names          []string `json:"Names"`
		WithDecryption bool     `json:"WithDecryption"`
	}{names, true}
	var answer struct {
		Parameters []struct {
			Name     string `json:"Name"`
			Selector string `json:"Selector"` // :VERSION or :LABEL, as it was asked for
			Value    string `json:"Value"`
		} `json:"Parameters"`
	}
	err := v.call(ctx, "", "GetParameters", in, &answer)
	read := make(map[string]Outcome, len(names))
	for _, name := range names {
		o := Outcome{Err: err}
		if err == nil {
			o.Err = v.failure(http.StatusBadRequest, "ParameterNotFound", "")
		}
		for _, p := range answer.Parameters {
			if p.Name == name || p.Name+p.Selector == name {
				o = Outcome{Text: p.Value}
			}
		}
		read[name] = o
	}
	return read
}

// inBatches reads batches, some at a time.
func inBatches(batches [][]string, read func([]string) map[string]Outcome) map[string]Outcome {
	parts := make([]map[string]Outcome, len(batches))
	turns := make(chan struct{}, abreast)
	var asked sync.WaitGroup
	for i, batch := range batches {
		asked.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			parts[i] = read(batch)
		})
	}
	asked.Wait()
	all := map[string]Outcome{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}
