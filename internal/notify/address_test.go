package notify_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ragservice/ragservice-operator/internal/notify"
)

func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	apiServer := netip.MustParseAddrPort("10.96.0.1:443")
	for address, refused := range map[string]bool{
		"10.0.0.7:9099":               false, // receivers in the cluster
		"192.0.2.7:443":               false,
		"[2001:db8::7]:443":           false,
		"[fd00::7]:8080":              false,
		"10.96.0.1:8443":              false,
		"[64:ff9b::c000:207]:443":     false, // 192.0.2.7 by NAT64
		"127.0.0.1:443":               true,
		"127.8.8.8:443":               true,
		"0.0.0.0:443":                 true,
		"0.1.2.3:443":                 true,
		"[::1]:443":                   true,
		"[::]:443":                    true,
		"[::127.0.0.1]:443":           true,
		"[::ffff:127.0.0.1]:443":      true,
		"169.254.169.254:80":          true,
		"169.254.0.1:80":              true,
		"[::ffff:169.254.169.254]:80": true,
		"[64:ff9b::a9fe:a9fe]:80":     true,
		"[fe80::1]:80":                true,
		"[fe80::1%eth0]:80":           true,
		"[fd00:ec2::254]:80":          true,
		"[fd20:ce::254]:80":           true,
		"100.100.100.200:80":          true,
		"192.0.0.192:80":              true,
		"224.0.0.1:80":                true,
		"[ff02::1]:80":                true,
		"10.0.0.7:9200":               true, // the search engine of some service
		"10.0.0.7:8081":               true, // the admin port of a server
		"10.96.0.1:443":               true,
		"[::ffff:10.96.0.1]:443":      true,
	} {
		if got := notify.Refused(netip.MustParseAddrPort(address), apiServer); got != refused {
			t.Errorf("%s is refused: %t", address, got)
		}
	}
}

// TestClientGoesNowhereElse: neither a name of a refused address, nor a redirect, nor a proxy of the environment leads there.
func TestClientGoesNowhereElse(t *testing.T) {
	var reached atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer redirecting.Close()
	t.Setenv("HTTP_PROXY", redirecting.URL) // the one address that is allowed
	allowed := netip.MustParseAddrPort(strings.TrimPrefix(redirecting.URL, "http://"))
	client := notify.NewClient(func(to netip.AddrPort) bool { return to != allowed && notify.Refused(to) })

	_, port, err := net.SplitHostPort(strings.TrimPrefix(other.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{other.URL, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://169.254.169.254/latest"} {
		if response, err := client.Post(to, "application/json", nil); err == nil {
			_ = response.Body.Close()
			t.Errorf("%s answers %s", to, response.Status)
		}
	}
	response, err := client.Post(redirecting.URL, "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a redirect ends in %s", response.Status)
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests reached an address that is refused", n)
	}
}
