package middleware

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// clientAddress is the address of the client that a request comes from: that of the connection, or, where it is a trusted
// proxy's, the one that the proxy has seen, and so on. The zero address stands for what is no address.
func clientAddress(r *http.Request, trusted config.TrustedProxies) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	address := plain(from.Addr())
	if trusted.Depth == 0 && len(trusted.Networks) == 0 {
		return address
	}
	seen := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i, said := range slices.Backward(seen) {
		if nth := len(seen) - i; nth > trusted.Depth && !within(trusted.Networks, address) {
			return address
		}
		next, ok := hop(strings.TrimSpace(said))
		if !ok {
			return address // what is no address was not written by a proxy
		}
		address = plain(next)
	}
	return address
}

// hop is an address as a proxy writes it: some write its port, too, and IPv6 in brackets.
func hop(said string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(said); err == nil {
		return withPort.Addr(), true
	}
	if strings.HasPrefix(said, "[") && strings.HasSuffix(said, "]") {
		said = said[1 : len(said)-1]
	}
	address, err := netip.ParseAddr(said)
	return address, err == nil
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(a) })
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// clientNetwork is the block of addresses that counts as one caller: an IPv4 address, or the IPv6 network of 64 bits that
// a customer gets.
func clientNetwork(r *http.Request, trusted config.TrustedProxies) netip.Prefix {
	a := clientAddress(r, trusted)
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	block, _ := a.Prefix(bits) // fails for the zero address alone, whose block is the zero block
	return block
}

// proxyHeaders are what proxies add; a program on this machine sends none.
var proxyHeaders = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// ownPages refuses what a page of another site has a browser send, unless it only reads: that page, too, is not shown the answer.
var ownPages = http.NewCrossOriginProtection()

// fromThisMachine says that, as far as can be seen, a person or program of this machine asks, not a proxy for others and
// not a web page whose name was bound to the loopback address.
func fromThisMachine(r *http.Request) bool {
	for _, header := range proxyHeaders {
		if _, sent := r.Header[header]; sent { // an empty one, too, behind which a proxy writes its own
			return false
		}
	}
	return clientAddress(r, config.TrustedProxies{}).IsLoopback() && loopbackHost(r.Host) && ownPages.Check(r) == nil
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
