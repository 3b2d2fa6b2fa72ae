package telemetry

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"time"
)

// InstrumentKind is the kind of an instrument.
type InstrumentKind uint8

// The kinds of instruments.
const (
	Histogram InstrumentKind = iota
	Counter                  // of whole numbers, monotonic
)

// Instrument describes a metric.
type Instrument struct {
	Name, Unit, Description string
	Kind                    InstrumentKind
	// Bounds are the upper bounds of the buckets of a histogram; none makes one
	// bucket, with the sum, the least and the greatest value.
	Bounds []float64
}

// maxSeries bounds the combinations of attributes of all metrics together. Beyond
// it values go to one series a metric, with otel.metric.overflow.
const maxSeries = 2000

// aggregates are the metrics since the last export.
type aggregates struct {
	mu     sync.Mutex
	start  time.Time
	series map[string]*point
	byName map[string]*aggregate
	list   []*aggregate
}

// aggregate is a metric with its points.
type aggregate struct {
	instrument *Instrument
	points     []*point
}

// point is one combination of attributes.
type point struct {
	attrs            []Attr
	count            uint64
	sum, least, most float64
	buckets          []uint64
}

// Measure adds a value to a metric. Attributes that are empty are left out; their
// order must be the same each time. An instrument must not be changed.
func (r *Recorder) Measure(i *Instrument, value float64, attrs ...Attr) {
	if r == nil || r.metrics == nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	var buf [256]byte
	key := append(append(buf[:0], i.Name...), 0)
	for k := range attrs {
		a := &attrs[k]
		key = append(append(key, a.Key...), 0)
		if a.kind == textAttr {
			key = append(append(key, a.text...), 0)
		} else {
			key = binary.LittleEndian.AppendUint64(key, a.number)
		}
	}
	r.sums.add(i, key, value, attrs)
}

func (s *aggregates) add(i *Instrument, key []byte, value float64, attrs []Attr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.series[string(key)]
	if p == nil {
		p = s.point(i, string(key), attrs)
	}
	if p.count == 0 {
		p.least, p.most = value, value
	}
	p.count++
	p.sum += value
	p.least, p.most = min(p.least, value), max(p.most, value)
	if i.Kind == Histogram {
		n, _ := slices.BinarySearch(i.Bounds, value) // a bound belongs to the bucket below it
		p.buckets[n]++
	}
}

// point makes the point of a series.
func (s *aggregates) point(i *Instrument, key string, attrs []Attr) *point {
	if len(s.series) >= maxSeries {
		key, attrs = i.Name, []Attr{Bool("otel.metric.overflow", true)}
		if p := s.series[key]; p != nil {
			return p
		}
	}
	if s.series == nil {
		s.series, s.byName = map[string]*point{}, map[string]*aggregate{}
	}
	a := s.byName[i.Name]
	if a == nil {
		a = &aggregate{instrument: i}
		s.byName[i.Name] = a
		s.list = append(s.list, a)
	}
	p := &point{attrs: slices.Clone(attrs)}
	if i.Kind == Histogram {
		p.buckets = make([]uint64, len(a.instrument.Bounds)+1)
	}
	a.points = append(a.points, p)
	s.series[key] = p
	return p
}

// take hands over what there is and begins anew.
func (s *aggregates) take(now time.Time) (list []*aggregate, from time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, from = s.list, s.start
	s.list, s.series, s.byName, s.start = nil, nil, nil, now
	return list, from
}
