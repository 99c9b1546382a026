// Package backends gives tests the real stores that the product talks to: redis-server and OpenSearch, and an OpenTelemetry Collector. Nothing here
// imitates one, because scripts, time to live, eviction and k-NN are where imitations are wrong. Package controlplane does
// the same for Kubernetes.
//
//	redis := backends.Redis(t)                           // one of its own, with methods to stop, pause and restart it
//	redis := backends.RedisWithSentinels(t)              // a primary, a replica and three sentinels
//	redis := backends.NewRedisCluster(t, true)           // a Redis Cluster of three primaries, with replicas
//	collector := backends.NewCollector(t)                // an OpenTelemetry Collector, with what it has received
//	url := backends.OpenSearch(t)                        // shared by the test process; use an index name of your own
//
// `make deps` installs or builds what these need, and caches it outside the tree; `make test` does so by itself. A test
// whose backend is missing fails and says so: it is never skipped.
//
// Every process started here ends with the test process, also when that is killed or panics.
package backends
