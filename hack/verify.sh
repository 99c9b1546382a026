#!/usr/bin/env bash
# verify.sh [CHECK] checks all that can be checked without running the product: generated files are what the sources say, formatting, vet,
# linters, modules, chart, kustomize, scripts. It fails on a dirty tree, so it also tells what was not committed.
# With CHECK, one of the names at the end of this file, it does that one.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib/steps.sh
source hack/lib/steps.sh
# shellcheck source=lib/cache.sh
source hack/lib/cache.sh
# shellcheck source=deps/packages.sh
source hack/deps/packages.sh

CHART=charts/ragservice-operator
export GOLANGCI_LINT_CACHE=$CACHE/golangci-lint

files() { git ls-files -co --exclude-standard --deduplicate -- "$@"; } # also those that were not added yet

modules() { files '*go.mod' | xargs -n 1 dirname; }

generated() { hack/generate.sh; }

formatting() {
  local unformatted
  unformatted=$(files '*.go' | xargs gofmt -l)
  [ -z "$unformatted" ] || die "not formatted (gofmt -w): ${unformatted//$'\n'/ }"
}

# in_modules COMMAND... runs COMMAND in each module of the repository, and tells which failed.
in_modules() {
  local module failed=()
  while read -r module; do
    (cd "$module" && "$@") || failed+=("$module")
  done < <(modules)
  [ ${#failed[@]} -eq 0 ] || die "$* failed in: ${failed[*]}"
}

tidy() { in_modules go mod tidy -diff; }

vet() { go vet -tags e2e ./...; }

lint() {
  local lint module
  lint=$(tool lint)
  "$lint" run --allow-serial-runners ./...
  # The modules beside the product follow the same rules; tools/ hold programs of others.
  while read -r module; do
    [ -z "$(find "$module" -maxdepth 1 -name '*.go' -print -quit)" ] || (cd "$module" && "$lint" run --allow-serial-runners --config "$OLDPWD/.golangci.yml" ./...)
  done < <(modules | grep -vx .)
}

# Each dependency that go.mod names as direct has its line in docs/dependencies.md, and each line its dependency.
dependencies() {
  local direct documented
  direct=$(go mod edit -json | jq -r '.Require[] | select(.Indirect | not) | .Path' | sort)
  # shellcheck disable=SC2016 # the backquotes are Markdown's
  documented=$(sed -n '/^## The product/,/^## /s/^| `\([^`]*\)` .*/\1/p' docs/dependencies.md | sort)
  diff <(echo "$direct") <(echo "$documented") >&2 ||
    die "docs/dependencies.md and the direct dependencies of go.mod differ (< go.mod, > documented)"
}

# Each path that CONTRIBUTING.md names is there; one without a folder is in that of the path before it.
map() {
  local path folder=. missing=0
  # shellcheck disable=SC2016 # the backquotes are Markdown's
  while read -r path; do
    if [[ $path == */* ]]; then
      folder=${path%/*}
    else
      path=$folder/$path
    fi
    compgen -G "$path" >/dev/null || {
      say "CONTRIBUTING.md names $path, which does not exist"
      missing=1
    }
  done < <(grep -oE '`[A-Za-z0-9_./*-]+`' CONTRIBUTING.md | tr -d '`' | grep -E '/|[a-z]\.(go|md|yml|yaml|sh)$' | grep -v '^~')
  [ $missing -eq 0 ] || die "CONTRIBUTING.md: the map is wrong"
}

chart() {
  local helm
  helm=$(tool helm)
  "$helm" lint --strict --quiet $CHART >&2
  "$helm" template release $CHART --namespace somewhere >/dev/null
}

kustomization() {
  local kubectl
  kubectl=$(hack/deps/controlplane.sh)/kubectl
  "$kubectl" kustomize config/default >/dev/null
}

# The chart and the manifests of config/ start the same images, by names with a registry: a node may refuse short ones.
image_names() {
  local helm kubectl chart config
  helm=$(tool helm)
  kubectl=$(hack/deps/controlplane.sh)/kubectl
  chart=$("$helm" template release $CHART | images)
  config=$("$kubectl" kustomize config/default | images)
  diff <(echo "$chart") <(echo "$config") >&2 || die "chart and config/default name different images (< chart, > config)"
  ! grep -vE '^[^/]+\.[^/]+/.+:.+' <<<"$chart" >&2 || die "these image names lack a registry or a tag"
}

# A package that the Dockerfile does not copy is missed by those who build with Docker alone.
copied() {
  diff <(sed -nE 's/^COPY ([a-z]+)\/ .*/\1/p' Dockerfile | sort) \
    <(go list -deps ./cmd/manager ./cmd/ragserver | sed -nE "s#^$(go list -m)/([^/]+).*#\1#p" | sort -u)
}

images() { sed -nE 's/^ *(- )?(image: |--[a-z]+-image=)"?([^"]*)"?$/\3/p' | sort; }

scripts() {
  command -v shellcheck >/dev/null || {
    [ "${CI:-}" = true ] || {
      say "shellcheck is not installed: skipped"
      return
    }
    need_packages shellcheck shellcheck
  }
  {
    files '*.sh' '*.bash'
    echo .ci/run
  } | xargs shellcheck
}

clean_tree() {
  local changed
  changed=$(git status --porcelain)
  [ -z "$changed" ] || die "the tree is dirty: commit, or undo what generating changed:"$'\n'"$changed"
}

CHECKS=(
  "generated:what is generated is written anew"
  "formatting:gofmt"
  "tidy:go mod tidy, in every module"
  "dependencies:docs/dependencies.md"
  "map:paths of CONTRIBUTING.md"
  "vet:go vet"
  "lint:golangci-lint with kube-api-linter"
  "chart:helm lint and template"
  "kustomization:kubectl kustomize"
  "image_names:images of the chart and of config/"
  "copied:folders that the Dockerfile copies"
  "scripts:shellcheck"
  "clean_tree:a clean tree"
)

# Each check runs as a process of its own, so that all of them are heard: bash goes on after a failure inside a condition.
all() {
  local check failed=()
  for check in "${CHECKS[@]}"; do
    hack/verify.sh "${check%%:*}" || failed+=("${check%%:*}")
  done
  [ ${#failed[@]} -eq 0 ] || die "failed: ${failed[*]} (hack/verify.sh NAME runs one)"
}

main() {
  local check
  command -v jq >/dev/null || need_packages jq jq
  [ $# -gt 0 ] || {
    all
    return
  }
  for check in "${CHECKS[@]}"; do
    [ "${check%%:*}" != "$1" ] || {
      step "${check#*:}" "$1"
      return
    }
  done
  die "there is no check $1"
}

main "$@"
