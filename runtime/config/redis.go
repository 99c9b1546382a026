package config

import "fmt"

// Redis is the pair of instances: Cache may evict what it holds, State may not. They may be one.
type Redis struct {
	Cache RedisInstance `json:"cache"`
	State RedisInstance `json:"state"`
}

// RedisInstance is one Redis: a server, one that sentinels watch, or a Cluster. One of Address, Sentinel and Cluster is set.
type RedisInstance struct {
	// Address is host:port of a server.
	Address  string         `json:"address,omitempty"`
	Sentinel *RedisSentinel `json:"sentinel,omitempty"`
	// Cluster are host:port of nodes of a Redis Cluster, which tell of the others.
	Cluster []string `json:"cluster,omitempty"`
	// TLS is nil for connections in plain text.
	TLS *RedisTLS `json:"tls,omitempty"`
}

// RedisSentinel is where sentinels are, and what they call the primary.
type RedisSentinel struct {
	// Addresses are host:port of sentinels, which tell of the others.
	Addresses  []string `json:"addresses"`
	MasterName string   `json:"masterName"`
}

// RedisTLS is how a Redis is known by its certificate. Who may sign that is in Credentials; without it, the authorities of the system.
type RedisTLS struct {
	// ServerName is whose certificate it has; empty for the host of the address.
	ServerName string `json:"serverName,omitempty"`
}

func (r Redis) validate(p *problems) {
	r.Cache.validate("stores.redis.cache", p)
	r.State.validate("stores.redis.state", p)
}

func (r RedisInstance) validate(path string, p *problems) {
	switch {
	case r.Sentinel != nil && r.Cluster == nil && r.Address == "":
		p.need(r.Sentinel.MasterName != "", path+".sentinel.masterName", "must not be empty")
		hostPorts(r.Sentinel.Addresses, path+".sentinel.addresses", p)
	case r.Cluster != nil && r.Sentinel == nil && r.Address == "":
		hostPorts(r.Cluster, path+".cluster", p)
	case r.Sentinel != nil || r.Cluster != nil:
		p.need(false, path, "must have one of address, sentinel and cluster")
	default:
		p.need(isHostPort(r.Address), path+".address", "must be host:port")
	}
}

func hostPorts(addresses []string, path string, p *problems) {
	p.need(len(addresses) > 0, path, "must not be empty")
	for i, address := range addresses {
		p.need(isHostPort(address), fmt.Sprintf("%s[%d]", path, i), "must be host:port")
	}
}
