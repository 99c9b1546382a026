package middleware

import (
	"net/http"
	"testing"
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
		if got := clientNetwork(&http.Request{RemoteAddr: remote}); got.String() != want {
			t.Errorf("%s is of %s, want %s", remote, got, want)
		}
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
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.remote, Host: tt.host, Header: http.Header{}}
		if tt.header != "" {
			r.Header.Set(tt.header, "192.0.2.1")
		}
		if got := fromThisMachine(r); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
