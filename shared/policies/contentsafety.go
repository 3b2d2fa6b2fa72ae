package policies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
)

// Azure AI Content Safety, https://learn.microsoft.com/rest/api/contentsafety.
const (
	safetyVersion  = "2024-09-01"
	safetyResource = "https://cognitiveservices.azure.com"
	safetyTimeout  = 10 * time.Second

	// maxWindow is the number of characters that the service takes at a time.
	maxWindow = 10_000
	// requestOverlap is the number of characters that windows of requests share,
	// so that nothing hides at their ends.
	requestOverlap = 200
	// maxWindows bounds how many requests one message makes.
	maxWindows = 100
	// maxServiceFailures is after how many windows that the service failed at the
	// others are not tried any more.
	maxServiceFailures = 3
)

// safetyCheck is what is looked for in text.
type safetyCheck struct {
	services   *policy.Services
	backend    string
	shield     bool
	categories []threshold
	outputType string
	blocklists []string
	window     int // characters, of responses
	overlap    int // characters, of responses
	// open says that text passes which the service fails to judge.
	open bool
}

// threshold is the severity from which on a category blocks.
type threshold struct {
	category string
	severity int
}

// subject is a text to judge.
type subject struct {
	name            string // Request or Response
	text            string
	window, overlap int // in characters
	// isDocument says that the text is not the user's own: attacks in it are
	// those of documents.
	isDocument bool
}

// serviceError is why a text could not be judged, where its own content is not
// the reason: the service was not reached, is busy, or fails.
type serviceError struct{ cause error }

func (e *serviceError) Error() string { return e.cause.Error() }

func (e *serviceError) Unwrap() error { return e.cause }

// judge returns the *policy.Error for a text that violates the check or cannot be
// judged, and a *serviceError for one that might be judged at another time. A
// violation counts for more than a failure at another window of the text.
func (s *safetyCheck) judge(ctx context.Context, t subject) error {
	if strings.TrimSpace(t.text) == "" {
		return nil
	}
	service, err := s.service(ctx)
	if err != nil {
		return &serviceError{err}
	}
	n, failures := 0, 0
	var first error
	for window := range windows(t.text, t.window, t.overlap) {
		if n++; n > maxWindows {
			return violates(t, fmt.Sprintf("it has more than %d windows of %d characters", maxWindows, t.window))
		}
		why, err := s.judgeWindow(ctx, service, window, t.isDocument)
		if why != "" {
			return violates(t, why)
		}
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[*serviceError](err); !ok {
			return safetyUnavailable(err)
		}
		first = cmp.Or(first, err)
		if failures++; !s.open || failures == maxServiceFailures || ctx.Err() != nil {
			break
		}
	}
	return first
}

// violates is the refusal of a text. The client does not learn what was found.
func violates(t subject, why string) error {
	return &policy.Error{
		Source: "llm-content-safety", Reason: "ContentSafetyViolation", Status: http.StatusForbidden,
		Message: t.name + " failed content safety check.", Cause: errors.New(why),
	}
}

// safetyUnavailable is the failure to judge.
func safetyUnavailable(cause error) *policy.Error {
	return &policy.Error{
		Source: "llm-content-safety", Reason: "ContentSafetyUnavailable", Status: http.StatusInternalServerError,
		Message: "The content safety check could not be made.", Cause: cause,
	}
}

// windows yields the parts of a text, which overlap.
func windows(text string, size, overlap int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			end, step, n := len(text), len(text), 0
			for at := range text {
				if n == size-overlap {
					step = at
				}
				if n == size {
					end = at
					break
				}
				n++
			}
			if !yield(text[:end]) || end == len(text) {
				return
			}
			text = text[step:]
		}
	}
}

// judgeWindow tells why a text violates the check, empty when it does not. Where
// failures may pass, that of one question leaves the other.
func (s *safetyCheck) judgeWindow(ctx context.Context, service *policy.Outgoing, text string, isDocument bool) (why string, err error) {
	if s.shield {
		if why, err = shieldPrompt(ctx, s.services.Sender, service, text, isDocument); why != "" || err != nil && !s.open {
			return why, err
		}
	}
	if len(s.categories) == 0 && len(s.blocklists) == 0 {
		return "", err
	}
	why, failed := s.analyze(ctx, service, text)
	return why, cmp.Or(failed, err)
}

// service is a request to the backend that is not complete yet.
func (s *safetyCheck) service(ctx context.Context) (*policy.Outgoing, error) {
	b := s.services.Backends.Backend(s.backend)
	if b == nil || b.URL == nil {
		return nil, fmt.Errorf("there is no backend %q", s.backend)
	}
	o := &policy.Outgoing{
		Method: http.MethodPost, URL: b.URL, BackendID: b.ID, Timeout: safetyTimeout,
		Header: http.Header{"Content-Type": {"application/json"}},
	}
	if b.Credentials {
		return o, nil
	}
	if s.services.Identity == nil {
		return nil, fmt.Errorf("the backend %s has no credentials, and the gateway no identity", b.ID)
	}
	token, err := s.services.Identity.Token(ctx, safetyResource, "")
	if err != nil {
		return nil, err
	}
	o.Header["Authorization"] = []string{"Bearer " + token}
	return o, nil
}

