package expr

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Context is what expressions see as "context". Whoever runs a policy fills it;
// nil pointers are null. Evaluation changes none of it.
type Context struct {
	Api          *Api
	Backend      *Backend
	Deployment   *Deployment
	GraphQL      *GraphQL
	LastError    *LastError
	Operation    *Operation
	Product      *Product
	Request      *Request
	RequestID    Guid
	Response     *Response
	Pending      *Response // what Response is while there is none; nil: null
	Subscription *Subscription
	Timestamp    time.Time
	Tracing      bool
	User         *User
	Workspace    *Workspace
	Mcp          *Mcp // ours: API Management has none

	Variables Variables                // nil: none
	Elapsed   func() time.Duration     // nil: since Timestamp, by Now
	Trace     func(message string)     // nil: nobody listens
	Now       func() time.Time         // nil: time.Now
	Random    io.Reader                // for GUIDs and Random; nil: crypto/rand
	Verify    func(*Certificate) error // X509Certificate2.Verify; nil: no certificate is valid
}

// Variables are those of the policies. Values are what evaluations returned, or
// of Go's corresponding types: string, bool, int32, *Response and so on.
type Variables interface {
	Lookup(name string) (value any, ok bool)
	All() iter.Seq2[string, any]
}

// Body gives the bytes of a message. After a read without preserve there are
// none: nil.
type Body interface {
	Bytes(preserve bool) ([]byte, error)
}

// Api is the API that the request is for.
type Api struct {
	ID, Name, Path, Revision, Version string
	IsCurrentRevision                 bool
	ServiceURL                        *url.URL
	Protocols                         []string
	KeyHeader, KeyQuery               string // where a subscription key is looked for
}

// Backend is the backend that a policy chose.
type Backend struct{ ID, Type, AzureRegion string }

// Deployment is where the gateway runs.
type Deployment struct {
	GatewayID, InstanceID, Region, ServiceID, ServiceName string
	IsManaged                                             bool
	Certificates                                          map[string]*Certificate
	CarbonIntensity                                       string
}

// GraphQL is the operation of a GraphQL request.
type GraphQL struct {
	Arguments *JObject
	Parent    JToken
}

// LastError says what sent the request to on-error.
type LastError struct{ Source, Reason, Message, Scope, Section, Path, PolicyID string }

// Operation is the operation that the request is for.
type Operation struct{ ID, Method, Name, URLTemplate string }

// Product is the product of the subscription.
type Product struct {
	ID, Name, State                        string
	ApprovalRequired, SubscriptionRequired bool
	SubscriptionsLimit                     *int32
	Groups                                 []Group
	Apis                                   []Api
}

// Group is a group of users.
type Group struct{ ID, Name string }

// Request is a request as the client sent it or policies changed it.
type Request struct {
	Body              Body // nil: null
	Certificate       *Certificate
	Headers           http.Header
	IPAddress         string
	MatchedParameters map[string]string
	Method            string
	OriginalURL       *url.URL
	URL               *url.URL
	FoundryDeployment string
	PrivateEndpoint   *PrivateEndpointConnection
}

// PrivateEndpointConnection is the private link that the request came through.
type PrivateEndpointConnection struct{ Name, GroupID, MemberName string }

// Response is a response, the backend's or one that send-request received.
type Response struct {
	Body         Body // nil: null
	Headers      http.Header
	StatusCode   int
	StatusReason string
}

// Subscription is the one whose key the request has.
type Subscription struct {
	ID, Key, Name, PrimaryKey, SecondaryKey string
	CreatedDate                             time.Time
	StartDate, EndDate                      *time.Time
}

// User is the owner of the subscription.
type User struct {
	ID, Email, FirstName, LastName, Note string
	RegistrationDate                     time.Time
	Groups                               []Group
	Identities                           []UserIdentity
}

// UserIdentity is how a user signs in.
type UserIdentity struct{ ID, Provider string }

// Workspace is the workspace of the API.
type Workspace struct{ ID, Name string }

// Authorization is what get-authorization-context stores.
type Authorization struct {
	AccessToken string
	Claims      map[string]string
}

// Mcp describes the MCP message in a request to a server of the gateway.
type Mcp struct {
	Method          string   // as JSON-RPC has it, such as tools/call
	ToolName        string   // "": null
	Arguments       *JObject // nil: null, or what RawArguments says
	ProtocolVersion string
	ClientName      string // "": null, or what RawClient says
	ServerName      string
	// RawArguments is the JSON of the arguments, which is read when an
	// expression asks for them; nil: null.
	RawArguments []byte
	// RawClient is the JSON of the client's Implementation, which is read
	// when an expression asks for its name; nil: null.
	RawClient []byte
}

// clientName reads it once.
func (m *Mcp) clientName() any {
	if m.ClientName == "" && m.RawClient != nil {
		if t, err := ParseJSON(string(m.RawClient)); err == nil {
			if info, ok := t.(*JObject); ok {
				if name := info.get("name"); name != nil {
					m.ClientName = toText(name)
				}
			}
		}
	}
	return textOrNull(m.ClientName)
}

// arguments reads them once.
func (m *Mcp) arguments() any {
	if m.Arguments == nil && m.RawArguments != nil {
		if t, err := ParseJSON(string(m.RawArguments)); err == nil {
			m.Arguments, _ = t.(*JObject)
		}
	}
	return orNull(m.Arguments)
}

