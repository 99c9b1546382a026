# shellcheck shell=bash
# The cache outside the tree: everything that takes long to make, keyed by what went into it. It holds no path of this machine, so it
# may be carried to another one of the same architecture. Needs steps.sh.

CACHE=${RAGSERVICE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ragservice}

# key_of STRING|FILE... prints twelve digits of the hash of all strings, and of the contents where a string names a file.
key_of() {
  local part
  for part in "$@"; do
    if [ -f "$part" ]; then sha256sum <"$part"; else printf '%s\n' "$part"; fi
  done | sha256sum | cut -c1-12
}

# code_of SCRIPT prints it without its comments, which change nothing.
code_of() { grep -v '^[[:space:]]*#' "$1"; }

# cached DEST COMMAND... runs COMMAND... PARTIAL, which fills the folder PARTIAL, and moves it to DEST when that succeeded; nothing is
# done where DEST exists. Two callers at once wait for each other; what an interrupted one left is removed.
cached() {
  local dest=$1 lock
  shift
  [ -e "$dest" ] && return
  mkdir -p "$(dirname "$dest")"
  exec {lock}>"$dest.lock"
  flock -n "$lock" || { say "waiting for another run that makes $(basename "$dest")"; flock "$lock"; }
  if [ ! -e "$dest" ]; then
    rm -rf "$dest.partial"
    mkdir "$dest.partial"
    "$@" "$dest.partial"
    mv -T "$dest.partial" "$dest"
  fi
  rm -f "$dest.lock"
  exec {lock}>&-
}

# go_key prints what every Go binary depends on besides its sources.
go_key() { go env GOVERSION GOOS GOARCH; }

# tool NAME prints the path of the program that the module tools/NAME pins as its tool, built once.
tool() {
  local name=$1 module dest
  module=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../tools/$name" && pwd) || die "there is no tools/$name"
  dest=$CACHE/tools/$name-$(key_of "$(go_key)" "$module/go.mod" "$module/go.sum")
  cached "$dest" build_tool "$module"
  echo "$dest/$name"
}

build_tool() { (cd "$1" && CGO_ENABLED=0 go build -ldflags '-s -w' -o "$2/" tool); }
