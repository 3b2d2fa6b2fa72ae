package audit

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kind is what a record tells of.
type Kind string

// The kinds of records.
const (
	KindGenesis Kind = "genesis" // the first of a chain
	KindCall    Kind = "call"
	KindAnchor  Kind = "anchor" // where other chains were
	KindLost    Kind = "lost"   // calls that could not be recorded
	KindEnd     Kind = "end"    // the last of a chain whose instance ended by itself
)

// Record is one link of a chain.
type Record struct {
	Chain string `json:"chain"`
	// Seq counts the records of a chain from 0.
	Seq int64 `json:"seq"`
	// Prev is the Hash of the record before; of a genesis that of the last record of
	// the chain that it continues, or empty.
	Prev    string    `json:"prev,omitzero"`
	Time    time.Time `json:"time"` // UTC, in milliseconds
	Kind    Kind      `json:"kind"`
	Genesis *Genesis  `json:"genesis,omitzero"` // of KindGenesis
	Call    *Call     `json:"call,omitzero"`    // of KindCall
	Anchors []Anchor  `json:"anchors,omitzero"` // of KindAnchor
	Lost    int64     `json:"lost,omitzero"`    // of KindLost
	// Hash is over all other members in this order, in hexadecimal.
	Hash string `json:"hash"`
}

// Genesis is what the first record of a chain tells.
type Genesis struct {
	// Instance is the same for all chains of a Trail.
	Instance string `json:"instance"`
	Snapshot string `json:"snapshot,omitzero"`
	// Key tells which key the hashes are made with; empty: none.
	Key string `json:"key,omitzero"`
	// Continues is the end of the chain before of the same instance; nil: none.
	Continues *Anchor `json:"continues,omitzero"`
}

// Anchor is a record of another chain: how far that chain was.
type Anchor struct {
	Chain string `json:"chain"`
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
}

// Decision is what became of a call.
type Decision string

// The decisions.
const (
	Allowed Decision = "allowed" // it was made, and its answer is no error
	Refused Decision = "refused" // by the gateway, on purpose
	Failed  Decision = "failed"  // it was let through, and its answer is an error
)

// Call is what is recorded of a call. Texts are cut where they are long.
type Call struct {
	RequestID string `json:"requestId,omitzero"`
	TraceID   string `json:"traceId,omitzero"`
	Server    string `json:"server,omitzero"` // or API
	Method    string `json:"method,omitzero"` // of JSON-RPC, or of HTTP
	Tool      string `json:"tool,omitzero"`   // or operation, prompt or resource
	// Subject is the user: the id that the token has, or the owner of the subscription.
	Subject       string   `json:"subject,omitzero"`
	Issuer        string   `json:"issuer,omitzero"`   // of the token
	ClientID      string   `json:"clientId,omitzero"` // the application that the token was issued to
	Subscription  string   `json:"subscription,omitzero"`
	Product       string   `json:"product,omitzero"`
	ClientAddress string   `json:"clientAddress,omitzero"`
	Decision      Decision `json:"decision"`
	Status        int      `json:"status"` // of HTTP
	Reason        string   `json:"reason,omitzero"`
	// Source is the policy that refused or failed, or else the part of the gateway; ID,
	// scope, section and path say where it stands.
	Source     string `json:"source,omitzero"`
	PolicyID   string `json:"policyId,omitzero"`
	Scope      string `json:"scope,omitzero"`
	Section    string `json:"section,omitzero"`
	Path       string `json:"path,omitzero"`
	Approval   string `json:"approval,omitzero"`
	ApprovedBy string `json:"approvedBy,omitzero"`
	Snapshot   string `json:"snapshot,omitzero"`
	// ArgumentsHash is the SHA-256 of the arguments as canonical JSON, in hexadecimal:
	// RFC 8785, but that the digits of numbers stay. Empty: there were none.
	ArgumentsHash string `json:"argumentsHash,omitzero"`
	// Arguments are the arguments, redacted, where they are recorded and not too long.
	Arguments string `json:"arguments,omitzero"`

	time time.Time // when it began
}

// maxText bounds each text of a call, in bytes, so that a record always fits a row.
const maxText = 256

// cut makes the texts of a call fit a row.
func (c *Call) cut() {
	for _, text := range []*string{
		&c.RequestID, &c.TraceID, &c.Server, &c.Method, &c.Tool, &c.Subject, &c.Issuer, &c.ClientID, &c.Subscription, &c.Product,
		&c.ClientAddress, &c.Reason, &c.Source, &c.PolicyID, &c.Scope, &c.Section, &c.Path, &c.Approval, &c.ApprovedBy, &c.Snapshot,
	} {
		*text = fit(*text, maxText)
	}
}

// fit is a text of at most so many bytes that JSON can hold.
func fit(text string, most int) string {
	if len(text) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// hash is the hash over a record's canonical bytes: with a key an HMAC.
func hash(key, canonical []byte) string {
	if key == nil {
		sum := sha256.Sum256(canonical)
		return hex.EncodeToString(sum[:])
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(canonical)
	return hex.EncodeToString(mac.Sum(nil))
}

// canonical are the bytes that a record's hash is over.
func (r Record) canonical() ([]byte, error) {
	r.Hash = ""
	b, err := json.Marshal(&r)
	if err != nil {
		return nil, fmt.Errorf("encoding record %d: %w", r.Seq, err)
	}
	return b, nil
}

// seal gives a record its hash, and returns it as it is written.
func (r *Record) seal(key []byte) ([]byte, error) {
	b, err := r.canonical()
	if err != nil {
		return nil, err
	}
	r.Hash = hash(key, b)
	return append(append(b[:len(b)-len(emptyHash)], `"hash":"`+r.Hash...), `"}`...), nil
}

// emptyHash is how the canonical bytes end.
const emptyHash = `"hash":""}`

// genuine tells whether a record has the hash that one of the keys makes. A nil key
// is none.
func (r *Record) genuine(keys [][]byte) bool {
	b, err := r.canonical()
	if err != nil {
		return false
	}
	for _, key := range keys {
		if hmac.Equal([]byte(hash(key, b)), []byte(r.Hash)) {
			return true
		}
	}
	return false
}

// maxRecord is more than a row holds.
const maxRecord = 64 << 10

// errShape is a record that no Trail writes.
var errShape = errors.New("it is no record of this version")

// parseRecord reads a record. What it does not know is no part of the hash, so it is
// refused.
func parseRecord(raw jsontext.Value) (*Record, error) {
	if len(raw) > maxRecord {
		return nil, errShape
	}
	var r Record
	if err := json.Unmarshal(raw, &r, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", errShape, err)
	}
	wrong := r.Kind == KindGenesis && r.Genesis == nil || r.Kind == KindCall && r.Call == nil || r.Seq < 0
	if _, known := expiry(r.Chain); wrong || !known {
		return nil, errShape
	}
	return &r, nil
}

// DeriveKey makes the key of hashes out of the sealing key (RFC 5869).
func DeriveKey(secret []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "toolgate audit", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of the audit: %w", err)
	}
	return key, nil
}

// keyID tells keys apart and says nothing else of them; empty for none.
func keyID(key []byte) string {
	if key == nil {
		return ""
	}
	return hash(key, []byte("toolgate audit key id"))[:16]
}

// digest is the hash of arguments, which are JSON.
func digest(arguments []byte) string {
	v := jsontext.Value(bytes.Clone(arguments))
	// Arguments were scanned. Should they be no JSON after all, their bytes are hashed.
	_ = v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	sum := sha256.Sum256(v)
	return hex.EncodeToString(sum[:])
}
