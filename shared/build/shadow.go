package build

import (
	"errors"

	"toolgate/shared/fault"
	"toolgate/shared/snapshot"
)

// shadow builds the candidate that is run beside the configuration, into the same
// snapshot; nil where there is none. Its faults are those of the build.
func (b *builder) shadow() *snapshot.Shadow {
	s := b.cfg.Shadow
	if s == nil || s.Config == nil {
		return nil
	}
	result, err := Build(b.ctx, s.Config, b.fetch)
	if faults, ok := errors.AsType[fault.Faults](err); ok {
		b.faults = append(b.faults, s.Place(faults)...)
		return nil
	}
	if err != nil {
		b.fault(fault.Position{File: s.Folder}, "build the candidate by itself to see more", "the candidate cannot be built: %v", err)
		return nil
	}
	b.faults = append(b.faults, s.Place(result.Report.Warnings)...) // warnings alone
	b.files = append(b.files, result.Files...)
	b.out.Candidate(result.Snapshot)
	return &snapshot.Shadow{Sample: s.Sample}
}
