#!/usr/bin/env bash
# promtool.sh: prints the path of promtool, which checks and tests rules of Prometheus; builds it first where it is missing (a minute or two, once).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"

# Without the service discovery of clouds, whose libraries are most of a build and have no part in rules.
export GOFLAGS="${GOFLAGS:-} -tags=remove_all_sd"
tool promtool
