package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// errUnreadable is an answer of OpenSearch that is not what it answers.
var errUnreadable = errors.New("the answer cannot be read")

// maxAnswer bounds an answer, in bytes: the largest document has 8 MiB, of which JSON's escapes can make six times as
// much.
const maxAnswer = 64 << 20

// call is one request to OpenSearch.
type call struct {
	// operation names the call in metrics.
	operation string
	method    string
	// request makes the request, anew for each attempt.
	request func() opensearch.Request
	// repeatable calls change nothing, so that they are tried again, once, when the connection breaks.
	repeatable bool
	// control calls are about the control index and settings, and go over connections of their own: others are for requests.
	control bool
}

// do makes a call within the Store's timeout and decodes its answer into out, which may be nil. Its errors are those of
// the ports, with an *answerError inside when OpenSearch answered one.
func (s *Store) do(ctx context.Context, c call, out any) error {
	return s.doWithin(ctx, s.timeout, c, out)
}

func (s *Store) doWithin(ctx context.Context, timeout time.Duration, c call, out any) error {
	ctx, span := telemetry.ClientSpan(ctx, telemetry.SystemOpenSearch, c.operation)
	defer span.End()
	started := time.Now()
	err := s.guarded(ctx, c.operation, timeout, func(ctx context.Context) error {
		over := s.client
		if c.control {
			over = s.controlClient
		}
		err := attempt(ctx, over, c, out)
		if c.repeatable && connectionBroke(err) && ctx.Err() == nil {
			over.transport.CloseIdleConnections() // a node that ends breaks all of its connections: what is idle may be of it
			err = attempt(ctx, over, c, out)
		}
		return err
	})
	s.observe(c.operation, Outcome(err), time.Since(started))
	if err != nil {
		span.Fail(Outcome(err))
	}
	return err
}

func attempt(ctx context.Context, over connections, c call, out any) error {
	request, err := c.request().GetRequest(c.method)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	response, err := over.Stream(request.WithContext(ctx))
	if response == nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer: %w", err)
	case len(body) > maxAnswer:
		return fmt.Errorf("%w: it has more than %d bytes", errUnreadable, maxAnswer)
	case response.StatusCode >= http.StatusMultipleChoices:
		return newAnswerError(response, body)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		// The error of encoding/json names offsets and types; the body itself may hold documents and stays out of logs.
		return fmt.Errorf("%w: decode %d bytes: %w", errUnreadable, len(body), err)
	}
	return nil
}

// connectionBroke tells a connection that could not be used, or broke, from one that was too slow. OpenSearch closes
// idle connections when it restarts, and the next request on each finds out.
func connectionBroke(err error) bool {
	if netErr, ok := errors.AsType[net.Error](err); ok {
		return !netErr.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
