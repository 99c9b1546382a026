#!/usr/bin/env bash
# test.sh [PACKAGE...] runs the tests, all but those on a whole cluster, against real backends: it prepares what is missing (cached
# outside the tree), starts one OpenSearch for the run, and runs Go's tests (of PACKAGE alone where named) and those of the modules in hack/.
#
# RACE=1 runs every package under the race detector, RACE=0 none; without it those of the server and its harness are (they build fast under it;
# the operator's libraries do not).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib/steps.sh
source hack/lib/steps.sh
# shellcheck source=lib/cache.sh
source hack/lib/cache.sh

PARALLEL_PACKAGES=2 # the backends beside them want processors too
RACED=./runtime/...
UNRACED=./runtime/localstore # has tests of damaged files too, which the race detector cannot run

work=$(mktemp -d)
chmod 711 "$work" # OpenSearch runs as another user, in a folder of its own below
opensearch_pid=''

finish() {
  local status=$?
  if [ -n "$opensearch_pid" ]; then
    kill "$opensearch_pid" 2>/dev/null || true
    wait "$opensearch_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
  return $status
}
trap 'finish || on_exit' EXIT

prepare() {
  redis=$(hack/deps/redis.sh)
  hack/deps/opensearch.sh prepare
  hack/deps/collector.sh >/dev/null
  KUBEBUILDER_ASSETS=$(hack/deps/controlplane.sh)
  HELM=$(tool helm)
  PROMETHEUS=$(hack/deps/prometheus.sh)
  ALERTMANAGER=$(hack/deps/alertmanager.sh)
  hack/deps/promtool.sh >/dev/null
  export KUBEBUILDER_ASSETS HELM PROMETHEUS ALERTMANAGER PATH=${redis%/*}:$PATH
}

# OpenSearch starts while the tests compile.
start_opensearch() {
  local port
  port=$(free_port)
  hack/deps/opensearch.sh run "$work/opensearch" "$port" >"$work/opensearch.log" 2>&1 </dev/null &
  opensearch_pid=$!
  export RAGSERVICE_TEST_OPENSEARCH=http://127.0.0.1:$port
}

free_port() { # one that nobody listens on, below those that the kernel gives out
  local port
  for _ in {1..50}; do
    port=$((20000 + RANDOM % 10000))
    (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
      echo $port
      return
    }
  done
  die "no free port"
}

await_opensearch() {
  hack/deps/opensearch.sh wait "$RAGSERVICE_TEST_OPENSEARCH" "$opensearch_pid" || {
    tail -n 30 "$work/opensearch.log" >&2
    return 1
  }
}

go_test() { # FLAG... PACKAGES, with a test's own deadline well under that of a hanging run
  go test -count=1 -timeout 25m -p $PARALLEL_PACKAGES "$@"
}

# Without a C compiler there is no race detector; the machine of a reader may lack one.
can_race() { [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; }

split() { # sets raced and plain to the packages that run with and without the race detector
  local all mode=${RACE:-}
  mapfile -t all < <(go list "$@")
  raced=() plain=()
  can_race || mode=0
  case $mode in
  0) plain=("${all[@]}") ;;
  1) raced=("${all[@]}") ;;
  *)
    mapfile -t raced < <(go list $RACED | grep -xFf <(printf '%s\n' "${all[@]}"))
    mapfile -t plain < <(printf '%s\n' "${all[@]}" | grep -vxFf <(printf '%s\n' "${raced[@]}" '' | grep -vxFf <(go list $UNRACED)))
    ;;
  esac
}

compile() { # linking the tests is most of the work, so it is told apart from running them
  [ ${#plain[@]} -eq 0 ] || go_test -exec true "${plain[@]}" >/dev/null
  [ ${#raced[@]} -eq 0 ] || go_test -race -exec true "${raced[@]}" >/dev/null
}

other_modules() { # the programs in hack/ that are modules of their own, where they have tests
  local module
  git ls-files -co --exclude-standard 'hack/**/go.mod' | while read -r module; do
    module=$(dirname "$module")
    [ -z "$(find "$module" -name '*_test.go' -print -quit)" ] || (cd "$module" && go test -count=1 ./...)
  done
}

main() {
  local packages=("$@")
  [ ${#packages[@]} -gt 0 ] || packages=(./...)
  step "what the tests need" prepare
  start_opensearch
  split "${packages[@]}"
  step "compiling the tests of $((${#plain[@]} + ${#raced[@]})) packages" compile
  step "waiting for OpenSearch" await_opensearch
  [ ${#raced[@]} -eq 0 ] || step "tests with the race detector" go_test -race "${raced[@]}"
  [ ${#plain[@]} -eq 0 ] || step "tests" go_test "${plain[@]}"
  [ $# -gt 0 ] || step "tests of the modules in hack/" other_modules
}

main "$@"
