package desired

import (
	"slices"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Component is a part of a RAGService; its name is the value of the label app.kubernetes.io/component and, but for ComponentMonitoring,
// the suffix of its objects' names.
type Component string

// Components that there are; Components lists them.
const (
	ComponentServer     Component = "server"
	ComponentSnapshots  Component = "snapshots"
	ComponentRedisCache Component = "redis-cache"
	ComponentRedisState Component = "redis-state"
	ComponentOpenSearch Component = "opensearch"
	ComponentMonitoring Component = "monitoring"
)

// descriptor is what is the same for a component of every RAGService.
type descriptor struct {
	name Component
	// product is what people call it.
	product string
	// condition tells whether it is ready, and field is the path in the spec that configures it.
	condition, field string
	// port is where servers ask it, if it is a store; else 0.
	port int32
	// knowsRedisPassword says that its pods hold the password of Redis.
	knowsRedisPassword bool
	build              func(part, build) (ComponentPlan, error)
}

// descriptors are those of all components in the order in which they are written: stores first, then what connects to them.
// This is the only list of components.
func descriptors() []descriptor {
	return []descriptor{
		{
			name: ComponentRedisCache, product: "Redis", condition: v1alpha1.ConditionRedisReady, field: "spec.redis.managed",
			port: redisPort, knowsRedisPassword: true, build: redisCache,
		},
		{
			name: ComponentRedisState, product: "Redis", condition: v1alpha1.ConditionRedisReady, field: "spec.redis.managed",
			port: redisPort, knowsRedisPassword: true, build: redisState,
		},
		{
			name: ComponentOpenSearch, product: "OpenSearch", condition: v1alpha1.ConditionOpenSearchReady, field: "spec.openSearch.managed",
			port: OpenSearchPort, build: openSearch,
		},
		{
			name: ComponentServer, product: "server", condition: v1alpha1.ConditionServerReady, field: "spec.server",
			knowsRedisPassword: true, build: server,
		},
		{
			name: ComponentSnapshots, product: "snapshots", condition: v1alpha1.ConditionSnapshotsReady, field: "spec.openSearch.snapshots",
			build: snapshots,
		},
		{
			name: ComponentMonitoring, product: "monitoring", condition: v1alpha1.ConditionMonitoringReady, field: "spec.monitoring",
			build: monitoring,
		},
	}
}

// Components are all components in the order in which they are written.
func Components() []Component {
	return componentsWhere(func(descriptor) bool { return true })
}

// ComponentsOf are the components whose readiness a condition tells.
func ComponentsOf(condition string) []Component {
	return componentsWhere(func(d descriptor) bool { return d.condition == condition })
}

// RedisClients are the components whose pods hold the password of Redis.
func RedisClients() []Component {
	return componentsWhere(func(d descriptor) bool { return d.knowsRedisPassword })
}

func componentsWhere(holds func(descriptor) bool) []Component {
	var names []Component
	for _, d := range descriptors() {
		if holds(d) {
			names = append(names, d.name)
		}
	}
	return names
}

// IsStore says that servers ask the component, and that a StatefulSet makes its pods.
func (c Component) IsStore() bool { return c.descriptor().port != 0 }

// Product is what people call the component.
func (c Component) Product() string { return c.descriptor().product }

// Condition is the type of the condition that tells whether the component is ready.
func (c Component) Condition() string { return c.descriptor().condition }

// Field is the path in the spec that configures the component.
func (c Component) Field() string { return c.descriptor().field }

// descriptor is zero for a component that there is not.
func (c Component) descriptor() descriptor {
	all := descriptors()
	if i := slices.IndexFunc(all, func(d descriptor) bool { return d.name == c }); i >= 0 {
		return all[i]
	}
	return descriptor{}
}
