package middleware

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestClientNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:1234":             "192.0.2.1/32",
		"[::ffff:192.0.2.1]:1234":    "192.0.2.1/32",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::]:443":  "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":          "fe80::/64",
		"@":                          "invalid Prefix",
	} {
		if got := clientNetwork(&http.Request{RemoteAddr: remote}, config.TrustedProxies{}); got.String() != want {
			t.Errorf("%s is of %s, want %s", remote, got, want)
		}
	}
}

// TestTrustedProxies: what a caller writes into X-Forwarded-For stands left of what proxies add, and is not believed.
func TestTrustedProxies(t *testing.T) {
	inside := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	tests := map[string]struct {
		remote    string
		forwarded []string
		trusted   config.TrustedProxies
		want      string
	}{
		"nobody is trusted":          {"192.0.2.1:1", []string{"203.0.113.7"}, config.TrustedProxies{}, "192.0.2.1"},
		"one proxy":                  {"192.0.2.1:1", []string{"198.51.100.9, 203.0.113.7"}, config.TrustedProxies{Depth: 1}, "203.0.113.7"},
		"two proxies":                {"192.0.2.1:1", []string{"198.51.100.9, 203.0.113.7", "192.0.2.2"}, config.TrustedProxies{Depth: 2}, "203.0.113.7"},
		"proxy that adds nothing":    {"192.0.2.1:1", nil, config.TrustedProxies{Depth: 1}, "192.0.2.1"},
		"proxies of a network":       {"10.0.0.1:1", []string{"198.51.100.9, 203.0.113.7, 10.0.0.2"}, config.TrustedProxies{Networks: inside}, "203.0.113.7"},
		"not of the network":         {"192.0.2.1:1", []string{"203.0.113.7"}, config.TrustedProxies{Networks: inside}, "192.0.2.1"},
		"IPv6 and IPv4 as IPv6":      {"[::ffff:10.0.0.1]:1", []string{"2001:db8::1"}, config.TrustedProxies{Networks: inside}, "2001:db8::1"},
		"nonsense where a client is": {"10.0.0.1:1", []string{"unknown"}, config.TrustedProxies{Networks: inside}, "10.0.0.1"},
		"with a port":                {"10.0.0.1:1", []string{"203.0.113.7:4711"}, config.TrustedProxies{Networks: inside}, "203.0.113.7"},
		"IPv6 with a port":           {"10.0.0.1:1", []string{"[2001:db8::1]:4711"}, config.TrustedProxies{Networks: inside}, "2001:db8::1"},
		"IPv6 in brackets":           {"10.0.0.1:1", []string{"[2001:db8::1]"}, config.TrustedProxies{Networks: inside}, "2001:db8::1"},
		"nothing but proxies":        {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, config.TrustedProxies{Networks: inside}, "10.0.0.3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
			if got := clientAddress(r, tt.trusted); got.String() != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestFromThisMachine(t *testing.T) {
	tests := []struct {
		remote, host, header string
		want                 bool
	}{
		{"127.0.0.1:1", "127.0.0.1:8080", "", true},
		{"127.0.0.2:1", "localhost", "", true},
		{"[::1]:1", "[::1]:8080", "", true},
		{"[::1]:1", "[::1]", "", true},
		{"[::ffff:127.0.0.1]:1", "LOCALHOST:80", "", true},
		{"192.0.2.1:1", "localhost", "", false},
		{"127.0.0.1:1", "evil.example:8080", "", false},
		{"127.0.0.1:1", "localhost.evil.example", "", false},
		{"127.0.0.1:1", "", "", false},
		{"127.0.0.1:1", "localhost", "X-Forwarded-For", false},
		{"127.0.0.1:1", "localhost", "Forwarded", false},
		{"127.0.0.1:1", "localhost", "X-Real-Ip", false},
		{"127.0.0.1:1", "localhost", "X-Forwarded-Host", false},
		{"127.0.0.1:1", "localhost", "X-Forwarded-Proto", false},
		{"127.0.0.1:1", "localhost", "Via", false},
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.remote, Host: tt.host, Header: http.Header{}}
		if tt.header != "" {
			r.Header.Set(tt.header, "192.0.2.1")
		}
		if got := fromThisMachine(r); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
		if tt.header != "" { // the caller's own is empty, and the proxy adds a line
			r.Header[tt.header] = []string{"", "192.0.2.1"}
			if fromThisMachine(r) {
				t.Errorf("%+v: taken for this machine by an empty header", tt)
			}
		}
	}
}

// A page of another site that a person of this machine looks at is a stranger, whatever CORS lets it send.
func TestPagesOfOtherSitesAreNotThisMachine(t *testing.T) {
	for _, tt := range []struct {
		method, origin, site string
		want                 bool
	}{
		{http.MethodPost, "", "", true},
		{http.MethodPost, "http://localhost:8080", "same-origin", true},
		{http.MethodPost, "http://localhost:8080", "", true},
		{http.MethodPost, "http://evil.example", "cross-site", false},
		{http.MethodPost, "http://evil.example", "", false},
		{http.MethodDelete, "null", "", false},
		{http.MethodDelete, "http://localhost:3000", "same-site", false},
	} {
		r := &http.Request{Method: tt.method, RemoteAddr: "127.0.0.1:1", Host: "localhost:8080", URL: &url.URL{Path: "/"}, Header: http.Header{}}
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if got := fromThisMachine(r); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
