package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// watched has the states of files, by their paths.
type watched map[string]string

// changed notes the state of files and reports whether that of one seen before is
// another. A folder among them changes when a file comes or goes.
func (w watched) changed(files []string) bool {
	changed := false
	for _, path := range files {
		now := "absent"
		if info, err := os.Stat(path); err == nil {
			now = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
		if before, known := w[path]; known && before != now {
			changed = true
		}
		w[path] = now
	}
	return changed
}

// everyChange calls reload when a file has changed, until ctx ends. Looking at the
// modification times twice a second works with every editor and file system.
func (w watched) everyChange(ctx context.Context, files func() []string, reload func()) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if w.changed(files()) {
			reload()
		}
	}
}
