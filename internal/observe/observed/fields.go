package observed

import "github.com/ragservice/ragservice-operator/internal/desired"

// ResourcesField is the field of the spec that bounds a component's memory.
func ResourcesField(c desired.Component) string { return field(c) + ".resources" }

// ImageField is the field of the spec that names a component's image.
func ImageField(c desired.Component) string { return field(c) + ".image" }

func field(c desired.Component) string {
	switch c {
	case desired.ComponentServer:
		return "spec.server"
	case desired.ComponentOpenSearch:
		return "spec.openSearch.managed"
	default:
		return "spec.redis.managed"
	}
}
