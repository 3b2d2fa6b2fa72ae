package federation

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// stsVersion is the version of the API of AWS STS.
	stsVersion = "2011-06-15"
	// stsLife is for how long a token of AWS STS is asked for, in seconds. It is shown
	// once, at once.
	stsLife = "300"
	// stsAlgorithm is the one of the two of AWS that Microsoft Entra takes.
	stsAlgorithm = "RS256"
	// maxSTS bounds an answer, in bytes, and maxDetail what an error takes from it.
	maxSTS, maxDetail = 256 << 10, 300
)

// Signer signs requests to services of AWS.
type Signer interface {
	// Sign signs a request for a service in a region.
	Sign(ctx context.Context, req *http.Request, service, region string) error
}

// STS gives tokens of AWS STS for the role of a function (GetWebIdentityToken, the
// outbound identity federation of IAM).
type STS struct {
	signer    Signer
	region    string
	transport http.RoundTripper
}

// NewSTS makes a source of tokens. The endpoint of the region is asked, since the
// global one does not serve them. The transport nil is one of our own.
func NewSTS(s Signer, region string, rt http.RoundTripper) *STS {
	if rt == nil {
		rt = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &STS{s, region, rt}
}

// stsAnswer is an answer with a token, or with an error.
type stsAnswer struct {
	Token   string `xml:"GetWebIdentityTokenResult>WebIdentityToken"`
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
}

// stsAdvice says what to do about a code.
var stsAdvice = map[string]string{
	"OutboundWebIdentityFederationDisabled":          "enable it for the account: aws iam enable-outbound-web-identity-federation",
	"OutboundWebIdentityFederationDisabledException": "enable it for the account: aws iam enable-outbound-web-identity-federation",
	"AccessDenied": "allow the role sts:GetWebIdentityToken for the audience " + Audience,
	"ExpiredToken": "the credentials of the host have expired",
}

// Token asks for a token for an audience.
func (s *STS) Token(ctx context.Context, audience string) (string, error) {
	if s.region == "" {
		return "", errors.New("asking AWS STS: the host names no region: set AWS_REGION")
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(s.region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	form := url.Values{
		"Action": {"GetWebIdentityToken"}, "Version": {stsVersion}, "Audience.member.1": {audience},
		"SigningAlgorithm": {stsAlgorithm}, "DurationSeconds": {stsLife},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://sts."+s.region+"."+domain+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("asking AWS STS: the region %q is none", s.region)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := s.signer.Sign(ctx, req, "sts", s.region); err != nil {
		return "", fmt.Errorf("asking AWS STS: %w", err)
	}
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("asking AWS STS: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxSTS))
	if err != nil {
		return "", fmt.Errorf("reading the answer of AWS STS: %w", err)
	}
	return readSTS(res.StatusCode, body)
}

// readSTS reads an answer. Its errors do not quote a token.
func readSTS(status int, body []byte) (string, error) {
	var answer stsAnswer
	err := xml.Unmarshal(body, &answer)
	switch {
	case status != http.StatusOK && answer.Code != "":
		message := answer.Message
		if len(message) > maxDetail {
			message = strings.ToValidUTF8(message[:maxDetail], "") + "…"
		}
		if advice := stsAdvice[answer.Code]; advice != "" {
			return "", fmt.Errorf("AWS STS answered status %d, %s: %s (%s)", status, answer.Code, message, advice)
		}
		return "", fmt.Errorf("AWS STS answered status %d, %s: %s", status, answer.Code, message)
	case status != http.StatusOK:
		return "", fmt.Errorf("AWS STS answered status %d", status)
	case err != nil || !sendable(answer.Token):
		return "", errors.New("the answer of AWS STS has no token")
	}
	return answer.Token, nil
}