// ask sends one question.
func ask(ctx context.Context, sender policy.Sender, service *policy.Outgoing, operation string, question, answer any) error {
	o := *service
	o.Header = service.Header.Clone()
	u := *service.URL
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/contentsafety")
	u.Path, u.RawPath, u.RawQuery = path+"/contentsafety/"+operation, "", "api-version="+safetyVersion
	o.URL = &u
	var err error
	if o.Body, err = json.Marshal(question, json.Deterministic(true)); err != nil {
		return fmt.Errorf("asking for %s: %w", operation, err)
	}
	response, err := sender.Send(ctx, &o)
	if err != nil {
		return &serviceError{err}
	}
	defer policy.Message{Response: response}.Body().Close()
	if response.StatusCode != http.StatusOK {
		err := fmt.Errorf("%s was answered with status %d", operation, response.StatusCode)
		if isServiceFailure(response.StatusCode) {
			return &serviceError{err}
		}
		return err
	}
	body, err := policy.Message{Response: response}.Body().Bytes(false)
	if err != nil {
		return &serviceError{err}
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return &serviceError{fmt.Errorf("reading the answer to %s: %w", operation, err)}
	}
	return nil
}

// isServiceFailure tells whether a status is about the service, or about who asks,
// and not about the text: that one a caller could choose.
func isServiceFailure(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

type shieldQuestion struct {
	UserPrompt string   `json:"userPrompt"`
	Documents  []string `json:"documents"`
}

type shieldAnswer struct {
	UserPrompt *attack  `json:"userPromptAnalysis"`
	Documents  []attack `json:"documentsAnalysis"`
}

type attack struct {
	Detected bool `json:"attackDetected"`
}

// shieldPrompt looks for attacks on a model.
func shieldPrompt(ctx context.Context, sender policy.Sender, service *policy.Outgoing, text string, isDocument bool) (why string, err error) {
	question := shieldQuestion{UserPrompt: text, Documents: []string{}}
	if isDocument {
		question = shieldQuestion{Documents: []string{text}}
	}
	var answer shieldAnswer
	if err := ask(ctx, sender, service, "text:shieldPrompt", question, &answer); err != nil {
		return "", err
	}
	if answer.UserPrompt == nil && len(answer.Documents) == 0 {
		return "", &serviceError{errors.New("the answer to text:shieldPrompt says nothing")}
	}
	for _, d := range answer.Documents {
		if d.Detected {
			return "an attack was detected", nil
		}
	}
	if answer.UserPrompt != nil && answer.UserPrompt.Detected {
		return "an attack was detected", nil
	}
	return "", nil
}

type analyzeQuestion struct {
	Text       string   `json:"text"`
	Categories []string `json:"categories,omitempty"`
	Blocklists []string `json:"blocklistNames,omitempty"`
	Halt       bool     `json:"haltOnBlocklistHit"`
	OutputType string   `json:"outputType"`
}

type analyzeAnswer struct {
	Blocklists []struct {
		Name string `json:"blocklistName"`
	} `json:"blocklistsMatch"`
	Categories []struct {
		Category string `json:"category"`
		Severity *int   `json:"severity"`
	} `json:"categoriesAnalysis"`
}

// analyze looks for harm in the categories, and for terms of the blocklists.
func (s *safetyCheck) analyze(ctx context.Context, service *policy.Outgoing, text string) (why string, err error) {
	question := analyzeQuestion{Text: text, Blocklists: s.blocklists, Halt: true, OutputType: s.outputType}
	for _, t := range s.categories {
		question.Categories = append(question.Categories, t.category)
	}
	var answer analyzeAnswer
	if err := ask(ctx, s.services.Sender, service, "text:analyze", question, &answer); err != nil {
		return "", err
	}
	for _, b := range answer.Blocklists {
		return fmt.Sprintf("a term of the blocklist %s was found", b.Name), nil
	}
	for _, t := range s.categories {
		severity, ok := answer.severity(t.category)
		if !ok {
			return "", &serviceError{fmt.Errorf("the answer to text:analyze does not have the category %s", t.category)}
		}
		if severity >= t.severity {
			return fmt.Sprintf("the category %s has the severity %d", t.category, severity), nil
		}
	}
	return "", nil
}

func (a *analyzeAnswer) severity(category string) (int, bool) {
	for _, c := range a.Categories {
		if c.Category == category && c.Severity != nil {
			return *c.Severity, true
		}
	}
	return 0, false
}

// characters is the number of characters of a text as the service counts them.
func characters(text string) int { return utf8.RuneCountInString(text) }
