// Module alertmanager pins the Alertmanager that hack/deps/alertmanager.sh builds, with the dependencies that it names itself.
module github.com/ragservice/ragservice-operator/tools/alertmanager

go 1.26.7

require github.com/prometheus/alertmanager v0.35.0
