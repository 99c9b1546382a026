#!/usr/bin/env bash
# The demo on a real cluster: brings one up, installs the operator, applies examples/demo.yaml, loads documents, asks. Run again while it
# is up, it upgrades what has changed. hack/demo-down.sh removes all of it.
#
#   DOCS=file.ndjson  loads these documents instead of the project's documentation
#   ASK='a question'  asks this
#   WAIT=seconds      how long the service may take to become ready (600)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=lib/cache.sh
source "$root/hack/lib/cache.sh"
# shellcheck source=lib/product.bash
source "$root/hack/lib/product.bash"

NAMESPACE=default NAME=demo WAIT=${WAIT:-600}
FORWARD_PID=''

explain_failure() {
  stop_forward
  kubectl version >/dev/null 2>&1 || return 0
  if kubectl get crd ragservices.ragservice.dev >/dev/null 2>&1; then
    say "conditions:"
    conditions >&2 || true
  fi
  explain_pods $NAMESPACE
  explain_operator
  say "the cluster stays up to be looked at: export KUBECONFIG=$KUBECONFIG; make demo-down removes it"
}

apply_service() { kubectl -n $NAMESPACE apply -f "$root/examples/demo.yaml" >&2; }

# states prints "type<tab>status<tab>reason<tab>message" of each condition.
states() {
  kubectl -n $NAMESPACE get ragservice $NAME \
    -o 'jsonpath={range .status.conditions[*]}{.type}{"\t"}{.status}{"\t"}{.reason}{"\t"}{.message}{"\n"}{end}'
}

conditions() { states | awk -F '\t' '{printf "%-18s %-8s %-18s %s\n", $1, $2, $3, substr($4, 1, 100)}'; }

# observed holds when the status is of the manifest as it is now.
observed() {
  local generation seen
  read -r generation seen < <(kubectl -n $NAMESPACE get ragservice $NAME -o 'jsonpath={.metadata.generation} {.status.observedGeneration}')
  [ -n "$seen" ] && [ "$generation" = "$seen" ]
}

# settled holds when every pod of the service runs an image as it was just built, and is ready: after an upgrade Ready stays True until
# the new operator has begun its work.
settled() {
  local ready image expected=" ${IMAGE_TAG[*]} "
  while read -r ready image; do
    [ "$ready" = True ] || return 1
    case $image in
    docker.io/ragservice/*) [[ $expected = *" $image "* ]] || return 1 ;;
    esac
  done < <(kubectl -n $NAMESPACE get pods -l app.kubernetes.io/instance=$NAME \
    -o 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.spec.containers[0].image}{"\n"}{end}')
}

# await_ready tells each change of a condition until Ready is True for the manifest as it is now, Stalled, or WAIT is over.
await_ready() {
  local began type status reason message line
  local -A seen=()
  began=$(now_ms)
  while :; do
    while IFS=$'\t' read -r type status reason message; do
      line="$status/$reason"
      [ "${seen[$type]:-}" != "$line" ] || continue
      seen[$type]=$line
      [ "$status $type" = "Unknown ${type#Ready}" ] && continue # the first look: nothing is known yet, which Ready says for all
      say "$(printf '%8s  %-18s %-28s %s' "$(seconds_since "$began")" "$type" "$line" "${message:0:90}")"
    done < <(states)
    if observed; then
      case ${seen[Ready]:-} in True/*) ! settled || return 0 ;; esac
      case ${seen[Stalled]:-} in True/*)
        say "the manifest cannot be met as it is"
        return 1
        ;;
      esac
    fi
    if (($(now_ms) - began > WAIT * 1000)); then
      say "not ready after $WAIT s"
      return 1
    fi
    sleep 0.5
  done
}

# key ENTRY prints the key itself out of an entry of the generated Secret. It goes into the environment of a program, never to the terminal.
key() {
  kubectl -n $NAMESPACE get secret $NAME-api-keys -o "go-template={{index .data \"$1\" | base64decode}}" |
    sed -n 's/.*"key" *: *"\([^"]*\)".*/\1/p'
}

# service_url prints where the service is reached from here: a cluster without Docker has its addresses on this machine, kind has not.
service_url() {
  local log
  if [ "$("$CLUSTER" backend)" != kind ]; then
    echo "http://$(kubectl -n $NAMESPACE get service $NAME-server -o 'jsonpath={.spec.clusterIP}')"
    return
  fi
  log=$(mktemp)
  kubectl -n $NAMESPACE port-forward "service/$NAME-server" :80 >"$log" 2>&1 &
  echo $! >"$log.pid"
  await 20 "the forwarded port" grep -q '^Forwarding from 127.0.0.1' "$log" || die "$(cat "$log")"
  echo "http://$(sed -n 's/^Forwarding from \(127.0.0.1:[0-9]*\) .*/\1/p' "$log") $(cat "$log.pid")"
  rm -f "$log" "$log.pid"
}

stop_forward() { [ -z "$FORWARD_PID" ] || kill "$FORWARD_PID" 2>/dev/null || true; }

build_visitor() { (cd "$root" && go build -o "$CACHE/visitor" ./hack/quickstart); }

visit() {
  local arguments=(-url "$URL")
  [ -z "${DOCS:-}" ] || arguments+=(-documents "$(realpath "$DOCS")")
  [ -z "${ASK:-}" ] || arguments+=(-ask "$ASK")
  (cd "$root" && RAGSERVICE_ADMIN_KEY=$(key admin) RAGSERVICE_CLIENT_KEY=$(key client) "$CACHE/visitor" "${arguments[@]}")
}

# show waits for the first figures of the cache, which the operator asks the servers for every ten seconds or so.
show() {
  kubectl -n $NAMESPACE wait ragservice $NAME --for='jsonpath={.status.cache.hitRatePercent}' --timeout=30s >/dev/null || true
  kubectl -n $NAMESPACE get ragservice -o wide
  echo
  conditions
}

how_to_go_on() {
  cat <<TEXT

The service is up. To go on:

  export KUBECONFIG=$KUBECONFIG PATH=$(dirname "$(command -v kubectl)"):\$PATH
  kubectl get rag demo -w
  kubectl edit rag demo            # a limit or a TTL reaches the servers without a restart
  kubectl port-forward svc/demo-server 8080:80 &
  KEY=\$(kubectl get secret demo-api-keys -o jsonpath='{.data.client}' | base64 -d | sed 's/.*"key" *: *"\([^"]*\)".*/\1/')
  curl -s localhost:8080/api/v1/ask -H "Authorization: Bearer \$KEY" -H 'Content-Type: application/json' \\
    -d '{"query":"What happens when Redis is lost?"}'

\`make demo\` again upgrades it after a change. \`make demo-down\` removes all of it.
TEXT
}

main() {
  local began
  began=$(now_ms)
  [ -z "${DOCS:-}" ] || [ -r "$DOCS" ] || die "DOCS=$DOCS cannot be read"
  step "a cluster" ensure_cluster
  step "images of operator, server, Redis and OpenSearch" provide_images
  step "the operator, with its chart" install_operator
  step "examples/demo.yaml" apply_service
  step "waiting for Ready" await_ready
  step "the program that loads and asks" build_visitor
  read -r URL FORWARD_PID < <(service_url) || die "the service has no address"
  step "documents and questions, at $URL" visit
  stop_forward
  step "what the service says of itself" show
  how_to_go_on
  say "the demo took $(seconds_since "$began")"
}

main "$@"
