package serverconfig

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Defaults of auth.jwt and auth.trustedHeader, for an object that bypassed the schema.
const (
	defaultTierClaim   = "tier"
	defaultTenantClaim = "tenant"
	defaultRoleClaim   = "role"
	defaultGroupsClaim = "groups"
	defaultUserHeader  = "X-Forwarded-User"
)

// defaultAlgorithms are what issuers sign with that nobody has told otherwise.
var defaultAlgorithms = []string{"RS256", "ES256"}

func buildAuth(spec v1alpha1.AuthSpec) (config.Auth, error) {
	proxies, proxiesErr := networks("spec.auth.trustedProxies.networks", spec.TrustedProxies.Networks)
	auth := config.Auth{
		Mode:           config.AuthMode(spec.Mode),
		JWT:            buildJWT(spec.JWT),
		TrustedProxies: config.TrustedProxies{Depth: int(ptr.Deref(spec.TrustedProxies.Depth, 0)), Networks: proxies},
	}
	var headerErr error
	if header := spec.TrustedHeader; header != nil {
		auth.TrustedHeader = &config.TrustedHeader{
			User: cmp.Or(header.User, defaultUserHeader), Tier: header.Tier, Tenant: header.Tenant, Role: header.Role,
			Groups: header.Groups,
		}
		auth.TrustedHeader.Networks, headerErr = networks("spec.auth.trustedHeader.networks", header.Networks)
	}
	return auth, errors.Join(proxiesErr, headerErr)
}

func buildJWT(spec *v1alpha1.JWTSpec) *config.JWT {
	if spec == nil {
		return nil
	}
	jwt := config.JWT{
		Issuer:      spec.Issuer,
		Audiences:   spec.Audiences,
		Algorithms:  spec.Algorithms,
		JWKSURL:     spec.JWKSURL,
		JWKS:        spec.JWKS,
		TierClaim:   cmp.Or(spec.Claims.Tier, defaultTierClaim),
		TenantClaim: cmp.Or(spec.Claims.Tenant, defaultTenantClaim),
		RoleClaim:   cmp.Or(spec.Claims.Role, defaultRoleClaim),
		GroupsClaim: cmp.Or(spec.Claims.Groups, defaultGroupsClaim),
	}
	if len(jwt.Algorithms) == 0 {
		jwt.Algorithms = defaultAlgorithms
	}
	return &jwt
}

func networks(path string, cidrs []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, cidr := range cidrs {
		network, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}
