#!/usr/bin/env bash
# collector.sh: prints the path of the OpenTelemetry Collector that the tests of traces send to, built once from tools/collector.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"

module=$root/tools/collector
dest=$CACHE/otel-collector-$(key_of "$(go_key)" "$module/go.mod" "$module/go.sum" "$module/main.go")
cached "$dest" build_tool "$module"
mkdir -p "$CACHE/ready"
ln -sfn "$dest/collector" "$CACHE/ready/otel-collector"
echo "$CACHE/ready/otel-collector"
