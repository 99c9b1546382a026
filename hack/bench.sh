#!/usr/bin/env bash
# bench.sh prints, of one run, how fast the built ragserver answers beside a bare net/http handler that sends the same bytes: cached, not
# cached and refused requests, with what each allocates and logs; what the server adds to
# OpenSearch, Redis and a model, what the cache saves, and the memory of an idle server, with MINUTES=10 also of one under full load; then how fast limits are decided, beside redis-benchmark and envoyproxy/ratelimit, and questions answered,
# beside Portkey. The peers are built or installed once. Behind the server are a real OpenSearch (RAGSERVICE_TEST_OPENSEARCH, else one of
# its own) and real Redis; wrk makes the load. The documents are the Cranfield abstracts where RAGSERVICE_CRANFIELD or ../shared has
# them, else the pages of docs/.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib/steps.sh
source hack/lib/steps.sh
# shellcheck source=lib/cache.sh
source hack/lib/cache.sh
# shellcheck source=deps/packages.sh
source hack/deps/packages.sh

prepare() {
  local redis
  command -v wrk >/dev/null || need_packages "wrk" wrk
  redis=$(hack/deps/redis.sh)
  export PATH=${redis%/*}:$PATH
  command -v redis-benchmark >/dev/null || need_packages "redis-benchmark" redis-tools
  [ -n "${RAGSERVICE_TEST_OPENSEARCH:-}" ] || hack/deps/opensearch.sh prepare
}

build() {
  CGO_ENABLED=0 go build -ldflags '-s -w' -o bin/ ./cmd/ragserver
  go test -c -o bin/bench.test ./test/bench
}

peers() {
  ratelimit=$(dirname "$(tool ratelimit)")/service_cmd # its command has no better name
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    say "Portkey is left out: node and npm are missing"
    return
  fi
  portkey=$CACHE/tools/portkey-$(key_of tools/portkey/package-lock.json)
  cached "$portkey" install_portkey
  portkey=$portkey/node_modules/@portkey-ai/gateway/build/start-server.js
}

install_portkey() {
  cp tools/portkey/package*.json "$1"
  quietly "$CACHE/npm.log" npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
}

measure() {
  (cd test/bench && RAGSERVICE_BENCH=$root/bin/ragserver RAGSERVICE_BENCH_MINUTES=${MINUTES:-} RAGSERVICE_BENCH_RATELIMIT=$ratelimit \
    RAGSERVICE_BENCH_PORTKEY=$portkey RAGSERVICE_CRANFIELD=$cranfield "$root/bin/bench.test" -test.timeout 2h)
}

root=$PWD ratelimit='' portkey=''
cranfield=${RAGSERVICE_CRANFIELD:-$root/../shared/data/cranfield}
step "what the measurement needs" prepare
step "building" build
step "the peers, built or installed once" peers
step "measuring, about 7 minutes${MINUTES:+ and $MINUTES under load}" measure
