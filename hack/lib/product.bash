# shellcheck shell=bash disable=SC2154 # names are shared with the script that sources this
# The product on a cluster, for the demo and the end-to-end tests: cluster, images, operator. Needs steps.sh and cache.sh, and $root, the
# project's folder. Each function may be called again: what is there already is brought up to date.

OPERATOR_NAMESPACE=ragservice-system
OPERATOR_RELEASE=ragservice-operator
CLUSTER=$root/hack/cluster/cluster.sh
declare -A IMAGE_TAG=() # image name to the tag that follows its content

# ensure_cluster brings a cluster up unless one is, and lets KUBECONFIG and PATH point to it and its kubectl.
ensure_cluster() {
  if KUBECONFIG=$("$CLUSTER" kubeconfig 2>/dev/null); then
    say "there is one already, with $KUBECONFIG"
  else
    "$CLUSTER" down # what a failed start may have left
    KUBECONFIG=$("$CLUSTER" up)
  fi
  export KUBECONFIG
  PATH=$("$CLUSTER" build kubectl):$PATH
}

# provide_images builds the images and loads them. A kind cluster fetches Redis and OpenSearch by itself.
provide_images() {
  local names=(operator server) archives=() built name tag archive
  [ "$("$CLUSTER" backend)" = kind ] || names+=(redis opensearch)
  built=$("$root/hack/images/build.sh" "${names[@]}")
  while read -r name tag archive; do
    IMAGE_TAG[$name]=$tag
    archives+=("$archive")
  done <<<"$built"
  "$CLUSTER" load "${archives[@]}"
}

# install_operator installs or upgrades the chart. Tags follow the images' content, so that a changed image rolls out.
install_operator() {
  local helm values=()
  helm=$(tool helm)
  values=(--set "image.repository=${IMAGE_TAG[operator]%:*}" --set "image.tag=${IMAGE_TAG[operator]##*:}"
    --set image.pullPolicy=IfNotPresent --set "images.server=${IMAGE_TAG[server]}")
  [ -z "${IMAGE_TAG[redis]:-}" ] || values+=(--set "images.redis=${IMAGE_TAG[redis]}" --set "images.openSearch=${IMAGE_TAG[opensearch]}")
  "$helm" upgrade --install $OPERATOR_RELEASE "$root/charts/ragservice-operator" \
    --namespace $OPERATOR_NAMESPACE --create-namespace --wait --timeout 2m "${values[@]}" >/dev/null
}

# explain_pods NAMESPACE tells why pods are not well: their state, warnings, and the end of the logs of containers that fail.
explain_pods() {
  local namespace=$1 pod
  kubectl get namespace "$namespace" >/dev/null 2>&1 || return 0
  say "pods in $namespace:"
  kubectl -n "$namespace" get pods -o wide >&2 || true
  say "warnings in $namespace:"
  kubectl -n "$namespace" get events --field-selector type=Warning --sort-by .lastTimestamp 2>&1 | tail -n 15 >&2 || true
  for pod in $(kubectl -n "$namespace" get pods -o name); do
    pod_is_ready "$namespace" "$pod" || explain_pod "$namespace" "$pod"
  done
}

pod_is_ready() {
  [ "$(kubectl -n "$1" get "$2" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

explain_pod() {
  say "$2 is not ready:"
  kubectl -n "$1" describe "$2" | sed -n '/^Events:/,$p' | sed 's/^/    | /' >&2
  {
    kubectl -n "$1" logs "$2" --all-containers --tail 15 --prefix || true
    kubectl -n "$1" logs "$2" --all-containers --tail 15 --prefix --previous 2>/dev/null || true
  } 2>&1 | cut -c1-300 | sed 's/^/    | /' >&2
}

# explain_operator prints the end of the operator's log.
explain_operator() {
  kubectl get namespace $OPERATOR_NAMESPACE >/dev/null 2>&1 || return 0
  explain_pods $OPERATOR_NAMESPACE
  say "the end of the operator's log:"
  kubectl -n $OPERATOR_NAMESPACE logs "deployment/$OPERATOR_RELEASE" --tail 15 2>&1 | cut -c1-300 | sed 's/^/    | /' >&2 || true
}
