package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	// sendTimeout bounds an attempt, from the look-up of the name to the last byte of the answer.
	sendTimeout = 5 * time.Second
	// maxAnswer bounds what is read of an answer, and maxAnswerHeader its headers, in bytes. Its status alone counts.
	maxAnswer       = 4 << 10
	maxAnswerHeader = 16 << 10
	// maxURL bounds a URL, in bytes.
	maxURL = 2 << 10
)

// outcome is how an attempt ended; the label of a metric.
type outcome string

const (
	delivered      outcome = "delivered"
	timedOut       outcome = "timeout"
	unreachable    outcome = "unreachable"
	badStatus      outcome = "bad_status"
	refusedAddress outcome = "refused_address"
	noURL          outcome = "no_url"
	dropped        outcome = "dropped"
)

var outcomes = []outcome{delivered, timedOut, unreachable, badStatus, refusedAddress, noURL, dropped}

// errRefused ends a connection before its first packet.
var errRefused = errors.New("the operator does not connect to this address")

// NewClient returns a client that connects to what refused lets pass, looked at after the name was resolved. It uses no proxy, which would
// connect elsewhere, follows no redirect and keeps no connection.
func NewClient(refused func(netip.AddrPort) bool) *http.Client {
	dialer := &net.Dialer{Timeout: sendTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		if to, err := netip.ParseAddrPort(address); err != nil || refused(to) {
			return errRefused
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: sendTimeout, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswerHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// failure is why an attempt failed, in words for a person. They hold nothing of the URL, which may be secret, and nothing that the receiver said.
type failure struct {
	outcome outcome
	why     string
}

// send posts a message; nil when the receiver took it.
func send(ctx context.Context, client *http.Client, to string, message []byte) *failure {
	address, ok := parseURL(to)
	if !ok {
		return &failure{noURL, "what should be its URL is no http or https URL"}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message))
	if err != nil {
		return &failure{noURL, "what should be its URL is no http or https URL"}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "ragservice-operator")
	response, err := client.Do(request)
	if err != nil {
		return whyFailed(err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return &failure{badStatus, fmt.Sprintf("it answers with status %d", response.StatusCode)}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // the status has said it
	return nil
}

// whyFailed never shows err, which holds the URL.
func whyFailed(err error) *failure {
	var timeout net.Error
	switch {
	case errors.Is(err, errRefused):
		return &failure{refusedAddress, "the operator does not connect to its address (docs/alert-receivers.md lists which)"}
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return &failure{timedOut, fmt.Sprintf("it does not answer within %s", sendTimeout)}
	default:
		return &failure{unreachable, "no connection to it can be made (its address, port, certificate), or it breaks off"}
	}
}

func parseURL(given string) (string, bool) {
	given = strings.TrimSpace(given)
	parsed, err := url.Parse(given)
	if err != nil || len(given) > maxURL || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" {
		return "", false
	}
	return given, true
}
