package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
)

// rule is who may use something: one of the alternatives has to hold. A nil rule is
// everybody.
type rule struct{ alternatives []alternative }

type alternative struct {
	*config.Allow
	expression *expr.Program // nil for none
}

// rules makes the rules of a server, each once however many tools it is for.
type rules struct {
	made     map[string]*rule
	distinct []*rule // in the order in which they were made
}

// rule is that of a list of gateway.yaml, whose expressions were checked at build.
func (r *rules) rule(list []config.Allow) (*rule, error) {
	if len(list) == 0 {
		return nil, nil
	}
	key, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	if known := r.made[string(key)]; known != nil {
		return known, nil
	}
	made := &rule{alternatives: make([]alternative, 0, len(list))}
	var errs []error
	for i := range list {
		a := alternative{Allow: &list[i]}
		a.expression, err = compileAllowed(a.Expression)
		errs = append(errs, err)
		made.alternatives = append(made.alternatives, a)
	}
	if r.made == nil {
		r.made = map[string]*rule{}
	}
	r.made[string(key)] = made
	r.distinct = append(r.distinct, made)
	return made, errors.Join(errs...)
}

// compileAllowed compiles an expression with its brackets; nil for none.
func compileAllowed(text string) (*expr.Program, error) {
	if text == "" {
		return nil, nil
	}
	kind := expr.Single
	if strings.HasPrefix(text, "@{") {
		kind = expr.Statements
	}
	program, errs := expr.Compile(text[2:len(text)-1], kind, expr.Position{Line: 1, Column: 3})
	if len(errs) > 0 {
		return nil, fmt.Errorf("compiling an expression of allow: %w: build the snapshot again", errs[0])
	}
	return program, nil
}

// outcome is what a rule says of a caller.
type outcome struct {
	verdict verdict
	// scopes are those that the rule asks for, whether the token has them or not.
	scopes []string
}

type verdict uint8

const (
	denied      verdict = iota
	lacksScopes         // and nothing else
	allowed
)

// and is what two rules say that both have to hold.
func (o outcome) and(other outcome) outcome {
	both := outcome{verdict: min(o.verdict, other.verdict), scopes: o.scopes}
	for _, s := range other.scopes {
		if !slices.Contains(both.scopes, s) {
			both.scopes = append(slices.Clip(both.scopes), s)
		}
	}
	return both
}

// visitor is a caller as rules see it: what the token says, the product that the
// call is under, and the request as it came. What rules say of it is remembered
// for the time of the request. It is safe for concurrent use, by the members of a
// federation.
type visitor struct {
	of     *exchange
	caller *caller

	mu    sync.Mutex
	made  *policy.Exchange // what expressions see; nil until one is evaluated
	found map[any]outcome  // by *rule and *door
}

type visitorKey struct{}

// visitorOf is nil where no request of a client led to the call: who calls is
// nobody then.
func visitorOf(ctx context.Context) *visitor {
	v, _ := ctx.Value(visitorKey{}).(*visitor)
	return v
}

// withVisitor keeps who calls in the context of a request to a gateway with rules, or
// whose callers may be led to a page of it.
func (x *exchange) withVisitor(ctx context.Context) context.Context {
	g := x.gateway
	if !g.guarded && !g.consents {
		return ctx
	}
	return context.WithValue(ctx, visitorKey{}, x.visitor())
}

func (x *exchange) visitor() *visitor {
	if x.visits == nil {
		x.visits = &visitor{of: x, caller: &x.caller}
	}
	return x.visits
}

// recall is the outcome of a key, found once.
func (v *visitor) recall(key any, find func() outcome) outcome {
	if o, ok := v.found[key]; ok {
		return o
	}
	if v.found == nil {
		v.found = map[any]outcome{}
	}
	o := find()
	v.found[key] = o
	return o
}

// judge is what a rule says of the visitor. The caller holds mu.
func (v *visitor) judge(r *rule) outcome {
	if r == nil {
		return outcome{verdict: allowed}
	}
	return v.recall(r, func() outcome {
		var best outcome
		for i := range r.alternatives {
			if o := v.meets(&r.alternatives[i]); o.verdict > best.verdict {
				best = o
			}
			if best.verdict == allowed {
				break
			}
		}
		return best
	})
}

// meets is what one alternative says. Its expression comes last, since it costs
// most.
func (v *visitor) meets(a *alternative) outcome {
	p, product := v.caller.principal, v.caller.product
	if p == nil && (a.Scopes != nil || a.Roles != nil || a.Groups != nil || a.Claims != nil) {
		return outcome{}
	}
	if a.Products != nil && (product == nil || !slices.Contains(a.Products, product.ID)) ||
		a.Roles != nil && !p.has("roles", a.Roles) || a.Groups != nil && !p.has("groups", a.Groups) {
		return outcome{}
	}
	for _, c := range a.Claims {
		if !p.has(c.Name, c.Values) {
			return outcome{}
		}
	}
	if a.expression != nil && !v.evaluate(a.expression) {
		return outcome{}
	}
	if a.Scopes != nil && !p.hasScopes(a.Scopes) {
		return outcome{lacksScopes, a.Scopes}
	}
	return outcome{allowed, a.Scopes}
}

// evaluate is whether an expression is true. One that fails is not.
func (v *visitor) evaluate(program *expr.Program) bool {
	if v.made == nil {
		v.made = v.of.newExchange(v.of.gateway.servers[v.of.server].around)
	}
	yes, err := program.Bool(&v.made.Context, nil)
	if err != nil {
		v.of.gateway.log.Warn("an expression of allow failed, so it does not hold", "error", err)
	}
	return err == nil && yes
}
