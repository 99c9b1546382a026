package searchnodes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

const (
	// askTimeout bounds a question, from the dial to the last byte, and changeTimeout a change, whose answer comes when all nodes have taken it.
	// There is no retry: the next round or pass is one.
	askTimeout    = 2 * time.Second
	changeTimeout = 5 * time.Second
	// maxAnswer bounds an answer, in bytes. What is asked for has some hundred bytes for each node and shard.
	maxAnswer = 1 << 20
)

// ErrForeignNode says that what answers is no node of OpenSearch that has joined a cluster, or is one of another cluster: an address
// passes to other pods.
var ErrForeignNode = errors.New("what answers is no node of OpenSearch that has joined the cluster")

// Client asks nodes by the addresses of their pods. It may be used by several goroutines.
type Client struct {
	http    *http.Client
	address func(pod netip.Addr) string
}

// New returns a Client that asks by way of asking, which must follow no redirect and keep no connection. address is the way from a pod's address
// to host:port; nil for the port of OpenSearch there. (Tests have no pod network.)
func New(asking *http.Client, address func(pod netip.Addr) string) *Client {
	if address == nil {
		address = func(pod netip.Addr) string {
			return net.JoinHostPort(pod.String(), strconv.Itoa(int(desired.OpenSearchPort)))
		}
	}
	return &Client{http: asking, address: address}
}

func (c *Client) get(ctx context.Context, pod netip.Addr, path string, into any) error {
	return c.do(ctx, pod, call{method: http.MethodGet, path: path}, into)
}

// call is a request; a body of nil is none.
type call struct {
	method, path string
	body         any
}

// do makes a call, and reads the answer into into, unless that is nil. Of an answer that is not as it must be, its status alone is told.
func (c *Client) do(ctx context.Context, pod netip.Addr, of call, into any) error {
	timeout := askTimeout
	if of.method != http.MethodGet {
		timeout = changeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var sent []byte
	if of.body != nil {
		var err error
		if sent, err = json.Marshal(of.body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, of.method, "http://"+c.address(pod)+of.path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	if of.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("OpenSearch answers %d to %s", response.StatusCode, of.method)
	}
	if into == nil {
		return nil
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}
