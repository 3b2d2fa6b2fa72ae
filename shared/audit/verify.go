package audit

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FaultKind is what is wrong with a chain.
type FaultKind string

// The kinds of faults.
const (
	Changed      FaultKind = "changed"       // a record is not the one that was written
	Missing      FaultKind = "missing"       // records before others
	Truncated    FaultKind = "truncated"     // records at the end
	Reordered    FaultKind = "reordered"     // a record stands behind one that followed it
	Inserted     FaultKind = "inserted"      // a record that was not written here
	UnknownChain FaultKind = "unknown chain" // one that others name is not there
	WrongKey     FaultKind = "wrong key"     // hashes were made with another key, or none
)

// Fault is one thing that is wrong.
type Fault struct {
	Chain   string
	Place   string // segment and record, or line; empty: it is of the chain
	Kind    FaultKind
	Message string
}

// String is the fault on one line.
func (f Fault) String() string {
	where := f.Chain
	if f.Place != "" {
		where += ", " + f.Place
	}
	return fmt.Sprintf("%s: %s: %s", where, f.Kind, f.Message)
}

// ChainReport is what was found of a chain.
type ChainReport struct {
	ID       string
	Instance string
	From, To time.Time // of its records
	Records  int
	Segments int  // 0 in a log
	Keyed    bool // hashes are made with a key
	Ended    bool // it has its end; otherwise its instance writes, or was killed
	// NamedBy is how many records of other chains name one of this.
	NamedBy int
	// Lost is how many calls could not be recorded, as the chain itself says.
	Lost   int64
	Faults []Fault
}

// VerifyOptions are what is verified with.
type VerifyOptions struct {
	// Keys are those that hashes may be made with, as [DeriveKey] makes them.
	Keys [][]byte
	// Unkeyed lets pass chains without a key although there are Keys.
	Unkeyed bool
	Now     time.Time
}

// Verify checks every chain, and what chains say of each other. A chain that others
// name and that is not there has a report without records.
func (c *Contents) Verify(o VerifyOptions) []ChainReport {
	checks := map[string]*check{}
	var all []*check
	for _, one := range c.chains {
		k := &check{contents: one, options: o, hashes: map[int64]string{}, counted: map[int64]bool{}, top: -1}
		k.report.ID, k.report.Segments = one.id, one.segments
		k.run()
		checks[one.id], all = k, append(all, k)
	}
	for _, k := range slices.Clone(all) {
		for _, a := range k.anchors {
			of := checks[a.Chain]
			switch {
			case of != nil:
				of.named(a, k.report.ID)
			case c.whole && !expired(a.Chain, o.Now):
				of = &check{}
				of.report.ID = a.Chain
				of.fault("", UnknownChain, "chain %s names its record %d, and it is not there", k.report.ID, a.Seq)
				checks[a.Chain], all = of, append(all, of)
			}
		}
	}
	reports := make([]ChainReport, 0, len(all))
	for _, k := range all {
		reports = append(reports, k.report)
	}
	return reports
}

// check is the verification of a chain.
type check struct {
	*contents
	options VerifyOptions
	report  ChainReport
	keys    [][]byte         // that hashes may be of; nil: they are not looked at
	hashes  map[int64]string // of the first record of each number
	counted map[int64]bool   // numbers of records that were checked
	top     int64            // the last number
	anchors []Anchor         // of genuine records
	gone    bool             // others were told that it is not there, or not whole
}

func (k *check) fault(place string, kind FaultKind, format string, args ...any) {
	k.report.Faults = append(k.report.Faults, Fault{Chain: k.report.ID, Place: place, Kind: kind, Message: fmt.Sprintf(format, args...)})
}

func (k *check) run() {
	for _, l := range k.links {
		if l.Record == nil || l.Chain != k.id {
			continue
		}
		if _, twice := k.hashes[l.Seq]; !twice {
			k.hashes[l.Seq] = l.Hash
		}
		k.top = max(k.top, l.Seq)
	}
	k.chooseKeys()
	next, ended := int64(0), false
	for _, l := range k.links {
		switch {
		case l.err != nil:
			k.fault(l.place, Changed, "%v", l.err)
			continue
		case l.Chain != k.id:
			k.fault(l.place, Inserted, "it is record %d of chain %s", l.Seq, l.Chain)
			continue
		case ended:
			k.fault(l.place, Inserted, "it stands behind the end of the chain")
		}
		next = k.position(l, next)
		k.content(l)
		ended = ended || l.Kind == KindEnd
	}
	k.report.Ended = ended
	k.checkHead()
}

