package opensearch

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// retryAfter is the advice when OpenSearch gives none: long enough for a queue to drain.
const retryAfter = time.Second

// answerError is an error that OpenSearch answered. It holds the type, which is of a fixed list, and not the reason,
// which quotes documents.
type answerError struct {
	status     int
	kind       string
	retryAfter time.Duration
}

// replaced says that the index takes no writes because a new one is about to take its place, or has taken it and it is gone.
func (e *answerError) replaced() bool {
	return e.blocked() || e.kind == "index_not_found_exception"
}

// full says that a write is refused until there is room on a disk again.
func (e *answerError) full() bool {
	return e.kind == "cluster_block_exception" && e.status == http.StatusTooManyRequests
}

// blocked says that what was asked for is refused until an administrator lifts a block.
func (e *answerError) blocked() bool {
	return e.kind == "cluster_block_exception" && e.status == http.StatusForbidden
}

func (e *answerError) Error() string {
	return fmt.Sprintf("OpenSearch answered %d %s", e.status, e.kind)
}

func newAnswerError(response *http.Response, body []byte) *answerError {
	e := &answerError{status: response.StatusCode}
	var envelope struct {
		Error struct {
			Type string `json:"type"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &envelope) == nil { // a proxy answers whatever it likes; the status says enough
		e.kind = envelope.Error.Type
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds <= 60 {
		e.retryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// answered says whether err is an answer of OpenSearch with the status.
func answered(err error, status int) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == status
}

// answeredKind says whether err is an answer of OpenSearch of the type kind.
func answeredKind(err error, kind string) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.kind == kind
}

// mapError makes an error of the ports. Whoever gave up waiting gets the context's error: nobody reads it.
func mapError(ctx context.Context, timeout time.Duration, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &rag.Error{
			Kind:    rag.ErrSearchTimeout,
			Message: fmt.Sprintf("search timed out after %g seconds", timeout.Seconds()),
			Details: map[string]any{"timeout_seconds": timeout.Seconds()},
			Cause:   err,
		}
	default:
		return unavailable(err)
	}
}

func unavailable(cause error) *rag.Error {
	e := &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "the document index is not available", RetryAfter: retryAfter, Cause: cause}
	var answer *answerError
	if !errors.As(cause, &answer) {
		return e
	}
	if answer.retryAfter > 0 {
		e.RetryAfter = answer.retryAfter
	}
	switch {
	case answer.full():
		e.Message = "the document index takes no writes, because its disk is full"
	case answer.blocked():
		e.Message = "the document index refuses this, until an administrator lifts a block of it"
	}
	return e
}

// contended is how a change ends that had to start over too often, the last time for err.
func contended(err error) error {
	var answer *answerError
	if errors.As(err, &answer) && answer.blocked() {
		return err
	}
	return unavailable(errContended)
}

// Outcome names the end of a call, in metrics and the log: "ok", "canceled", "foreign_store", "open" and "busy" of a call that
// the guard did not make, or the code of the error.
func Outcome(err error) string {
	var e *rag.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrForeignStore):
		return "foreign_store"
	case errors.Is(err, resilience.ErrOpen):
		return string(resilience.OutcomeOpen)
	case errors.Is(err, resilience.ErrBusy):
		return string(resilience.OutcomeBusy)
	case errors.As(err, &e):
		return e.Kind.Code
	default:
		return "canceled"
	}
}

// cause says why a call failed, in the words of /statusz.
func cause(err error) string {
	var answer *answerError
	var dns *net.DNSError
	switch {
	case errors.Is(err, ErrForeignStore):
		return "foreign_store"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &answer) && (answer.full() || answer.blocked()):
		return "blocked"
	case errors.As(err, &answer) && (answer.status == http.StatusUnauthorized || answer.status == http.StatusForbidden):
		return "auth"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return "tls"
	case errors.As(err, &answer), errors.Is(err, errStarting):
		return "unready"
	case errors.Is(err, rag.ErrSearchTimeout):
		return "timeout"
	default:
		return "unreachable"
	}
}

var (
	errIncomplete = errors.New("OpenSearch answered fewer documents than it was asked for")
	errContended  = errors.New("other writers of the same document came first, three times")
)
