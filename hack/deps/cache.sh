# shellcheck shell=bash
# Sourced by the scripts beside it: where prepared things are kept, and how missing Debian packages come in.
# Everything that takes long to make lives in one folder outside the tree, so that a fresh clone starts warm.

cache_dir() { # the folder that survives clones; test/backends computes the same one in Go
  local base=${XDG_CACHE_HOME:-${HOME:?set HOME, XDG_CACHE_HOME or RAGSERVICE_CACHE: there is no place for the cache}/.cache}
  echo "${RAGSERVICE_CACHE:-$base/ragservice}"
}

say() { echo "$*" >&2; }

die() {
  say "$*"
  exit 1
}

need_packages() { # WHAT PACKAGE...: installs Debian packages as root, else tells in one line what to install
  local what=$1
  shift
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    die "$what is missing: install it (on Debian: apt-get install $*)"
  fi
  say "installing $* with apt-get"
  export DEBIAN_FRONTEND=noninteractive
  # Package lists may be absent or out of date on a new machine; refreshing them is needed only then.
  apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null 2>&1 && return
  apt-get update -qq </dev/null >&2 || die "apt-get update failed; $what needs the packages: $*"
  apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2 || die "apt-get could not install: $*"
}

once() { # NAME COMMAND...: runs COMMAND while no other process prepares NAME
  local name=$1 fd
  shift
  mkdir -p "$(cache_dir)/locks"
  exec {fd}>"$(cache_dir)/locks/$name"
  flock "$fd"
  "$@" {fd}>&-
  exec {fd}>&-
}
