package middleware

import (
	"net/url"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// chooseTenant settles whose documents the request is about: the identity's tenant, the one that an administrator without
// a tenant names with ?tenant=, or the default one.
func chooseTenant(id *rag.Identity, target *url.URL) error {
	if target.RawQuery != "" {
		if named := target.Query()["tenant"]; len(named) > 0 {
			if err := mayName(*id, named); err != nil {
				return err
			}
			id.Tenant = named[0]
		}
	}
	if id.Tenant == "" {
		id.AllTenants = id.Role == rag.RoleAdmin
		id.Tenant = rag.DefaultTenant
	}
	return nil
}

func mayName(id rag.Identity, named []string) error {
	switch {
	case id.Role != rag.RoleAdmin || id.Tenant != "":
		return &rag.Error{Kind: rag.ErrForbidden, Message: "only an administrator without a tenant may name one"}
	case len(named) > 1:
		return rag.Invalid(rag.FieldError{Field: "tenant", Reason: "must be given once"})
	default:
		return rag.ValidateTenant(named[0])
	}
}
