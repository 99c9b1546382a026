package v1alpha1

// AuthSpec is how callers say who they are.
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode == 'APIKey' || !has(self.apiKeysSecretRef)",fieldPath=".apiKeysSecretRef",reason=FieldValueForbidden,message="spec.auth.apiKeysSecretRef has no effect but with spec.auth.mode APIKey: remove it, or set mode to APIKey"
// +kubebuilder:validation:XValidation:rule="has(self.jwt) == (has(self.mode) && self.mode == 'JWT')",fieldPath=".jwt",message="spec.auth.jwt is required with spec.auth.mode JWT, and has no effect with another: set both, or neither"
// +kubebuilder:validation:XValidation:rule="has(self.trustedHeader) == (has(self.mode) && self.mode == 'TrustedHeader')",fieldPath=".trustedHeader",message="spec.auth.trustedHeader is required with spec.auth.mode TrustedHeader, and has no effect with another: set both, or neither"
type AuthSpec struct {
	// mode is APIKey (each request carries a key), Anonymous (anybody may ask; administration still needs the
	// generated administrator's key), JWT (each request carries a token that an issuer has signed) or TrustedHeader (a proxy in front says
	// who asks). Default APIKey.
	// +kubebuilder:validation:Enum=APIKey;Anonymous;JWT;TrustedHeader
	// +default="APIKey"
	// +optional
	Mode AuthMode `json:"mode,omitempty"`
	// apiKeysSecretRef names a Secret of this namespace in which each entry is one key: its name the key's name, its
	// value JSON {"key","tier","tenant","role":"admin|client","groups":[]}, with at least 22 characters in key. An entry that is none, or has
	// the key of one before it by name, is left out and told in the condition SecretsResolved. Changes reach running servers.
	// Without it the operator generates the Secret <name>-api-keys with an administrator's and a client's key.
	// +optional
	APIKeysSecretRef *SecretReference `json:"apiKeysSecretRef,omitempty"`
	// jwt is which tokens count, with mode JWT.
	// +optional
	JWT *JWTSpec `json:"jwt,omitempty"`
	// trustedHeader is whose headers count, with mode TrustedHeader.
	// +optional
	TrustedHeader *TrustedHeaderSpec `json:"trustedHeader,omitempty"`
	// trustedProxies are the proxies whose X-Forwarded-For is believed, where a caller's address counts: in mode Anonymous, and for failed
	// authentications. Without them the address is that of the connection.
	// +default={}
	// +optional
	TrustedProxies TrustedProxiesSpec `json:"trustedProxies,omitzero"`
}

// JWTSpec is which tokens count. A token needs iss, aud, sub and exp; a minute of difference between clocks is allowed.
// +kubebuilder:validation:XValidation:rule="has(self.jwksURL) != has(self.jwks)",message="spec.auth.jwt needs the issuer's keys: either jwksURL, where the issuer publishes them, or jwks, the keys themselves"
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretRef) || has(self.jwksURL) && self.jwksURL.startsWith('https://')",fieldPath=".caSecretRef",reason=FieldValueForbidden,message="spec.auth.jwt.caSecretRef has no effect without a jwksURL of https: remove it, or make jwksURL https"
type JWTSpec struct {
	// issuer is what iss must be.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +required
	Issuer string `json:"issuer,omitempty"`
	// audiences are what aud must have one of.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +listType=set
	// +required
	Audiences []string `json:"audiences,omitempty"`
	// jwksURL is where the issuer publishes its keys (RFC 7517). They are read when a token names one that is not known, once a minute at
	// most, and every 5 minutes while tokens come; a token that comes 10 minutes after the last look waits for another, up to 5 seconds. While
	// they cannot be read, the last ones hold. RSA keys need 2048 bits. Redirects are not followed.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([^][@?#/:[:space:]]+|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[^@#[:space:]]*)?$') && isURL(self) && (url(self).getPort() == \"\" || int(url(self).getPort()) <= 65535)",message="must be an http or https URL without user or fragment, such as https://login.example.com/keys"
	// +optional
	JWKSURL string `json:"jwksURL,omitempty"`
	// caSecretRef is a bundle of certificates in PEM, which sign that of the server at jwksURL beside those of the public authorities.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
	// jwks are the issuer's public keys, a JSON Web Key Set (RFC 7517).
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=32768
	// +optional
	JWKS string `json:"jwks,omitempty"`
	// algorithms that tokens may be signed with. Default RS256 and ES256.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:Enum=RS256;RS384;RS512;PS256;PS384;PS512;ES256;ES384;ES512;EdDSA
	// +listType=set
	// +optional
	Algorithms []string `json:"algorithms,omitempty"`
	// claims are the names of the claims that say what a caller may do.
	// +default={}
	// +optional
	Claims JWTClaimsSpec `json:"claims,omitzero"`
}