// chooseKeys finds the keys that the hashes may be of: the one that the genesis names,
// or any where there is no genesis.
func (k *check) chooseKeys() {
	said, found := "", false
	for _, l := range k.links {
		if l.Record != nil && l.Chain == k.id && l.Genesis != nil {
			said, found = l.Genesis.Key, true
			k.report.Instance, k.report.Keyed = l.Genesis.Instance, said != ""
			break
		}
	}
	if k.keys = k.options.Keys; !found {
		if k.keys == nil || k.options.Unkeyed {
			k.keys = append(slices.Clone(k.keys), nil)
		}
		return
	}
	k.keys = nil
	for _, key := range k.options.Keys {
		if keyID(key) == said {
			k.keys = [][]byte{key}
			return
		}
	}
	switch {
	case said == "" && (len(k.options.Keys) == 0 || k.options.Unkeyed):
		k.keys = [][]byte{nil}
	case said == "":
		k.keys = [][]byte{nil}
		k.fault("", WrongKey, "its hashes are made without a key, so whoever can write there can have made it; --unkeyed lets it pass")
	default:
		k.fault("", WrongKey, "its hashes are made with the key %s, which is not given: they are not looked at", said)
	}
}

// position checks that a record stands behind the one before it, and returns the
// number of the next.
func (k *check) position(l link, next int64) int64 {
	_, later := k.hashes[next]
	before, known := k.hashes[l.Seq-1]
	switch {
	case l.Seq > next && later:
		k.fault(l.place, Reordered, "record %d stands before record %d", l.Seq, next)
	case l.Seq > next+1:
		k.fault(l.place, Missing, "records %d to %d are not there", next, l.Seq-1)
	case l.Seq > next:
		k.fault(l.place, Missing, "record %d is not there", next)
	case l.Hash != k.hashes[l.Seq]:
		k.fault(l.place, Inserted, "there is another record %d", l.Seq)
	case k.counted[l.Seq]:
		k.fault(l.place, Inserted, "record %d stands there twice", l.Seq)
	}
	k.counted[l.Seq] = true
	if l.Seq == 0 {
		before, known = "", true
		if l.Genesis != nil && l.Genesis.Continues != nil {
			before = l.Genesis.Continues.Hash
		}
	}
	if known && l.Prev != before {
		k.fault(l.place, Inserted, "it does not follow the record before it: one of them is not the one that was written")
	}
	if (l.Seq == 0) != (l.Kind == KindGenesis) {
		k.fault(l.place, Inserted, "record %d is of the kind %s", l.Seq, l.Kind)
	}
	return max(next, l.Seq+1)
}

// content checks the hash of a record and counts it.
func (k *check) content(l link) {
	r := &k.report
	r.Records++
	if r.From.IsZero() || l.Time.Before(r.From) {
		r.From = l.Time
	}
	if l.Time.After(r.To) {
		r.To = l.Time
	}
	if k.keys != nil && !l.genuine(k.keys) {
		k.fault(l.place, Changed, "record %d does not have its hash", l.Seq)
		return
	}
	r.Lost += l.Lost
	k.anchors = append(k.anchors, l.Anchors...)
	if l.Genesis != nil && l.Genesis.Continues != nil {
		k.anchors = append(k.anchors, *l.Genesis.Continues)
	}
}

// checkHead compares the chain with its head.
func (k *check) checkHead() {
	h := k.head
	switch {
	case h == nil && k.headErr == nil: // of a log
		return
	case h == nil && len(k.links) == 0:
		k.fault("", Missing, "the directory has it, and none of its rows is there")
		k.gone = true
	case h == nil && errors.Is(k.headErr, errShape):
		k.fault("head", Changed, "%v", k.headErr)
	case h == nil:
		k.fault("head", Missing, "it is not there, so nobody knows whether there were more records than %d", k.top+1)
	case h.Chain != k.id:
		k.fault("head", Inserted, "it is that of chain %s", h.Chain)
	default:
		k.reaches(h.Seq, h.Hash, "the head")
	}
}

// named checks what another chain says of this one.
func (k *check) named(a Anchor, by string) {
	if k.report.NamedBy++; k.contents != nil {
		k.reaches(a.Seq, a.Hash, "chain "+by)
	}
}

// reaches checks that a record is there that somebody names. What is wrong is told
// once.
func (k *check) reaches(seq int64, hash, says string) {
	there, known := k.hashes[seq]
	switch {
	case k.gone:
		return
	case !known && seq > k.top:
		k.fault("", Truncated, "%s names record %d, and the last one is %d", says, seq, k.top)
	case known && there != hash:
		k.fault("", Changed, "%s names another record %d", says, seq)
	default:
		return
	}
	k.gone = true
}
