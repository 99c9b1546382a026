#!/usr/bin/env bash
# redis.sh: prints the path of a redis-server, installing it first where it is missing and we are root.
#
# Debian's redis-tools carries the whole program under another name (redis-check-rdb; redis-server is a link to it), so
# the package that would start a system service on port 6379 is not needed.
set -euo pipefail
# shellcheck source=cache.sh
. "$(dirname "$0")/cache.sh"

find_redis() {
  local linked
  linked=$(cache_dir)/bin/redis-server
  if [ -x "$linked" ]; then
    echo "$linked"
  else
    command -v redis-server
  fi
}

link_from_tools() {
  local program
  program=$(command -v redis-check-rdb) || return 1
  mkdir -p "$(cache_dir)/bin"
  ln -sfn "$program" "$(cache_dir)/bin/redis-server"
  # Elsewhere redis-check-rdb may be a program of its own: believe only what says that it is the server.
  "$(cache_dir)/bin/redis-server" --version 2>/dev/null | grep -q '^Redis server' && return
  rm -f "$(cache_dir)/bin/redis-server"
  return 1
}

if ! find_redis; then
  need_packages "redis-server" redis-tools
  link_from_tools || need_packages "redis-server" redis-server
  find_redis || die "redis-server is still missing after installing it"
fi
