#!/usr/bin/env bash
# e2e.sh [FLAG...] tests the product on a real cluster: brings one up, builds and loads the images, installs the operator with its chart,
# runs test/e2e with FLAG... (such as -run Settings), and takes the cluster down, whatever happened.
#
#   KEEP=1            leaves the cluster up, for a look at it or for another run, which is quicker
#   DOCS=file.ndjson  documents to test with
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=lib/cache.sh
source "$root/hack/lib/cache.sh"
# shellcheck source=lib/product.bash
source "$root/hack/lib/product.bash"

TIMEOUT=${TIMEOUT:-30m} # of all tests together; they wait for OpenSearch several times, 20 s to 60 s each

finish() {
  local status=$?
  trap - EXIT
  [ $status -eq 0 ] || on_exit_of $status
  if [ "${KEEP:-}" = 1 ]; then
    say "the cluster stays up: export KUBECONFIG=${KUBECONFIG:-}; make demo-down removes it"
  else
    STEP_DEPTH=0
    step "taking the cluster down" "$CLUSTER" down
  fi
  exit $status
}

on_exit_of() { # says which step failed, as steps.sh does
  (exit "$1") || on_exit
}

explain_failure() { ! kubectl version >/dev/null 2>&1 || explain_operator; }

compile() { go test -tags e2e -c -o /dev/null ./test/e2e; }

run_tests() {
  AUDIT_LOG=$("$CLUSTER" audit-log) CLUSTER_BACKEND=$("$CLUSTER" backend) go test -tags e2e -count=1 -timeout "$TIMEOUT" -v "$@" ./test/e2e
}

main() {
  cd "$root"
  # First, because it needs nothing and fails soonest.
  step "compiling the tests" compile
  trap finish EXIT
  step "a cluster" ensure_cluster
  step "images of operator, server, Redis and OpenSearch" provide_images
  step "the operator, with its chart" install_operator
  step "end-to-end tests" run_tests "$@"
}

main "$@"
