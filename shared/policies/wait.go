package policies

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"toolgate/shared/policy"
)

func init() { registered["wait"] = func() policy.Statement { return &wait{} } }

// wait runs the policies inside side by side, each in a branch of its own. For
// all, it ends when all have ended, and then with the first failure in the
// order of the document. For any, it ends when the first has ended without a
// failure; the others are cancelled and what they set is lost. Of what branches
// do, variables, headers set for the response and the response that one ends
// the pipeline with are taken over.
type wait struct {
	For      policy.Value[string] `attr:"for"`
	Policies policy.Block         `policies:"*"`

	branches []policy.Block
}

// ofMessage are policies that change the messages, of which each branch has its
// own copy.
var ofMessage = []string{
	"authentication-basic", "authentication-certificate", "cache-lookup", "cache-store", "cors", "find-and-replace", "forward-request",
	"json-to-xml", "proxy", "redirect-content-urls", "rewrite-uri", "set-backend-service", "set-body", "set-header", "set-method",
	"set-query-parameter", "set-status", "xml-to-json",
}

// ofOwnMessage are policies with others inside that change the message of the
// policy.
var ofOwnMessage = []string{"send-request", "send-one-way-request", "invoke-request", "return-response"}

func (p *wait) Prepare(c *policy.Compilation) {
	p.branches = p.Policies.Split()
	refuseMessages(c, c.Element)
}

// refuseMessages finds the policies inside whose work would be lost.
func refuseMessages(c *policy.Compilation, e *policy.Element) {
	for _, child := range e.Children {
		_, output := child.Attribute("output-token-variable-name")
		if slices.Contains(ofMessage, child.Name) || child.Name == "authentication-managed-identity" && !output {
			c.Fault(child.At, "set a variable in the branch, and use it behind wait", "%s must not stand in a branch of wait: branches do not change the message", child.Name)
			continue
		}
		if !slices.Contains(ofOwnMessage, child.Name) {
			refuseMessages(c, child)
		}
	}
}

// ended is a branch that has ended.
type ended struct {
	branch int
	err    error
}

func (p *wait) Apply(ctx context.Context, x *policy.Exchange) error {
	mode, err := p.For.Get(x)
	if err != nil || len(p.branches) == 0 {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	forks := make([]*policy.Exchange, len(p.branches))
	for i := range forks {
		forks[i] = x.Fork()
	}
	done := make(chan ended, len(forks))
	for i := range forks {
		go func() { done <- ended{i, runBranch(ctx, &p.branches[i], forks[i])} }()
	}
	if mode == "any" {
		return joinFirst(x, forks, done, cancel)
	}
	return joinAll(x, forks, done)
}

// runBranch makes an error of a panic, which would end the process outside of
// the goroutine of the call.
func runBranch(ctx context.Context, b *policy.Block, x *policy.Exchange) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &policy.Error{
				Source: "wait", Reason: "InternalError", Message: "Internal server error", Status: http.StatusInternalServerError,
				Cause: fmt.Errorf("a branch panicked: %v", r),
			}
		}
	}()
	return b.Run(ctx, x)
}

// joinAll waits for all branches and takes over what they did.
func joinAll(x *policy.Exchange, forks []*policy.Exchange, done <-chan ended) error {
	errs := make([]error, len(forks))
	for range forks {
		e := <-done
		errs[e.branch] = e.err
	}
	var first error
	for i, fork := range forks {
		if err := join(x, fork, errs[i]); first == nil {
			first = err
		}
	}
	return first
}

// joinFirst takes over what the first branch did that ended well. It waits for
// the others too, which are cancelled: none outlives the call.
func joinFirst(x *policy.Exchange, forks []*policy.Exchange, done <-chan ended, cancel context.CancelFunc) error {
	winner := ended{branch: -1}
	var first error
	for range forks {
		e := <-done
		switch {
		case winner.branch >= 0:
		case failed(e.err):
			if first == nil {
				first = e.err
			}
		default:
			winner = e
			cancel()
		}
	}
	if winner.branch < 0 {
		return first
	}
	return join(x, forks[winner.branch], winner.err)
}

// failed tells failures from the other ways to end.
func failed(err error) bool { return err != nil && err != policy.Returned && err != policy.Answered } //nolint:errorlint // never wrapped

// join takes over what a branch did, and the response with which it ended the
// pipeline.
func join(x, fork *policy.Exchange, err error) error {
	x.Join(fork)
	if err != nil && !failed(err) && fork.Response != nil {
		x.Respond(fork.Response)
	}
	return err
}
