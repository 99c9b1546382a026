package desired

import (
	"fmt"
	"strconv"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// ServerSecret is an entry of a Secret that the spec names and that servers mount. Another value rolls them.
type ServerSecret struct {
	// Field is the path of the reference.
	Field string
	Ref   v1alpha1.SecretKeyReference
	// Certificates says that it is a bundle of certificates, and no secret.
	Certificates bool
	// dir and file are where servers look for it. Entries of one folder are of one Secret, and follow each other.
	dir, file string
}

// ServerSecrets are the entries that a RAGService names for its servers beside the keys of callers.
func ServerSecrets(rag *v1alpha1.RAGService) []ServerSecret {
	var all []ServerSecret
	key := func(field string, ref *v1alpha1.SecretKeyReference, dir string) {
		if ref != nil {
			all = append(all, ServerSecret{Field: field, Ref: *ref, dir: dir, file: config.LLMAPIKeyFile})
		}
	}
	authority := func(field string, ref *v1alpha1.SecretKeyReference, dir string) {
		if ref != nil {
			all = append(all, ServerSecret{Field: field, Ref: *ref, Certificates: true, dir: dir, file: config.AuthorityFile})
		}
	}
	llm := rag.Spec.Models.LLM
	key("spec.models.llm.apiKeySecretRef", llm.APIKeySecretRef, config.LLMSecretDir)
	authority("spec.models.llm.caSecretRef", llm.CASecretRef, config.LLMCADir)
	for i, fallback := range llm.Fallbacks {
		field := fmt.Sprintf("spec.models.llm.fallbacks[%d].", i)
		key(field+"apiKeySecretRef", fallback.APIKeySecretRef, config.LLMFallbackSecretDir+strconv.Itoa(i))
		authority(field+"caSecretRef", fallback.CASecretRef, config.LLMFallbackCADir+strconv.Itoa(i))
	}
	for _, c := range externalRedis(rag) {
		if c.TLS != nil {
			authority(c.field+".tls.caSecretRef", c.TLS.CASecretRef, c.authorityDir)
		}
	}
	if external := rag.Spec.OpenSearch.External; external != nil {
		const field = "spec.openSearch.external."
		if login := external.CredentialsSecretRef; login != nil {
			for _, entry := range []string{config.OpenSearchUsernameFile, config.OpenSearchPasswordFile} {
				all = append(all, ServerSecret{
					Field: field + "credentialsSecretRef", Ref: v1alpha1.SecretKeyReference{Name: login.Name, Key: entry},
					dir: config.OpenSearchSecretDir, file: entry,
				})
			}
		}
		authority(field+"caSecretRef", external.CASecretRef, config.OpenSearchCADir)
	}
	if jwt := rag.Spec.Auth.JWT; jwt != nil {
		authority("spec.auth.jwt.caSecretRef", jwt.CASecretRef, config.JWTCADir)
	}
	if tracing := rag.Spec.Monitoring.Tracing; tracing != nil {
		const field = "spec.monitoring.tracing."
		if ref := tracing.HeadersSecretRef; ref != nil {
			all = append(all, ServerSecret{
				Field: field + "headersSecretRef", Ref: *ref, dir: config.TracingSecretDir, file: config.TracingHeadersFile,
			})
		}
		authority(field+"caSecretRef", tracing.CASecretRef, config.TracingCADir)
	}
	return all
}
