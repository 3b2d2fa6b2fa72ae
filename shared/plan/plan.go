// Package plan says what would change for clients, and for who governs them, if one
// snapshot took the place of another. What it says never holds a secret: of
// credentials it tells the kinds, of named values the names, and of texts in policies
// whose names tell what they are only that they are others.
//
// A change is breaking where a call that was right may be refused, or a result that
// was understood may not be. Whether a policy refuses more than before is not judged:
// its difference is shown.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/snapshot"
)

// Area is what a change is about.
type Area string

// The areas, in the order of a plan.
const (
	AreaGateway       Area = "gateway"
	AreaServer        Area = "server"
	AreaTool          Area = "tool"
	AreaAPI           Area = "api"
	AreaAuthorization Area = "authorization"
	AreaPolicy        Area = "policy"
	AreaLimit         Area = "limit"
	AreaBackend       Area = "backend"
	AreaNamedValue    Area = "named value"
)

var areas = []Area{AreaGateway, AreaServer, AreaTool, AreaAPI, AreaAuthorization, AreaPolicy, AreaLimit, AreaBackend, AreaNamedValue}

// Kind is what becomes of the subject of a change.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Renamed Kind = "renamed"
	Changed Kind = "changed"
)

// Change is what becomes of one thing.
type Change struct {
	Area    Area   `json:"area"`
	Subject string `json:"subject"` // for example orders/getOrder
	Kind    Kind   `json:"kind"`
	// Breaking says why clients may break; empty: they do not, as far as can be told.
	Breaking []string `json:"breaking,omitzero"`
	// Details are what else is another, a line each.
	Details []string `json:"details,omitzero"`
}

// Plan is all that would change.
type Plan struct {
	Before  string   `json:"before"` // the hash of the snapshot that is to go
	After   string   `json:"after"`
	Changes []Change `json:"changes"`
}

// Breaking tells whether any change is.
func (p *Plan) Breaking() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return len(c.Breaking) > 0 })
}

// Compare says what would change. Snapshots of equal hashes have no changes.
func Compare(before, after *snapshot.Snapshot) (*Plan, error) {
	c := &comparison{before: before, after: after, plan: &Plan{Before: before.Hash, After: after.Hash, Changes: []Change{}}}
	if before.Hash == after.Hash {
		return c.plan, nil
	}
	c.gateway()
	for _, step := range []func() error{c.servers, c.apis, c.products, c.policies} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("comparing the snapshots %.12s and %.12s: %w", before.Hash, after.Hash, err)
		}
	}
	c.backends()
	c.namedValues()
	if len(c.plan.Changes) == 0 {
		c.add(Change{Area: AreaGateway, Subject: after.Name, Kind: Changed, Details: []string{"the snapshot is written in another way; nothing that is compared here differs"}})
	}
	slices.SortStableFunc(c.plan.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(areas, a.Area), slices.Index(areas, b.Area)), strings.Compare(a.Subject, b.Subject))
	})
	return c.plan, nil
}

// comparison is the work on one plan.
type comparison struct {
	before, after *snapshot.Snapshot
	plan          *Plan
}

func (c *comparison) add(ch Change) { c.plan.Changes = append(c.plan.Changes, ch) }

// changed adds a change, unless there is nothing to say of it.
func (c *comparison) changed(area Area, subject string, breaking, details []string) {
	if len(breaking)+len(details) > 0 {
		c.add(Change{Area: area, Subject: subject, Kind: Changed, Breaking: breaking, Details: details})
	}
}

// paired yields what two lists have under each name, in the order of the names; nil
// for what is not there.
func paired[T any](before, after []T, name func(*T) string, each func(name string, before, after *T) error) error {
	a, b := byName(before, name), byName(after, name)
	for _, n := range unionOf(a, b) {
		if err := each(n, a[n], b[n]); err != nil {
			return err
		}
	}
	return nil
}

func byName[T any](list []T, name func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for i := range list {
		m[name(&list[i])] = &list[i]
	}
	return m
}
