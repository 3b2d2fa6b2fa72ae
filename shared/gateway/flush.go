package gateway

import (
	"context"
	"fmt"
	"time"
)

// flushTimeout bounds writing what was spent, when the gateway ends.
const flushTimeout = 5 * time.Second

// flush writes what was spent and is not in the store yet.
func (g *Gateway) flush() error {
	if g.services.Ledger == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := g.services.Ledger.Flush(ctx); err != nil {
		return fmt.Errorf("recording what was spent: %w", err)
	}
	return nil
}
