package rag

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is a class of errors. Kinds form a tree: errors.Is(err, ErrSearch) holds for a search timeout.
type Kind struct {
	// Code is the stable name of the kind in answers, logs and metrics.
	Code   string
	parent *Kind
}

// Error is the kind's code.
func (k *Kind) Error() string { return k.Code }

// Unwrap is the kind above, which makes errors.Is climb the tree.
func (k *Kind) Unwrap() error {
	if k.parent == nil {
		return nil
	}
	return k.parent
}

// The tree of errors.
var (
	ErrRAG = &Kind{Code: "internal"}

	ErrSearch            = &Kind{Code: "search_failed", parent: ErrRAG}
	ErrPaperNotFound     = &Kind{Code: "paper_not_found", parent: ErrSearch}
	ErrSearchTimeout     = &Kind{Code: "search_timeout", parent: ErrSearch}
	ErrSearchUnavailable = &Kind{Code: "search_unavailable", parent: ErrSearch}

	ErrLLM            = &Kind{Code: "llm_failed", parent: ErrRAG}
	ErrLLMTimeout     = &Kind{Code: "llm_timeout", parent: ErrLLM}
	ErrLLMUnavailable = &Kind{Code: "llm_unavailable", parent: ErrLLM}
	// ErrLLMBadAnswer is an answer that is not of the model's protocol.
	ErrLLMBadAnswer = &Kind{Code: "bad_upstream_answer", parent: ErrLLM}
	// ErrLLMRefused is what a model decided about one question: it refused it, its filter withheld the answer, or the answer ended in
	// order with nothing in it.
	ErrLLMRefused = &Kind{Code: "bad_upstream_answer", parent: ErrLLMBadAnswer}

	ErrRateLimit = &Kind{Code: "rate_limit_exceeded", parent: ErrRAG}
	// ErrBudget is a question for which a budget of the service, or of its tenant, has no room.
	ErrBudget = &Kind{Code: "budget_exceeded", parent: ErrRAG}
	// ErrOverloaded is work that had to wait too long for its turn.
	ErrOverloaded = &Kind{Code: "overloaded", parent: ErrRAG}

	ErrValidation = &Kind{Code: "validation_failed", parent: ErrRAG}
	// ErrInvalidQuery is a query that is empty, too long or holds control characters.
	ErrInvalidQuery = &Kind{Code: "invalid_query", parent: ErrValidation}

	ErrAuth         = &Kind{Code: "auth_failed", parent: ErrRAG}
	ErrUnauthorized = &Kind{Code: "unauthorized", parent: ErrAuth}
	ErrForbidden    = &Kind{Code: "forbidden", parent: ErrAuth}
)

// Error is an error that a caller may see: everything but Cause goes into the answer.
type Error struct {
	Kind *Kind
	// Message is a sentence for a person, without secrets and without the inside of the service.
	Message string
	// Details are for programs.
	Details map[string]any
	// RetryAfter is how long the caller shall wait; 0 for no advice.
	RetryAfter time.Duration
	// Cause goes to the log and to nobody else.
	Cause error
}

// Error is the message with its cause, for the log.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return fmt.Sprintf("%s: %v", e.Message, e.Cause)
}

// Unwrap lets errors.Is find the kind, those above it, and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// FieldError is what is wrong with one field of a request.
type FieldError struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// maxFault bounds a field's name and a reason, in bytes: both may quote what the caller sent, which can be a megabyte.
const maxFault = 200

// Invalid is a validation error that names each field at fault.
func Invalid(fields ...FieldError) *Error {
	message := "the request is not valid"
	for i, f := range fields {
		fields[i] = FieldError{Field: shorten(f.Field, maxFault), Reason: shorten(f.Reason, maxFault)}
	}
	if len(fields) > 0 {
		message = fields[0].Field + " " + fields[0].Reason
	}
	return &Error{Kind: ErrValidation, Message: message, Details: map[string]any{"fields": fields}}
}

func shorten(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "..."
}

// LLMTimedOut is the error of a model that did not answer in the time given; cause may be nil.
func LLMTimedOut(after time.Duration, cause error) *Error {
	return &Error{
		Kind: ErrLLMTimeout, Message: fmt.Sprintf("LLM service timed out after %g seconds", after.Seconds()),
		Details: map[string]any{"timeout_seconds": after.Seconds()}, Cause: cause,
	}
}

// DocumentNotFound is the error of a document that the tenant does not have.
func DocumentNotFound(id string) *Error {
	return &Error{
		Kind: ErrPaperNotFound, Message: fmt.Sprintf("there is no document %q", id), Details: map[string]any{"id": id},
	}
}

// ModelUnavailable says whether err shows that a model cannot be had: it is down, too slow or misconfigured, or its answer broke off or cannot
// be read. Then another model, an older answer or an extract may stand in for it; for what the model decided about the question nothing does.
func ModelUnavailable(err error) bool {
	return errors.Is(err, ErrLLM) && !errors.Is(err, ErrLLMRefused)
}

// KindOf is the kind of err, ErrRAG when it has none.
func KindOf(err error) *Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ErrRAG
}
