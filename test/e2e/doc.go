// Package e2e tests the product as its users have it: an operator that the Helm chart installed, on a real cluster with
// real pods. hack/e2e.sh brings both up; the tests find the cluster by KUBECONFIG.
//
//	make e2e            brings a cluster up, tests, takes it down
//	make e2e KEEP=1     leaves it up, so that the tests can be run again by hand:
//	go test -tags e2e ./test/e2e -run Settings -v
package e2e
