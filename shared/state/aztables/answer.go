package aztables

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/remote"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// attempt makes one request with the time limit of an operation, and makes its
// error one of package state where the request says nothing about a row.
func (s *Store) attempt(ctx context.Context, send func(context.Context) error) error {
	limited, cancel := s.deadline.Limit(ctx)
	defer cancel()
	return s.read(ctx, send(limited))
}

// read takes apart what a request ended with.
func (s *Store) read(ctx context.Context, err error) error {
	if err == nil {
		s.deadline.Answered()
		return nil
	}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return remote.Unanswered(ctx, err)
	}
	s.deadline.Answered()
	answer := &answer{status: response.StatusCode, code: response.ErrorCode}
	switch status := answer.status; {
	case remote.Busy(status), answer.code == "TableBeingDeleted":
		return fmt.Errorf("%w: %w", state.ErrBusy, answer)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("%w: give the identity the role Storage Table Data Contributor on the storage account, or its like in Cosmos DB, and let the network of the account admit it", answer)
	}
	return answer
}

// answer is what the service says when it does not do what it was asked. The
// status decides; the code is for the reader, because emulators and Cosmos DB have
// others.
type answer struct {
	status int
	code   string // such as EntityAlreadyExists; it may be empty
}

// Error implements error.
func (a *answer) Error() string {
	text := fmt.Sprintf("the table service answers %d %s", a.status, http.StatusText(a.status))
	if a.code != "" {
		text += " (" + a.code + ")"
	}
	return text
}

// statusOf is the status of an answer that may be about a row; 0 for none.
func statusOf(err error) int {
	var a *answer
	if errors.As(err, &a) && !errors.Is(err, state.ErrBusy) {
		return a.status
	}
	return 0
}

// makeTimeout bounds how long making a table may take: longer than an operation on
// a row, and it happens once.
const makeTimeout = 10 * time.Second

// makeTable makes the table unless somebody else has. Several operations may find
// at once that there is none; all but one are told that there is.
func (s *Store) makeTable(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, makeTimeout)
	defer cancel()
	_, err := s.client.CreateTable(limited, nil)
	err = s.read(ctx, err)
	if err == nil || statusOf(err) == http.StatusConflict {
		return nil
	}
	return fmt.Errorf("making the table, which is not there: %w", err)
}
