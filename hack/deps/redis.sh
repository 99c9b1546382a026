#!/usr/bin/env bash
# redis.sh: prints the path of a redis-server, installing it first where it is missing and we are root.
#
# Debian's redis-tools carries the whole program under another name (redis-check-rdb; redis-server is a link to it), so
# the package that would start a system service on port 6379 is not needed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"
# shellcheck source=packages.sh
source "$root/hack/deps/packages.sh"

find_redis() {
  if [ -x "$CACHE/ready/redis-server" ]; then
    echo "$CACHE/ready/redis-server"
  else
    command -v redis-server
  fi
}

link_from_tools() {
  local program
  program=$(command -v redis-check-rdb) || return 1
  mkdir -p "$CACHE/ready"
  ln -sfn "$program" "$CACHE/ready/redis-server"
  # Elsewhere redis-check-rdb may be a program of its own: believe only what says that it is the server.
  "$CACHE/ready/redis-server" --version 2>/dev/null | grep -q '^Redis server' && return
  rm -f "$CACHE/ready/redis-server"
  return 1
}

if ! find_redis; then
  need_packages "redis-server" redis-tools
  link_from_tools || need_packages "redis-server" redis-server
  find_redis || die "redis-server is still missing after installing it"
fi
