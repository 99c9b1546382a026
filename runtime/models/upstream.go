package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// maxUpstreamText bounds what the log says of a model server's error, in characters.
	maxUpstreamText = 200
	// maxUpstreamWord bounds each of its code, type and param.
	maxUpstreamWord = 60
	// unavailableFor is the advice to callers while the model fails: about the longest wait of our own retries.
	unavailableFor = 5 * time.Second
)

// upstreamError is the error object of a model server, in the body of a refusal or in an event of a stream. Its message is
// dropped where it comes in: servers quote prompts and keys there.
type upstreamError struct {
	// Status is that of the answer; 0 for an event inside an answer that began well.
	Status int
	// Code, Type and Param are words of the server's own list, such as context_length_exceeded; empty when it gave none, or
	// something that is not such a word.
	Code, Type, Param string
}

// Error goes to the log.
func (e *upstreamError) Error() string {
	text := "the server reported an error inside its answer"
	if e.Status != 0 {
		text = fmt.Sprintf("the server answered %d", e.Status)
	}
	for _, field := range [][2]string{{"code", e.Code}, {"type", e.Type}, {"param", e.Param}} {
		if field[1] != "" {
			text += fmt.Sprintf(", %s %s", field[0], field[1])
		}
	}
	return text[:min(len(text), maxUpstreamText)]
}

// newUpstreamError reads the error object in raw, which may be anything. secret is what no word may be a part of.
func newUpstreamError(status int, raw []byte, secret string) *upstreamError {
	var object struct {
		Error json.RawMessage `json:"error"`
		errorObject
	}
	_ = json.Unmarshal(raw, &object) // what is no object has no words
	if len(object.Error) > 0 {
		_ = json.Unmarshal(object.Error, &object.errorObject)
	}
	return &upstreamError{
		Status: status,
		Code:   upstreamWord(object.Code, secret),
		Type:   upstreamWord(object.Type, secret),
		Param:  upstreamWord(object.Param, secret),
	}
}

// errorObject has each field as it came: servers write codes as text and as numbers.
type errorObject struct {
	Code  json.RawMessage `json:"code"`
	Type  json.RawMessage `json:"type"`
	Param json.RawMessage `json:"param"`
}

// upstreamWord is raw when it is a number or a name such as messages[0].content, else nothing: free text could quote the
// prompt, and digits in a row could be of a key.
func upstreamWord(raw json.RawMessage, secret string) string {
	word := string(bytes.Trim(raw, `"`))
	if word == "null" || len(word) > maxUpstreamWord || secret != "" && len(word) > 3 && strings.Contains(secret, word) {
		return ""
	}
	digits := 0
	for _, r := range word {
		switch {
		case r >= '0' && r <= '9':
			if digits++; digits > 4 {
				return ""
			}
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("_.[]-", r):
			digits = 0
		default:
			return ""
		}
	}
	return word
}

// is says whether the server named its error by one of these words.
func (e *upstreamError) is(words ...string) bool {
	return slices.Contains(words, e.Code) || slices.Contains(words, e.Type)
}

// unavailable says that another try later may succeed: the server is overloaded or broken.
func (e *upstreamError) unavailable() bool {
	switch {
	case e.is(filtered...): // whatever the status
		return false
	case e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError:
		return true
	case e.Status != 0:
		return false
	case e.is("invalid_request_error", "BadRequestError", "400", "401", "403", "404", "422"):
		return false
	default: // an event without a name we know: what had begun well broke
		return !e.is(refusals...)
	}
}

// misconfigured says that the server answers no question of this service: it does not take the key, or does not have the model. 403 is not
// among them: some servers say so of a question that their filter refuses.
func (e *upstreamError) misconfigured() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusNotFound || e.is("invalid_api_key", "model_not_found", "401", "404")
}

// filtered are codes of a filter's refusal.
var filtered = []string{"content_filter", "content_policy_violation"}

// refusals are codes that a repetition does not change.
var refusals = []string{
	"context_length_exceeded", "unsupported_parameter", "unsupported_value", "invalid_api_key", "model_not_found",
}

// reason is what the caller is told of a refusal.
func (e *upstreamError) reason() string {
	switch {
	case e.is("context_length_exceeded"):
		return "the question and its passages are longer than the model reads"
	case e.is("unsupported_parameter", "unsupported_value"):
		return "the model does not take a parameter that it was sent"
	case e.is(filtered...):
		return "the model's content filter refused the question or its passages"
	case e.is("invalid_api_key") || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return "the service's key for the model is not accepted"
	case e.is("model_not_found") || e.Status == http.StatusNotFound:
		return "the model's server does not have the model"
	default:
		return "the request was not accepted"
	}
}

// domainError is e as a caller sees it.
func (e *upstreamError) domainError(retryAfter time.Duration) error {
	if e.unavailable() {
		return &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "LLM service is unavailable", RetryAfter: max(retryAfter, unavailableFor), Cause: e}
	}
	kind := rag.ErrLLMRefused
	if e.misconfigured() {
		kind = rag.ErrLLMBadAnswer
	}
	return &rag.Error{Kind: kind, Message: "LLM service refused the request: " + e.reason(), Cause: e}
}

// explain turns what the client library says into an error of the domain. No text of the server's goes further than
// newUpstreamError.
func (g *OpenAI) explain(cause, err error, s config.LLM) error {
	var domain *rag.Error
	var api *openai.Error
	var event *ssestream.StreamError
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.Is(cause, errFirstToken):
		return rag.LLMTimedOut(s.Timeout.D(), cause)
	case errors.Is(cause, errIdle):
		return rag.LLMTimedOut(s.IdleTimeout.D(), cause)
	case errors.As(err, &domain):
		return domain
	case errors.As(err, &event):
		return newUpstreamError(0, event.Event.Data, g.APIKey).domainError(0)
	case errors.Is(err, errLongEvent):
		return badAnswer(err)
	case errors.As(err, &syntax), errors.As(err, &shape):
		return badAnswer(errors.New("a piece of the answer is not the JSON of a chat completion"))
	case errors.As(err, &api):
		return newUpstreamError(api.StatusCode, []byte(api.RawJSON()), g.APIKey).domainError(retryAfter(api.Response))
	default:
		return &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "LLM service cannot be reached", RetryAfter: unavailableFor, Cause: err}
	}
}

func badAnswer(cause error) error {
	return &rag.Error{Kind: rag.ErrLLMBadAnswer, Message: unreadable, Cause: cause}
}

// noAnswer is an answer that ended in order with nothing in it.
func noAnswer(message string, cause error) error {
	return &rag.Error{Kind: rag.ErrLLMRefused, Message: message, Cause: cause}
}
