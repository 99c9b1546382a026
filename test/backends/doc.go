// Package backends gives tests the real things that the product talks to: redis-server, OpenSearch, and a Kubernetes API
// server with its etcd. Nothing here imitates a backend, because scripts, time to live, eviction, k-NN and server-side
// apply are where imitations are wrong.
//
//	redis := backends.Redis(t)                           // one of its own, with methods to stop, pause and restart it
//	url := backends.OpenSearch(t)                        // shared by the test process; use an index name of your own
//	cfg := backends.ControlPlane(t, "../../config/crd")  // shared by the test process; use a namespace of your own
//
// `make deps` installs or builds what these need, and caches it outside the tree; `make test` does so by itself. A test
// whose backend is missing fails and says so: it is never skipped.
//
// Every process started here ends with the test process, also when that is killed or panics.
package backends
