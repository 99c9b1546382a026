#!/usr/bin/env bash
# alertmanager.sh prints the path of alertmanager; builds it first where it is missing (minutes, once), without the pages that it shows to
# people, which are no part of its Go module.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"

ALERTMANAGER=github.com/prometheus/alertmanager

# Alertmanager embeds its pages, and does not build without any: a copy of it has an empty one.
build_alertmanager() {
  local module
  module=$(cd "$root/tools/alertmanager" && go mod download "$ALERTMANAGER" && go list -m -f '{{.Dir}}' "$ALERTMANAGER")
  cp -r "$module" "$1/source"
  chmod -R u+w "$1/source"
  mkdir -p "$1/source/ui/app/dist/elm"
  : >"$1/source/ui/app/dist/elm/index.html"
  (cd "$1/source" && CGO_ENABLED=0 go build -ldflags '-s -w' -o "$1/" ./cmd/alertmanager)
  rm -rf "$1/source"
}

dest=$CACHE/tools/alertmanager-$(key_of "$(go_key)" "$root/tools/alertmanager/go.sum" "$(code_of "${BASH_SOURCE[0]}")")
cached "$dest" build_alertmanager
echo "$dest/alertmanager"
