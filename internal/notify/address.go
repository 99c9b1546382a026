package notify

import (
	"net/netip"
	"slices"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

var (
	// metadata are addresses of metadata services of clouds that lie in no special range.
	metadata = []netip.Addr{
		netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"),
	}
	// translated are IPv6 addresses with one of IPv4 in their last four bytes (RFC 6052), compatible such of old (RFC 4291).
	translated = netip.MustParsePrefix("64:ff9b::/96")
	compatible = netip.MustParsePrefix("::/96")
	// zero are addresses of this host on some systems (RFC 791).
	zero = netip.MustParsePrefix("0.0.0.0/8")
	// trusting are the ports of our own parts that let in whoever comes from the operator's namespace.
	trusting = []uint16{uint16(desired.OpenSearchPort), uint16(desired.AdminPort)}
)

// Refused says that the operator does not connect to an address, whoever names it: its own host, neighbours on the link and the metadata of
// clouds; parts of other services that trust it; and the API server, which is one of also.
func Refused(to netip.AddrPort, also ...netip.AddrPort) bool {
	addr := to.Addr().Unmap().WithZone("")
	if translated.Contains(addr) {
		bytes := addr.As16()
		addr, _ = netip.AddrFromSlice(bytes[12:])
	}
	return !addr.IsValid() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() ||
		zero.Contains(addr) || compatible.Contains(addr) || slices.Contains(metadata, addr) ||
		slices.Contains(trusting, to.Port()) || slices.Contains(also, netip.AddrPortFrom(addr, to.Port()))
}
