#!/usr/bin/env bash
# Removes the demo with its cluster. What was built stays in the cache, so that the next demo starts at once.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=lib/cache.sh
source "$root/hack/lib/cache.sh"

step "removing the demo and its cluster" "$root/hack/cluster/cluster.sh" down
[ ! -d "$CACHE" ] || say "programs and images stay in $CACHE ($(du -sh "$CACHE" 2>/dev/null | cut -f1)); rm -r frees it"
