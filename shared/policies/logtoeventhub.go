package policies

import (
	"context"
	"unicode/utf8"

	"toolgate/shared/policy"
)

func init() { registered["log-to-eventhub"] = func() policy.Statement { return &logToEventHub{} } }

// logToEventHub sends a message to a logger, always: no sampling leaves it out.
type logToEventHub struct {
	Logger       string               `attr:"logger-id,required"`
	PartitionID  string               `attr:"partition-id"`
	PartitionKey policy.Value[string] `attr:"partition-key"`
	Text         policy.Value[string] `text:""`

	sink policy.Sink
}

// maxEvent is the length of a message in bytes; what is longer is cut.
const maxEvent = 200 << 10

func (p *logToEventHub) Prepare(c *policy.Compilation) { p.sink = sinkOf(c) }

func (p *logToEventHub) Apply(_ context.Context, x *policy.Exchange) error {
	e := policy.Event{Logger: p.Logger, PartitionID: p.PartitionID}
	var err error
	if e.PartitionKey, err = p.PartitionKey.Get(x); err != nil {
		return err
	}
	if e.Text, err = p.Text.Get(x); err != nil {
		return err
	}
	e.Text = shortened(e.Text, maxEvent)
	p.sink.Event(x, e)
	return nil
}

// shortened is the beginning of a text that has no more than so many bytes and
// ends with a whole character.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
