package v1alpha1

// AuthSpec is how callers say who they are.
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Anonymous' || !has(self.apiKeysSecretRef)",fieldPath=".apiKeysSecretRef",reason=FieldValueForbidden,message="spec.auth.apiKeysSecretRef has no effect with spec.auth.mode Anonymous: remove it, or set mode to APIKey"
type AuthSpec struct {
	// mode is APIKey (each request carries a key) or Anonymous (anybody may ask; administration still needs the
	// generated administrator's key). Default APIKey.
	// +kubebuilder:validation:Enum=APIKey;Anonymous
	// +default="APIKey"
	// +optional
	Mode AuthMode `json:"mode,omitempty"`
	// apiKeysSecretRef names a Secret of this namespace in which each entry is one key: its name the key's name, its
	// value JSON {"key","tier","tenant","role":"admin|client"}, with at least 22 characters in key. An entry that is none, or has
	// the key of one before it by name, is left out and told in the condition SecretsResolved. Changes reach running servers.
	// Without it the operator generates the Secret <name>-api-keys with an administrator's and a client's key.
	// +optional
	APIKeysSecretRef *SecretReference `json:"apiKeysSecretRef,omitempty"`
}

// AuthMode is how callers say who they are.
type AuthMode string

// Values of AuthMode.
const (
	// AuthModeAPIKey wants a key with each request.
	AuthModeAPIKey AuthMode = "APIKey"
	// AuthModeAnonymous lets anybody search and ask.
	AuthModeAnonymous AuthMode = "Anonymous"
)
