package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	// askTimeout bounds one question, from the dial to the last byte. It is not tried again: the next round is.
	askTimeout = 2 * time.Second
	// maxAnswer bounds an answer, in bytes. A true one has under 20 KiB, most of it minutes.
	maxAnswer = 1 << 20
	// maxAnswerHeader bounds the headers of an answer, in bytes.
	maxAnswerHeader = 16 << 10
)

// outcome is how a question ended; the label of a metric.
type outcome string

const (
	answered    outcome = "answered"
	timedOut    outcome = "timeout"
	unreachable outcome = "unreachable"
	badStatus   outcome = "bad_status"
	tooLarge    outcome = "too_large"
	malformed   outcome = "malformed"
	foreign     outcome = "foreign"
)

var outcomes = []outcome{answered, timedOut, unreachable, badStatus, tooLarge, malformed, foreign}

// newClient returns a client that goes to the address it is given and nowhere else: no proxy, no redirect, and no
// connection that is kept, since an address passes to other pods.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: askTimeout}).DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// adminAddress is where a server's admin port listens.
func adminAddress(pod netip.Addr) string {
	return net.JoinHostPort(pod.String(), strconv.Itoa(int(desired.AdminPort)))
}

// ask asks one server. Nothing of an answer that is not as it must be leaves this function.
func (p *Poller) ask(ctx context.Context, t target) (telemetry.Statusz, outcome) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address(t.address)+"/statusz", nil)
	if err != nil {
		return telemetry.Statusz{}, unreachable
	}
	response, err := p.client.Do(request)
	if err != nil {
		return telemetry.Statusz{}, failure(err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return telemetry.Statusz{}, badStatus
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return telemetry.Statusz{}, failure(err)
	case len(body) > maxAnswer:
		return telemetry.Statusz{}, tooLarge
	}
	said, err := decode(body)
	switch {
	case err != nil:
		return telemetry.Statusz{}, malformed
	case said.PodUID != string(t.uid):
		return telemetry.Statusz{}, foreign
	}
	return said, answered
}

func failure(err error) outcome {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()) {
		return timedOut
	}
	return unreachable
}

// String is the word for logs.
func (t target) String() string { return fmt.Sprintf("pod %s at %s", t.uid, t.address) }
