package middleware

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// clientNetwork is the block of addresses that counts as one caller: an IPv4 address, or the IPv6 network of 64 bits that
// a customer gets. Headers that proxies add are not believed: anybody can send them.
func clientNetwork(r *http.Request) netip.Prefix {
	a := clientAddress(r)
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	block, _ := a.Prefix(bits) // fails for the zero address alone, whose block is the zero block
	return block
}

func clientAddress(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address stands for what is no address
	return from.Addr().Unmap().WithZone("")
}

// fromThisMachine says that a person or program of this machine asks, not a proxy for others and not a web page whose
// name was bound to the loopback address.
func fromThisMachine(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	return clientAddress(r).IsLoopback() && loopbackHost(r.Host)
}

func loopbackHost(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}
