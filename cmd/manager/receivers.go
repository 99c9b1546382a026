package main

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"

	"k8s.io/client-go/rest"

	"github.com/ragservice/ragservice-operator/internal/notify"
)

// newPosting returns the client for spec.alerts.receivers.webhook, whose addresses whoever may write a RAGService chooses.
func newPosting(connection *rest.Config) *http.Client {
	apiServer := addressOf(connection.Host)
	return notify.NewClient(func(to netip.AddrPort) bool { return notify.Refused(to, apiServer...) })
}

// addressOf is where the API server is, which in a pod is an address and no name.
func addressOf(host string) []netip.AddrPort {
	parsed, err := url.Parse(host)
	if err != nil {
		return nil
	}
	addr, err := netip.ParseAddr(parsed.Hostname())
	if err != nil {
		return nil
	}
	port, err := netip.ParseAddrPort("0.0.0.0:" + cmp.Or(parsed.Port(), "443"))
	if err != nil {
		return nil
	}
	return []netip.AddrPort{netip.AddrPortFrom(addr.Unmap(), port.Port())}
}
