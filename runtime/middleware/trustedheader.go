package middleware

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// TrustedHeader believes the headers of a proxy: it is the Authenticator of mode TrustedHeader.
type TrustedHeader struct {
	// Settings are asked for each request.
	Settings func() config.TrustedHeader
	// Hasher hides the caller's name in the log.
	Hasher logging.Hasher
}

// maxCaller bounds the name of a caller, in bytes.
const maxCaller = 512

// Authenticate believes a connection from one of the networks, whatever X-Forwarded-For says: anybody can send that.
func (h TrustedHeader) Authenticate(r *http.Request) (rag.Identity, error) {
	settings := h.Settings()
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	if !within(settings.Networks, plain(peer.Addr())) {
		return rag.Identity{}, unauthorized("requests must come through the proxy that says who asks")
	}
	var values [5]string
	for i, name := range []string{settings.User, settings.Tier, settings.Tenant, settings.Role, settings.Groups} {
		sent := r.Header.Values(name)
		if name == "" || len(sent) == 0 {
			continue
		}
		if len(sent) > 1 {
			return rag.Identity{}, unauthorized("the proxy must send " + name + " once")
		}
		if values[i] = strings.TrimSpace(sent[0]); values[i] == "" && name == settings.Tenant {
			return rag.Identity{}, unauthorized("the proxy must not send an empty " + name) // an administrator of a tenant would be one of all
		}
	}
	user, tier, tenant, role := values[0], values[1], values[2], values[3]
	if user == "" || len(user) > maxCaller {
		return rag.Identity{}, unauthorized("the proxy must send " + settings.User + ", with 1 to 512 bytes")
	}
	var groups []string
	for group := range strings.SplitSeq(values[4], ",") {
		if group = strings.TrimSpace(group); group != "" {
			groups = append(groups, group)
		}
	}
	return vouched(headerCaller+h.Hasher.Subject(user), tier, tenant, role, groups)
}

// vouched is a caller whom somebody else vouches for.
func vouched(name, tier, tenant, role string, groups []string) (rag.Identity, error) {
	id := rag.Identity{Name: name, Tier: tier, Tenant: tenant, Role: rag.RoleClient, Groups: groups}
	if role == string(rag.RoleAdmin) {
		id.Role = rag.RoleAdmin
	}
	if tenant != "" && rag.ValidateTenant(tenant) != nil {
		return rag.Identity{}, unauthorized("the tenant must have 1 to 128 bytes of text without control characters")
	}
	if why := rag.ValidateGroups(groups); why != "" {
		return rag.Identity{}, unauthorized("the caller's groups " + why)
	}
	return id, nil
}
