package middleware

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Causes of other errors may quote what a caller has sent.
func TestTheLogTellsTheCauseOfA401Alone(t *testing.T) {
	t.Parallel()
	cause := errors.New("its algorithm is not of the list")
	token := &rag.Error{Kind: rag.ErrUnauthorized, Message: "the token is not valid", Cause: cause}
	if got := refusal(fmt.Errorf("identify: %w", token)); !errors.Is(got, cause) {
		t.Errorf("%v, want what is wrong with the token", got)
	}
	for _, err := range []error{
		nil, cause, unauthorized("the key is not known"),
		&rag.Error{Kind: rag.ErrValidation, Message: "m", Cause: cause}, &rag.Error{Kind: rag.ErrForbidden, Message: "m", Cause: cause},
		&rag.Error{Kind: rag.ErrRateLimit, Message: "m", Cause: token},
	} {
		if got := refusal(err); got != nil {
			t.Errorf("%v: the log is told %v", err, got)
		}
	}
}
