# shellcheck shell=bash
# Debian packages for the scripts beside it. Needs ../lib/steps.sh and ../lib/cache.sh.

# need_packages WHAT PACKAGE... installs packages as root on Debian; elsewhere it says in one line what to install, and ends.
need_packages() {
  local what=$1
  shift
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    die "$what is missing; install it (on Debian: apt-get install $*) and run this again"
  fi
  mkdir -p "$CACHE"
  step "installing $*" once apt install_packages "$@"
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  local install=(apt-get install -y -qq --no-install-recommends "$@")
  # The lists of packages may be absent or out of date on a new machine; they are fetched only then.
  "${install[@]}" </dev/null >"$CACHE/apt.log" 2>&1 && return
  quietly "$CACHE/apt.log" apt-get update -qq
  quietly "$CACHE/apt.log" "${install[@]}"
}

# once NAME COMMAND... runs COMMAND while no other process does the same.
once() {
  local lock
  mkdir -p "$CACHE"
  exec {lock}>"$CACHE/$1.lock"
  shift
  flock "$lock"
  "$@"
  exec {lock}>&-
}