// JWTClaimsSpec are the names of the claims that say what a caller may do. A token without one of them is that of a client of the default
// tier and tenant.
type JWTClaimsSpec struct {
	// tier names the claim with the caller's tier. Default tier.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +default="tier"
	// +optional
	Tier string `json:"tier,omitempty"`
	// tenant names the claim with the caller's tenant. Default tenant.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +default="tenant"
	// +optional
	Tenant string `json:"tenant,omitempty"`
	// role names the claim that is, or lists, admin for an administrator. Default role.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +default="role"
	// +optional
	Role string `json:"role,omitempty"`
	// groups names the claim that lists the caller's groups, in whose name documents are found that name groups; a text is one group.
	// Default groups.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +default="groups"
	// +optional
	Groups string `json:"groups,omitempty"`
}

// TrustedHeaderSpec is whose headers count. Whoever reaches the server from one of the networks is believed: let nobody in but the proxy,
// which must take these headers out of what it gets.
type TrustedHeaderSpec struct {
	// networks are those of the proxy, such as 10.0.0.0/8: the address of the connection must be in one of them.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a network such as 10.0.0.0/8 or fd00::/8"
	// +listType=set
	// +required
	Networks []string `json:"networks,omitempty"`
	// user names the header with the caller's name, which must be there. Default X-Forwarded-User.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9-]*$`
	// +default="X-Forwarded-User"
	// +optional
	User string `json:"user,omitempty"`
	// tier names the header with the caller's tier. Without it everybody has the default tier.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9-]*$`
	// +optional
	Tier string `json:"tier,omitempty"`
	// tenant names the header with the caller's tenant. Without it everybody has the default tenant.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9-]*$`
	// +optional
	Tenant string `json:"tenant,omitempty"`
	// role names the header that is admin for an administrator. Without it nobody is one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9-]*$`
	// +optional
	Role string `json:"role,omitempty"`
	// groups names the header with the caller's groups, separated by commas. Without it nobody has one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9-]*$`
	// +optional
	Groups string `json:"groups,omitempty"`
}

// TrustedProxiesSpec are the proxies whose X-Forwarded-For is believed.
type TrustedProxiesSpec struct {
	// depth is how many proxies stand before the server, each of which adds the address that it was called from. Default 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +default=0
	// +optional
	Depth *int32 `json:"depth,omitempty"`
	// networks are those that proxies are in, such as 10.0.0.0/8; an address in one of them is a proxy's, at any depth.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a network such as 10.0.0.0/8 or fd00::/8"
	// +listType=set
	// +optional
	Networks []string `json:"networks,omitempty"`
}

// AuthMode is how callers say who they are.
type AuthMode string

// Values of AuthMode.
const (
	// AuthModeAPIKey wants a key with each request.
	AuthModeAPIKey AuthMode = "APIKey"
	// AuthModeAnonymous lets anybody search and ask.
	AuthModeAnonymous AuthMode = "Anonymous"
	// AuthModeJWT wants a token that an issuer has signed.
	AuthModeJWT AuthMode = "JWT"
	// AuthModeTrustedHeader believes a proxy.
	AuthModeTrustedHeader AuthMode = "TrustedHeader"
)
