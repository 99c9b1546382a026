package middleware

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// maxTenant is the longest name of a tenant, in bytes.
const maxTenant = 128

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
		id.Tenant = rag.DefaultTenant
	}
	return nil
}

func mayName(id rag.Identity, named []string) error {
	tenant := named[0]
	switch {
	case id.Role != rag.RoleAdmin || id.Tenant != "":
		return &rag.Error{Kind: rag.ErrForbidden, Message: "only an administrator without a tenant may name one"}
	case len(named) > 1:
		return rag.Invalid(rag.FieldError{Field: "tenant", Reason: "must be given once"})
	case tenant == "" || len(tenant) > maxTenant || !utf8.ValidString(tenant) || strings.ContainsFunc(tenant, unicode.IsControl):
		return rag.Invalid(rag.FieldError{Field: "tenant", Reason: "must have 1 to 128 bytes of text without control characters"})
	}
	return nil
}
