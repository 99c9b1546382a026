package opensearch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestCauseSurvivesTheErrorsOfThePorts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"dns":           fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "papers-opensearch"}),
		"refused":       &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"timeout":       context.DeadlineExceeded,
		"foreign_store": ErrForeignStore,
		"unready":       &answerError{status: 503, kind: "no_shard_available_action_exception"},
		"blocked":       &answerError{status: 429, kind: "cluster_block_exception"},
		"unreachable":   errors.New("connection reset"),
	} {
		if got := cause(mapError(t.Context(), time.Second, err)); got != want {
			t.Errorf("%v is told as %s, want %s", err, got, want)
		}
	}
}
