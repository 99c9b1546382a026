package opensearch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-project/opensearch-go/v4/opensearchtransport"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// connectionLifetime is the greatest age of connections, less a jitter of a fifth: a load balancer or a Service that has
	// moved the address is followed after it. A request that is under way then ends first.
	connectionLifetime = 5 * time.Minute
	// maxIdle is how many connections are kept to a node.
	maxIdle = 64
)

// transport sends requests over connections whose peer has proven to be the cluster, none of them older than lifetime.
//
// net/http cannot bound the age of a connection. So the connections are those of an http.Transport that is replaced, whole,
// when its time is over or when one of its answers was not of the cluster; those of the old one end with their requests.
type transport struct {
	identity *identity
	// paths are the paths of the configured URLs, by host and port.
	paths    map[string]string
	lifetime time.Duration
	tls      *tls.Config

	mu      sync.Mutex
	current *http.Transport
	expires time.Time
}

func newTransport(w way) *transport {
	t := &transport{identity: w.cluster, paths: map[string]string{}, lifetime: w.lifetime, tls: w.tls}
	for _, u := range w.urls {
		t.paths[hostPort(u)] = strings.TrimRight(u.EscapedPath(), "/") + "/"
	}
	return t
}

// hostPort is an URL's address as net/http dials it.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// RoundTrip sends a request. An answer that is not of the cluster is ErrForeignStore, and no connection of its time is used
// again.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	using := t.use()
	answer, err := using.RoundTrip(request)
	if err != nil || t.identity.owns(answer) || forbids(answer) {
		return answer, err
	}
	t.replace(using)
	_ = answer.Body.Close()
	return nil, fmt.Errorf("%w: its answer %d does not name the product", ErrForeignStore, answer.StatusCode)
}

// CloseIdleConnections closes the connections that carry no request.
func (t *transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil {
		t.current.CloseIdleConnections()
	}
}

// use returns the transport of this time.
func (t *transport) use() *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); t.current == nil || !now.Before(t.expires) {
		if t.current != nil {
			t.current.CloseIdleConnections() // and those that become idle
		}
		t.current = t.newHTTP()
		t.expires = now.Add(t.lifetime - rand.N(t.lifetime/5)) //nolint:gosec // jitter
	}
	return t.current
}

// replace ends the time of a transport, unless it has ended already.
func (t *transport) replace(old *http.Transport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == old {
		t.current = nil
	}
	old.CloseIdleConnections()
}

// newHTTP takes no proxy from the environment: the address is inside the cluster, and a proxy would see every document.
// The deadline of a call bounds all of it; the bounds here tell sooner that nobody is there. HTTP/2 is off: the proof is
// spoken by hand.
func (t *transport) newHTTP() *http.Transport {
	return &http.Transport{
		DialContext:            t.dial,
		DialTLSContext:         t.dialTLS,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // a few kilobytes within a cluster
	}
}

// dial connects, and returns a connection only when its peer has proven itself.
func (t *transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return t.proven(conn, address)
}

func (t *transport) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config := t.tls.Clone()
	config.ServerName, config.NextProtos = host, []string{"http/1.1"}
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return t.proven(secured, address)
}

func connect(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: proofTimeout, KeepAlive: 15 * time.Second}
	return dialer.DialContext(ctx, network, address)
}

func (t *transport) proven(conn net.Conn, address string) (net.Conn, error) {
	path, known := t.paths[address]
	if !known {
		path = "/"
	}
	if err := t.identity.prove(conn, address, path); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// way is how clients reach the cluster.
type way struct {
	urls        []*url.URL
	cluster     *identity
	lifetime    time.Duration
	tls         *tls.Config
	credentials config.OpenSearchCredentials
}

func newWay(o Options) (way, error) {
	w := way{
		cluster: &identity{}, lifetime: o.ConnectionLifetime, tls: &tls.Config{MinVersion: tls.VersionTLS12}, credentials: o.Credentials,
	}
	for _, address := range o.Config.URLs {
		u, err := url.Parse(address)
		if err != nil {
			return way{}, fmt.Errorf("read an address of OpenSearch: %w", err)
		}
		if u.Scheme != "https" && o.Credentials.Password != "" {
			return way{}, errors.New("a password of OpenSearch is sent over https alone, and an address is not https")
		}
		w.urls = append(w.urls, u)
	}
	if o.Credentials.CA != "" {
		w.tls.RootCAs = x509.NewCertPool()
		if !w.tls.RootCAs.AppendCertsFromPEM([]byte(o.Credentials.CA)) {
			return way{}, errors.New("the certificates that OpenSearch is trusted by hold none")
		}
	}
	if o.Credentials.Username != "" {
		w.cluster.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(o.Credentials.Username+":"+o.Credentials.Password))
	}
	return w, nil
}

// connections are those over which a client asks.
type connections struct {
	*opensearchtransport.Client
	transport *transport
}

func (w way) connect() (connections, error) {
	transport := newTransport(w)
	client, err := opensearchtransport.New(opensearchtransport.Config{
		URLs:      w.urls,
		Transport: transport,
		Username:  w.credentials.Username,
		Password:  w.credentials.Password,
		// Whether a call may be repeated depends on the call: see do.
		DisableRetry: true,
		// Nothing here steers by the load of nodes, so they are not asked for it.
		NodeStatsInterval:     -1,
		MaxRetryClusterHealth: -1,
	})
	return connections{client, transport}, err
}
