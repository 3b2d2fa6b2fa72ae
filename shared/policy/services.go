package policy

import (
	"context"
	"crypto"
	"crypto/tls"
	"net/http"
	"net/url"
	"time"

	"toolgate/shared/expr"
)

// Services are what policies reach beyond their call. A policy whose service
// is nil fails when it is compiled. All are safe for concurrent use.
type Services struct {
	Limiter      Limiter
	Quotas       Quotas
	Reserves     Reserves
	Ledger       Ledger // nil: what is spent is counted, and not recorded
	Concurrency  Concurrency
	Cache        Cache
	Tokens       Tokens
	Identity     Identity
	Connections  Connections
	Certificates Certificates
	Sender       Sender
	Backends     Backends
	Schemas      Schemas
	Operations   Operations
	Sink         Sink
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Sleep waits between retries, and returns early with the context's error;
	// nil waits by a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Time is the time by the services' clock.
func (s *Services) Time() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Wait waits for d, or until the context ends.
func (s *Services) Wait(ctx context.Context, d time.Duration) error {
	if s.Sleep != nil {
		return s.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// StoreFailure says what becomes of calls that cannot be counted, because the
// store of counters does not answer.
type StoreFailure int8

// The zero value is what suits the kind of a limit: a rate limit lets calls pass,
// a quota refuses them.
const (
	UncountedByKind StoreFailure = iota
	AllowUncounted
	RefuseUncounted
)

// UncountedError is that of a Limiter or of Quotas for a call that they refuse
// because they cannot count it.
type UncountedError struct {
	RetryAfter time.Duration // until they try again
}

// Error is for the log.
func (e *UncountedError) Error() string { return "the store of counters does not answer" }

// Limit is a number of calls, or of what else is counted, in a sliding window.
type Limit struct {
	Calls          int
	Period         time.Duration
	OnStoreFailure StoreFailure
}

// Spent is the state of a limit.
type Spent struct {
	Exceeded   bool
	Remaining  int
	RetryAfter time.Duration // until one more would pass; 0 when one would now
}

// Limiter counts in sliding windows.
type Limiter interface {
	// Take adds cost to the counter of a key, unless the limit would be
	// exceeded. A cost of 0 looks whether the limit is reached.
	Take(ctx context.Context, key string, l Limit, cost int) (Spent, error)
	// Add adds cost in any case: it is known only after the call.
	Add(ctx context.Context, key string, l Limit, cost int) (Spent, error)
}

// Quota is what may be used in a period. A Calls or Bytes of 0 sets no limit.
type Quota struct {
	Calls, Bytes int64
	Period       time.Duration // 0: for ever
	Start        time.Time     // of the first period

	OnStoreFailure StoreFailure
}

// Usage is what a call uses of a quota.
type Usage struct{ Calls, Bytes int64 }

// QuotaState is the state of a quota.
type QuotaState struct {
	CallsExceeded, BytesExceeded bool
	Remaining                    Usage         // negative: none; of what the quota limits
	Renewal                      time.Duration // until the next period; 0: never
}

// Quotas count by periods.
type Quotas interface {
	// Use adds to the usage of a key, unless the quota is exhausted already; a
	// zero Usage looks whether it is. With late it adds in any case.
	Use(ctx context.Context, key string, q Quota, u Usage, late bool) (QuotaState, error)
}

// Reserves keep money, within one instance, for calls whose price shows later.
type Reserves interface {
	// Reserve keeps as much as the dearest of the last calls of the kind cost. It
	// returns what it keeps, and what to call, once, with the price that it came
	// to; or nil when that is not left, because of what is kept for others too.
	Reserve(r Reservation) (kept Money, settle func(price Money))
}

// Reservation is what to keep.
type Reservation struct {
	Counter     string // from which
	Kind        string // of calls: those of a kind cost about the same
	Least, Most Money  // to keep, whatever others cost
	Left        Money  // of the counter, with what is kept from it
}

// Unpriced is the price of a call of which nothing is to be learned.
const Unpriced Money = -1

// Ledger records what was spent of budgets, for reports. Nothing is decided by it.
type Ledger interface {
	// Record adds to what is recorded; it is in the store some seconds later.
	Record(ctx context.Context, s Spending)
	// Flush writes what is not in the store yet. The gateway does so at its end.
	Flush(ctx context.Context) error
}

// Spending is what one call spent of a budget.
type Spending struct {
	Key      string // of the counter
	Tool     string // of an MCP server, or the operation of an API
	Currency string
	Budget   Money     // of a period
	Start    time.Time // of the period
	End      time.Time // zero: never
	Amount   Money     // of the call
}

// Concurrency counts what runs at a time.
type Concurrency interface {
	// Enter returns what to call when the work has ended, or nil when most
	// others of the key are at work already.
	Enter(ctx context.Context, key string, most int) (leave func(), err error)
}

// Cache keeps values for a time. Which one a document asks for (internal or
// external) makes no difference.
type Cache interface {
	// Get returns nil for a key that is not there. The bytes must not be
	// changed.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set keeps a value; a duration of 0 or less removes it.
	Set(ctx context.Context, key string, value []byte, d time.Duration) error
	// Compute returns the value of a key, and computes it where there is none or
	// its time has come. Of callers at the same time one computes. It reports
	// whether this caller did: the value is then what was computed, or, where that
	// is nothing, the old one that may go on to serve, also beside an error. Without
	// an error of its own a computation's error is returned as it is, and the
	// context's when it ends while another one computes.
	Compute(ctx context.Context, c *Computation) (value []byte, ran bool, err error)
}

// Computation is how a value of the cache is computed.
type Computation struct {
	Key string
	// Kind is what the value is one of, such as the tool that made it: values of a
	// kind cost about the same. Empty takes what the key begins with, up to a space.
	Kind string
	// Anew has the value computed in any case. The one that is there serves those
	// who ask meanwhile.
	Anew bool
	// Once has one instance compute at a time, whatever it costs: others would be
	// counted by somebody else. Otherwise that is for what takes long.
	Once bool
	// Run computes the value. It is called by the caller of Compute, once at most.
	// When it calls alone, others do not wait any longer: there will be nothing for
	// them.
	Run func(ctx context.Context, alone func()) (Computed, error)
}

// Computed is what a computation made.
type Computed struct {
	Value []byte        // nil: nothing to keep
	Keep  time.Duration // for how long; 0 or less: not at all, and no other caller gets it
	// Refresh is after how long one caller computes it anew while others go on
	// with it; 0: shortly ahead of its end, by chance.
	Refresh time.Duration
}

// Tokens validate JSON Web Tokens.
type Tokens interface {
	// Validate returns nil for a token that satisfies the rules.
	Validate(ctx context.Context, token string, r *TokenRules) *TokenFailure
}

// TokenRules are what a token must satisfy.
type TokenRules struct {
	OpenIDConfigs     []string // URLs
	Authorities       []string // issuers whose keys are discovered; they join those of the configurations
	Keys              []TokenKey
	DecryptionKeys    []TokenKey
	Audiences         []string // one of them; nil: not checked
	Issuers           []string // one of them, or of the OpenID configurations; nil: not checked
	RequireExpiration bool
	RequireSigned     bool
	ClockSkew         time.Duration
	Claims            []TokenClaim
	Entra             *EntraRules // of validate-azure-ad-token; nil otherwise
	// Decrypted is told the signed token that was inside of an encrypted one, once it
	// satisfies the rules; nil is for who does not look into the token.
	Decrypted func(signed string)
}

// TokenKey is a key that stands in the policy: a secret, an RSA public key by
// modulus and exponent in base64url, or a certificate; or a public key that the
// gateway has, of package rsa or ecdsa.
type TokenKey struct {
	ID          string
	Secret      []byte
	N, E        string
	Certificate *Certificate
	Public      crypto.PublicKey
}

// TokenClaim is a claim that a token must have.
type TokenClaim struct {
	Name      string
	Values    []string // none: the claim only has to be there
	All       bool     // all values must be in the token, rather than one
	Separator string   // between the values of a text claim; empty: it is one value
}

// EntraRules are those of Microsoft Entra.
type EntraRules struct {
	Tenant    string // an id, a domain, common or organizations
	Endpoint  string // such as https://login.microsoftonline.com
	ClientIDs []string
	// BackendIDs are ids of applications that join the audiences, as they are
	// and as api://ID.
	BackendIDs []string
}

// TokenFailure says why a token does not satisfy its rules.
type TokenFailure struct {
	Reason       Reason
	Claim, Value string // of the claim reasons
	Unavailable  bool   // an issuer that may have the key did not answer
	Err          error  // for the log
}

// Identity gets tokens for the gateway's own identity.
type Identity interface {
	Token(ctx context.Context, resource, clientID string) (string, error)
}

// Connections get the access tokens of stored connections.
type Connections interface {
	Authorization(ctx context.Context, r ConnectionRequest) (*expr.Authorization, error)
}

// ConnectionRequest names a stored connection. Identity is a token, for
// identity type jwt.
type ConnectionRequest struct{ Provider, Authorization, IdentityType, Identity string }

// Certificate is a client certificate with its private key.
type Certificate struct {
	tls.Certificate
	Public *expr.Certificate
}

// Certificates are those that a configuration names.
type Certificates interface {
	// Certificate finds one by its id or by its thumbprint; nil: there is none.
	Certificate(id, thumbprint string) *Certificate
}

// Outgoing is a request of a policy's own.
type Outgoing struct {
	Method      string
	URL         *url.URL
	Header      http.Header
	Body        []byte
	Timeout     time.Duration // of the whole exchange; 0: none but the context's
	Proxy       *url.URL
	Certificate *Certificate
	BackendID   string // whose credentials to use; empty: none
}

// Sender sends requests of policies.
type Sender interface {
	// Send returns any response there is. The error is a *SendError.
	Send(ctx context.Context, r *Outgoing) (*expr.Response, error)
}

// SendError says why there is no response.
type SendError struct {
	Timeout bool
	Err     error
}

// Error is for the log.
func (e *SendError) Error() string { return "sending a request: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// BackendEntity is a backend of the configuration.
type BackendEntity struct {
	ID   string
	Pool bool
	URL  *url.URL // of a pool: that of its first member
	// Credentials says that requests to it carry credentials of the
	// configuration.
	Credentials bool
}

// Backends are those of the configuration.
type Backends interface {
	// Backend returns nil when there is none of the id.
	Backend(id string) *BackendEntity
	IDs() []string
}

// Schemas are the JSON schemas of the configuration.
type Schemas interface {
	// Schema returns nil when there is none of the id.
	Schema(id string) JSONSchema
}

// JSONSchema is a compiled JSON schema.
type JSONSchema interface {
	// Violations are what is wrong in a value; nil for nothing.
	Violations(value []byte) []Violation
}

// Violation is one thing that is wrong in a value.
type Violation struct {
	Path    string // JSON pointer
	Keyword string // the keyword of the schema that is broken
	Message string
}

// Operations tell what the OpenAPI documents say of operations.
type Operations interface {
	// Example is a sample response: for mock-response. A content type of ""
	// takes the first. It reports false when the document has none.
	Example(api, operation string, status int, contentType string, index int) (contentTypeFound string, body []byte, ok bool)
	// Described is the operation as its document describes it; nil when there
	// is none.
	Described(api, operation string) *OperationDescription
}

// OperationDescription is what validation policies compare messages with.
type OperationDescription struct {
	Parameters []ParameterDescription
	// Request has a schema for each content type of the body; a nil JSONSchema
	// lets anything pass.
	Request   map[string]JSONSchema
	Responses map[int]ResponseDescription // status 0 is the default response
}

// ParameterDescription is one parameter; In is path, query or header.
type ParameterDescription struct {
	Name, In string
	Required bool
	Schema   JSONSchema // of its value as JSON; nil: any
	Text     bool       // the schema's type is string: the text is taken as it is
}

// ResponseDescription is one response of an operation.
type ResponseDescription struct {
	Headers []ParameterDescription
	Content map[string]JSONSchema
}

// Sink receives what policies report.
type Sink interface {
	Trace(x *Exchange, r TraceRecord)
	Metric(x *Exchange, m Metric)
	Event(x *Exchange, e Event)
}

// TraceRecord is a message of trace.
type TraceRecord struct {
	Source, Severity, Message string
	Metadata                  []Attr
}

// Attr is a name with its value.
type Attr struct{ Name, Value string }

// Metric is a value of emit-metric and its kin.
type Metric struct {
	Name, Namespace string
	Value           float64
	Dimensions      []Attr
}

// Event is a message of log-to-eventhub.
type Event struct{ Logger, PartitionID, PartitionKey, Text string }
