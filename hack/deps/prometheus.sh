#!/usr/bin/env bash
# prometheus.sh prints the path of prometheus; builds it first where it is missing (minutes, once), without the pages that it shows to
# people, which are no part of its Go module.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"

# Tests name their targets: Prometheus need not know the dozen clouds that it could find some in, which take most of the build.
GOFLAGS="${GOFLAGS:-} -tags=remove_all_sd" tool prometheus
