module github.com/ragservice/ragservice-operator/hack/cluster/provisioner

go 1.26.0

require sigs.k8s.io/sig-storage-lib-external-provisioner/v13 v13.0.0 // indirect