// BasicAuthCredentials are those of a Basic Authorization header.
type BasicAuthCredentials struct{ UserID, Password string }

// Certificate is an X.509 certificate; Raw is its DER.
type Certificate struct {
	*x509.Certificate
	HasPrivateKey bool
	// Key signs, of certificates that have a private key; nil: none.
	Key any
}

// messageBody is a body with the frame-independent type IMessageBody.
type messageBody struct{ Body }

// stringMap is a dictionary of strings.
type stringMap map[string]string

// multiValues is a dictionary of string arrays: a query or claims.
type multiValues map[string][]string

func (*Context) typeName() string                   { return "IContext" }
func (*Api) typeName() string                       { return "IApi" }
func (*Backend) typeName() string                   { return "IBackend" }
func (*Deployment) typeName() string                { return "IDeployment" }
func (*GraphQL) typeName() string                   { return "IGraphQLDataContext" }
func (*LastError) typeName() string                 { return "ILastError" }
func (*Operation) typeName() string                 { return "IOperation" }
func (*Product) typeName() string                   { return "IProduct" }
func (*Group) typeName() string                     { return "IGroup" }
func (*Request) typeName() string                   { return "IRequest" }
func (*PrivateEndpointConnection) typeName() string { return "IPrivateEndpointConnection" }
func (*Response) typeName() string                  { return "IResponse" }
func (*Subscription) typeName() string              { return "ISubscription" }
func (*User) typeName() string                      { return "IUser" }
func (*UserIdentity) typeName() string              { return "IUserIdentity" }
func (*Workspace) typeName() string                 { return "IWorkspace" }
func (*Authorization) typeName() string             { return "Authorization" }
func (*Mcp) typeName() string                       { return "IMcp" }
func (*BasicAuthCredentials) typeName() string      { return "BasicAuthCredentials" }
func (*Certificate) typeName() string               { return "X509Certificate2" }
func (*messageBody) typeName() string               { return "IMessageBody" }
func (stringMap) typeName() string                  { return "IStrings" }
func (multiValues) typeName() string                { return "IMultiValues" }
func (variableSet) typeName() string                { return "IVariables" }

// variableSet is context.Variables.
type variableSet struct{ Variables }

func (v variableSet) iterate(_ *frame, yield func(any) bool) {
	for name, value := range v.All() {
		if !yield(&pair{name, value}) {
			return
		}
	}
}

func (m stringMap) iterate(_ *frame, yield func(any) bool) {
	for _, k := range sortedKeys(m) {
		if !yield(&pair{k, m[k]}) {
			return
		}
	}
}

func (m multiValues) iterate(_ *frame, yield func(any) bool) {
	for _, k := range sortedKeys(m) {
		if !yield(&pair{k, stringArray(m[k])}) {
			return
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// orNull is null for a nil pointer.
func orNull[T any](p *T) any {
	if p == nil {
		return nil
	}
	return p
}

// textOrNull is null for "".
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// clockNow is the time of the first look at the clock in this evaluation.
func (f *frame) clockNow() DateTime {
	if f.x.Now != nil {
		return DateTimeOf(f.x.Now())
	}
	return DateTimeOf(time.Now())
}

func (f *frame) elapsed() TimeSpan {
	if f.x.Elapsed != nil {
		return TimeSpanOf(f.x.Elapsed())
	}
	if f.x.Timestamp.IsZero() {
		return 0
	}
	return TimeSpan(f.clockNow().ticks - DateTimeOf(f.x.Timestamp).ticks)
}

// randomBytes fills a new slice.
func (f *frame) randomBytes(n int) []byte {
	f.charge(n)
	b := make([]byte, n)
	source := f.x.Random
	if source == nil {
		source = rand.Reader
	}
	if _, err := io.ReadFull(source, b); err != nil {
		throw("CryptographicException", "Reading random bytes: %v", err)
	}
	return b
}

func (f *frame) randomWord() uint64 { return binary.LittleEndian.Uint64(f.randomBytes(8)) }

// lookup finds a key in any dictionary.
func lookup(dictionary, key any) (any, bool) {
	name, _ := key.(string)
	switch d := dictionary.(type) {
	case *Dictionary:
		return d.get(key)
	case variableSet:
		return d.Lookup(name)
	case http.Header:
		if list := headerValues(d, name); list != nil {
			return stringArray(list), true
		}
	case multiValues:
		if list, ok := d.find(name); ok {
			return stringArray(list), true
		}
	case stringMap:
		for k, v := range d {
			if strings.EqualFold(k, name) {
				return v, true
			}
		}
	case *JObject:
		if v := d.get(name); v != nil {
			return v, true
		}
	}
	return nil, false
}

// find ignores case where the exact name is missing.
func (m multiValues) find(name string) ([]string, bool) {
	if list, ok := m[name]; ok {
		return list, true
	}
	for k, list := range m {
		if strings.EqualFold(k, name) {
			return list, true
		}
	}
	return nil, false
}

// headerValues looks a name up in the canonical form; constants have it already.
func headerValues(h http.Header, name string) []string {
	if list := h[name]; list != nil {
		return list
	}
	return h[http.CanonicalHeaderKey(name)]
}

// entries iterates over any dictionary.
func (f *frame) entries(dictionary any) iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		if h, ok := dictionary.(http.Header); ok {
			dictionary = multiValues(h)
		}
		for item := range f.each(dictionary) {
			if p, ok := item.(*pair); ok && !yield(p.key, p.value) {
				return
			}
		}
	}
}
