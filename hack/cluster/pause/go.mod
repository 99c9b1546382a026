module github.com/ragservice/ragservice-operator/hack/cluster/pause

go 1.26.0
