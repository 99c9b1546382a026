package middleware

import (
	"errors"
	"fmt"
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
			return rag.Identity{}, unvouched(fmt.Errorf("the proxy must send %s once", name))
		}
		if values[i] = strings.TrimSpace(sent[0]); values[i] == "" && name == settings.Tenant {
			// An administrator of a tenant would be one of all.
			return rag.Identity{}, unvouched(fmt.Errorf("the proxy must not send an empty %s", name))
		}
	}
	user, tier, tenant, role := values[0], values[1], values[2], values[3]
	if user == "" || len(user) > maxCaller {
		return rag.Identity{}, unvouched(fmt.Errorf("the proxy must send %s, with 1 to %d bytes", settings.User, maxCaller))
	}
	var groups []string
	for group := range strings.SplitSeq(values[4], ",") {
		if group = strings.TrimSpace(group); group != "" {
			groups = append(groups, group)
		}
	}
	id, err := vouched(headerCaller+h.Hasher.Subject(user), tier, tenant, role, groups)
	if err != nil {
		return rag.Identity{}, unvouched(err)
	}
	return id, nil
}

// unvouched is what the caller is told of a proxy's headers that do not count; the cause goes to the log alone, as that of a token.
func unvouched(cause error) error {
	return &rag.Error{Kind: rag.ErrUnauthorized, Message: "the proxy does not say who asks as it must", Cause: cause}
}

// vouched is a caller whom somebody else vouches for. An error says what is wrong with what that says, for the log.
func vouched(name, tier, tenant, role string, groups []string) (rag.Identity, error) {
	id := rag.Identity{Name: name, Tier: tier, Tenant: tenant, Role: rag.RoleClient, Groups: groups}
	if role == string(rag.RoleAdmin) {
		id.Role = rag.RoleAdmin
	}
	if tenant != "" && rag.ValidateTenant(tenant) != nil {
		return rag.Identity{}, errors.New("the tenant must have 1 to 128 bytes of text without control characters")
	}
	if why := rag.ValidateGroups(groups); why != "" {
		return rag.Identity{}, errors.New("the caller's groups " + why)
	}
	return id, nil
}
