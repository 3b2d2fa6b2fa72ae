package aztables

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/state"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/go-json-experiment/json"
)

// rowKey is the row key of every entity.
const rowKey = "0"

// timeFormat is how Edm.DateTime is written.
const timeFormat = "2006-01-02T15:04:05.000Z"

// entity is a row as the service has it.
type entity struct {
	PartitionKey string
	RowKey       string
	Content      []byte `json:"D"`
	ContentType  string `json:"D@odata.type,omitzero"`
	Expires      string `json:"X,omitzero"`
	ExpiresType  string `json:"X@odata.type,omitzero"`
	ETag         string `json:"odata.etag,omitzero"` // in lists only
}

func encode(key state.Key, record state.Record) ([]byte, error) {
	e := entity{PartitionKey: key.String(), RowKey: rowKey, Content: record.Data, ContentType: "Edm.Binary"}
	if ms := state.ToMilli(record.Expires); ms != 0 {
		e.Expires, e.ExpiresType = formatTime(ms), "Edm.DateTime"
	}
	return json.Marshal(e)
}

func decode(body []byte, version string) (state.Record, error) {
	var e entity
	if err := json.Unmarshal(body, &e); err != nil {
		return state.Record{}, fmt.Errorf("the entity is none of this store: %w", err)
	}
	record := state.Record{Data: e.Content, Version: version}
	if e.Expires != "" {
		at, err := time.Parse(time.RFC3339, e.Expires)
		if err != nil {
			return state.Record{}, fmt.Errorf("the entity is none of this store: its property X is no time: %w", err)
		}
		record.Expires = at
	}
	return record, nil
}

func formatTime(ms int64) string { return state.FromMilli(ms).Format(timeFormat) }

const (
	// pageTimeout bounds one page of a sweep, in which the service looks at up to
	// a thousand entities, for up to five seconds.
	pageTimeout = 15 * time.Second
	// maxPage is the number of entities in a page.
	maxPage = 1000
	// sweepers is how many entities are deleted at a time. Each is a partition of
	// its own, so they do not wait for each other.
	sweepers = 8
)

// Sweep serves [state.Store]. The service looks at every row, a page at a time,
// which may be empty, and each row that has expired is deleted in the version that
// was seen: a row that is written meanwhile stays.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	filter, names, format := "X lt datetime'"+formatTime(max(1, state.ToMilli(before)))+"'", "PartitionKey,RowKey", aztables.MetadataFormatFull
	top := int32(min(limit, maxPage))
	pages := s.client.NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Select: &names, Top: &top, Format: &format})
	deleted := 0
	for pages.More() && deleted < limit {
		expired, err := s.page(ctx, pages.NextPage)
		if statusOf(err) == http.StatusNotFound { // no table, no rows
			return deleted, nil
		}
		if err != nil {
			return deleted, fmt.Errorf("listing expired rows: %w", err)
		}
		n, err := s.removeAll(ctx, expired[:min(len(expired), limit-deleted)])
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("deleting expired rows: %w", err)
		}
	}
	return deleted, nil
}

// removeAll deletes entities in the versions that were seen, several at a time,
// and returns how many it has deleted. After an error it begins no other.
func (s *Store) removeAll(ctx context.Context, expired []entity) (int, error) {
	var (
		next, deleted atomic.Int64
		failed        atomic.Pointer[error]
		workers       sync.WaitGroup
	)
	for range min(sweepers, len(expired)) {
		workers.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(expired) {
					return
				}
				e := expired[i]
				was, err := s.remove(ctx, e.PartitionKey, e.RowKey, e.ETag)
				if err != nil && !errors.Is(err, state.ErrConflict) {
					failed.CompareAndSwap(nil, &err)
				}
				if was {
					deleted.Add(1)
				}
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return int(deleted.Load()), *err
	}
	return int(deleted.Load()), nil
}

// page fetches a page of keys with their versions.
func (s *Store) page(ctx context.Context, next func(context.Context) (aztables.ListEntitiesResponse, error)) ([]entity, error) {
	limited, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page, err := next(limited)
	if err = s.read(ctx, err); err != nil {
		return nil, err
	}
	expired := make([]entity, 0, len(page.Entities))
	for _, body := range page.Entities {
		var e entity
		if err := json.Unmarshal(body, &e); err != nil || e.ETag == "" {
			return nil, fmt.Errorf("the list has an entity without a version: %w", errors.Join(err, state.ErrBusy))
		}
		expired = append(expired, e)
	}
	return expired, nil
}
