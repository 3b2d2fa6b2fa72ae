package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"toolgate/shared/state"
	"toolgate/shared/state/remote"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// attempt makes one request with the time limit of an operation, and makes its
// error one of package state.
func (s *Store) attempt(ctx context.Context, send func(context.Context) error) error {
	limited, cancel := s.deadline.Limit(ctx)
	defer cancel()
	err := send(limited)
	if err == nil {
		s.deadline.Answered()
		return nil
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return remote.Unanswered(ctx, err)
	}
	s.deadline.Answered()
	var fault fault
	if !errors.As(err, &fault) { // cut off, or not from the service
		return remote.Unanswered(ctx, err)
	}
	return s.answer(response.HTTPStatusCode(), fault)
}

// fault is what the SDK makes of an error that the service reports.
type fault interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// answer makes an error of what the service says. DynamoDB says most things with
// status 400, so the code decides.
func (s *Store) answer(status int, fault fault) error {
	code := fault.ErrorCode()
	answer := fmt.Errorf("DynamoDB answers %d %s: %s", status, code, fault.ErrorMessage())
	switch code {
	case "ConditionalCheckFailedException":
		return state.ErrConflict
	case "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded", "LimitExceededException",
		"InternalServerError", "ServiceUnavailable", "TransactionConflictException":
		return fmt.Errorf("%w: %w", state.ErrBusy, answer)
	case "ResourceNotFoundException":
		return fmt.Errorf("%w: make the table %s in this region, with the partition key %s (a string) and time to live on %s", answer, *s.table, keyName, ttlName)
	case "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException", "MissingAuthenticationTokenException":
		return fmt.Errorf("%w: give the role GetItem, PutItem and DeleteItem on the table %s", answer, *s.table)
	}
	if remote.Busy(status) || status < http.StatusBadRequest {
		return fmt.Errorf("%w: %w", state.ErrBusy, answer)
	}
	return answer
}
