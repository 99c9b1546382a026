# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# Names, addresses and ports of the one-node cluster. None is a default of the program that uses it, so that it starts beside whatever
# else runs on the machine; only addresses of its own bridge and of the loopback are listened on.

STATE=${RAGSERVICE_CLUSTER_STATE:-/var/tmp/ragservice-cluster} # everything that must survive, and is gone after down
RUN=/run/ragservice-cluster                                     # sockets and mounts
NAME=ragservice                                                 # of the node, the network and the kind cluster
BRIDGE=ragsvc0
SOCKET=$RUN/containerd.sock

POD_CIDR=10.213.0.0/16 SERVICE_CIDR=10.214.0.0/16
NODE_IP=10.213.0.1 FIRST_POD_IP=10.213.0.10 API_SERVICE_IP=10.214.0.1 DNS_IP=10.214.0.10

API_PORT=16443 ETCD_PORT=12379 ETCD_PEER_PORT=12380 DNS_PORT=10053
KUBELET_PORT=20250 KUBELET_HEALTH_PORT=20248 CONTROLLERS_PORT=20257 SCHEDULER_PORT=20259 PROXY_HEALTH_PORT=20256 PROXY_METRICS_PORT=20249

KUBERNETES_VERSION=1.35.4
PAUSE_IMAGE=docker.io/ragservice/pause:dev
CNI_PLUGINS=/usr/lib/cni # where Debian puts them

export KUBECONFIG=$STATE/admin.conf
