package aztables

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// source is a credential whose tokens take a second and are good for an hour.
type source struct {
	asked atomic.Int64
	err   error
}

func (s *source) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	s.asked.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	}
	return azcore.AccessToken{Token: "the-token", ExpiresOn: time.Now().Add(time.Hour)}, s.err
}

// TestDetached: operations that cannot wait for a token find it there later.
func TestDetached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		d := &detached{source: s}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			if token, err := d.GetToken(ctx, policy.TokenRequestOptions{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("at first: got %q and error %v, want %v", token.Token, err, context.DeadlineExceeded)
			}
			cancel()
		}
		for range 3 {
			if token, err := d.GetToken(t.Context(), policy.TokenRequestOptions{}); token.Token != "the-token" || err != nil {
				t.Errorf("later: got %q and error %v, want the token", token.Token, err)
			}
		}
		if got := s.asked.Load(); got != 1 {
			t.Errorf("the source was asked %d times, want once", got)
		}
		time.Sleep(55 * time.Minute) // of the bubble: the token is about to expire
		if _, err := d.GetToken(t.Context(), policy.TokenRequestOptions{}); err != nil {
			t.Error(err)
		}
		if got := s.asked.Load(); got != 2 {
			t.Errorf("the source was asked %d times, want twice", got)
		}
		// The service refused the token: one that is kept is of no use.
		if _, err := d.GetToken(t.Context(), policy.TokenRequestOptions{Claims: "{}"}); err != nil {
			t.Error(err)
		}
		if got := s.asked.Load(); got != 3 {
			t.Errorf("the source was asked %d times, want three times", got)
		}
	})
}

func TestDetachedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{err: errors.New("no identity")}
		d := &detached{source: s}
		for range 2 {
			if _, err := d.GetToken(t.Context(), policy.TokenRequestOptions{}); !errors.Is(err, s.err) {
				t.Errorf("got %v, want %v", err, s.err)
			}
		}
		if got := s.asked.Load(); got != 2 {
			t.Errorf("the source was asked %d times, want each time", got)
		}
	})
}

// FuzzDecode: no answer of a service makes the store panic.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"PartitionKey":"rate-0","RowKey":"0","D":"AP8=","X":"2030-01-02T03:04:05.678Z"}`))
	f.Add([]byte(`{"D":null,"X":""}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decode(body, "v")
		if err == nil && r.Version != "v" {
			t.Errorf("got version %q, want v", r.Version)
		}
	})
}
