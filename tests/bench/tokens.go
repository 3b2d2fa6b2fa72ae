package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"toolgate/shared/auth"

	"github.com/golang-jwt/jwt/v5"
)

// validation is one row of the report: what it costs to validate a token, in this
// process.
type validation struct {
	Name string `json:"name"`
	// Baseline is the name of the row that Ratio compares with; empty for none.
	Baseline string `json:"baseline,omitzero"`
	// Microseconds, Allocations and Bytes are of one token, by the clock, the least
	// of all rounds.
	Microseconds float64 `json:"microseconds"`
	Ratio        float64 `json:"ratio,omitzero"`
	Allocations  float64 `json:"allocations"`
	Bytes        float64 `json:"bytes"`
	// Bound is the ratio, and BoundTime the microseconds, expected at most; 0
	// expects nothing.
	Bound     float64 `json:"bound,omitzero"`
	BoundTime float64 `json:"boundMicroseconds,omitzero"`

	validate func(ctx context.Context, token string) error
	tokens   []string // in turns
	next     int
}

func (v validation) over() bool {
	return v.Bound > 0 && v.Ratio > v.Bound || v.BoundTime > 0 && v.Microseconds > v.BoundTime
}

const (
	loginURL      = "https://login.contoso.com"
	toolsAudience = "api://tools"
	// differentTokens are more than a validator keeps, so that each is new to it.
	differentTokens = 1100
	// firstTime is what a new token may cost beside golang-jwt, and seenTime what
	// one may that is known, in microseconds.
	firstTime, seenTime = 1.2, 2
)

// validations are those that are measured: what golang-jwt takes for a token, and
// what the gateway's own validation takes that is made on it.
func validations() ([]*validation, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, differentTokens)
	for i := range tokens {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": loginURL, "aud": toolsAudience, "sub": "alice", "exp": time.Now().Add(24 * time.Hour).Unix(), "jti": i,
			"client_id": "cli", "scope": "read write", "roles": []string{"clerk", "reader"}, "groups": []string{"staff"},
		})
		token.Header["kid"] = "1"
		if tokens[i], err = token.SignedString(key); err != nil {
			return nil, err
		}
	}
	encode := base64.RawURLEncoding.EncodeToString
	keys := fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"1","n":%q,"e":%q}]}`, encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes()))
	validator := auth.New(auth.Options{Transport: issuerAlone(keys)})
	rules := &auth.Rules{Authorities: []string{loginURL}, Audiences: []string{toolsAudience}, RequireExpiration: true, RequireSigned: true}
	ours := func(ctx context.Context, token string) error {
		_, err := validator.Validate(ctx, token, rules)
		return err
	}
	parser := []jwt.ParserOption{
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(toolsAudience), jwt.WithIssuer(loginURL), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(),
	}
	theirs := func(_ context.Context, token string) error {
		_, err := jwt.ParseWithClaims(token, jwt.MapClaims{}, func(t *jwt.Token) (any, error) {
			if t.Header["kid"] != "1" {
				return nil, errors.New("no such key")
			}
			return &key.PublicKey, nil
		}, parser...)
		return err
	}
	const baseline = "golang-jwt's ParseWithClaims, RS256"
	return []*validation{
		{Name: baseline, validate: theirs, tokens: tokens},
		{Name: "an RS256 token, first time", Baseline: baseline, Bound: firstTime, validate: ours, tokens: tokens},
		{Name: "an RS256 token, already seen", BoundTime: seenTime, validate: ours, tokens: tokens[:1]},
	}, nil
}

// measureValidations validates in this process, the rows in turns.
func (b *bench) measureValidations(ctx context.Context) ([]validation, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rows, err := validations()
	if err != nil {
		return nil, fmt.Errorf("making tokens: %w", err)
	}
	for _, v := range rows {
		v.Microseconds, v.Allocations, v.Bytes = math.Inf(1), math.Inf(1), math.Inf(1)
	}
	for range b.rounds*smallRounds + 1 { // the first one fetches keys, and is never the cheapest
		for _, v := range rows {
			if err := v.round(ctx, max(1, b.calls/smallRounds)); err != nil {
				return nil, fmt.Errorf("%s: %w", v.Name, err)
			}
		}
	}
	made, byName := make([]validation, 0, len(rows)), map[string]*validation{}
	for _, v := range rows {
		if base := byName[v.Baseline]; base != nil {
			v.Ratio = v.Microseconds / base.Microseconds
		}
		byName[v.Name] = v
		made = append(made, *v)
	}
	return made, nil
}

// round validates n tokens and keeps the smaller of the cost now and before.
func (v *validation) round(ctx context.Context, n int) error {
	if len(v.tokens) == 1 { // which the others have crowded out
		if err := v.validate(ctx, v.tokens[0]); err != nil {
			return err
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		if err := v.validate(ctx, v.tokens[v.next]); err != nil {
			return err
		}
		v.next = (v.next + 1) % len(v.tokens)
	}
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	v.Microseconds = min(v.Microseconds, float64(elapsed.Nanoseconds())/float64(n)/1000)
	v.Allocations = min(v.Allocations, math.Round(float64(after.Mallocs-before.Mallocs)/float64(n)))
	v.Bytes = min(v.Bytes, math.Round(float64(after.TotalAlloc-before.TotalAlloc)/float64(n)))
	return nil
}

// issuerAlone is a network on which an issuer is, with these keys.
type issuerAlone string

func (keys issuerAlone) RoundTrip(r *http.Request) (*http.Response, error) {
	content := string(keys)
	if r.URL.Path != "/keys" {
		content = fmt.Sprintf(`{"issuer":%q,"jwks_uri":"%[1]s/keys"}`, loginURL)
	}
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(content)), Request: r}, nil
}

func (r *report) writeValidations(out *bytes.Buffer) error {
	fmt.Fprintf(out, "\nA token, validated: by the clock, the least of %d rounds.\n\n", r.Rounds*smallRounds)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tµs\tratio\texpected\t\tallocations\tbytes")
	for _, v := range r.Validations {
		ratio, expected := "", ""
		if v.Baseline != "" {
			ratio = fmt.Sprintf("%.2f", v.Ratio)
		}
		switch {
		case v.Bound > 0:
			expected = fmt.Sprintf("≤ %.2f", v.Bound)
		case v.BoundTime > 0:
			expected = fmt.Sprintf("≤ %.1f µs", v.BoundTime)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%s\t%s\t%s\t%.0f\t%.0f\n", v.Name, v.Microseconds, ratio, expected, verdict(expected != "", v.over()), v.Allocations, v.Bytes)
	}
	return t.Flush()
}
