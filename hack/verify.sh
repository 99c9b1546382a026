#!/usr/bin/env bash
# verify.sh checks all that can be checked without running the product: generated files are what the sources say, formatting, vet,
# linters, modules, chart, kustomize, scripts. It fails on a dirty tree, so it also tells what was not committed.
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

main() {
  command -v jq >/dev/null || need_packages jq jq
  step "generated files" hack/generate.sh
  step "gofmt" formatting
  step "go mod tidy, in every module" in_modules go mod tidy -diff
  step "docs/dependencies.md" dependencies
  step "go vet" vet
  step "golangci-lint with kube-api-linter" lint
  step "helm lint and template" chart
  step "kubectl kustomize" kustomization
  step "shellcheck" scripts
  step "a clean tree" clean_tree
}

main "$@"
