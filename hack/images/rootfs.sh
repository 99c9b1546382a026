#!/usr/bin/env bash
# rootfs.sh java|redis [DEST] makes a small Debian root folder, as root: `java` with a Java that runs OpenSearch (21, with its locale
# data; Debian 12 itself stops at 17), `redis` with redis-server. Images are made of it, and tests run Java out of it with bubblewrap
# where the machine has none. Without DEST the folder is in the cache, made once; its path is printed.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/steps.sh
source "$here/../lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$here/../lib/cache.sh"

SUITE=trixie

# mirror prints the Debian mirror that apt uses here; nothing where there is none, then debootstrap takes its own.
mirror() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | awk '$1 == "Debian" {print $2; exit}'
}

require_debootstrap() {
  [ "$(id -u)" -eq 0 ] || die "making a root folder needs root"
  command -v debootstrap >/dev/null && return
  command -v apt-get >/dev/null || die "install debootstrap and the keys of Debian's archive, then run this again"
  mkdir -p "$CACHE"
  step "installing debootstrap" quietly "$CACHE/apt.log" apt-get install -y -qq debootstrap
}

# bootstrap ROOT PACKAGE... runs in a mount namespace of its own: what it mounts goes away with it, also when it is interrupted. Between
# unpacking and installing, the package manager is told not to wait for the disk, which may take longer than all the rest.
bootstrap() {
  local root=$1 packages
  shift
  packages=$(IFS=,; echo "$*")
  mkdir -p "$CACHE/debs"
  # shellcheck disable=SC2046 # no mirror, no argument
  quietly "$root.log" unshare --mount debootstrap --variant=minbase --foreign --cache-dir="$CACHE/debs" --include="$packages" \
    $SUITE "$root" $(mirror)
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
  quietly "$root.log" unshare --mount chroot "$root" /debootstrap/debootstrap --second-stage
  rm -f "$root.log" "$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
}

# strip removes what no container reads, and what debootstrap copied from this machine.
strip() {
  local root=$1
  rm -rf "$root"/usr/share/{doc,man,info,locale,lintian,bash-completion,pixmaps} "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* \
    "$root"/var/cache/{ldconfig,debconf}/* "$root"/var/log/* "${root:?}"/{dev,proc,sys,run,tmp}/* "$root"/debootstrap "$root"/etc/machine-id
  rm -f "$root"/etc/{hostname,resolv.conf} "$root"/etc/*- "$root"/var/lib/dpkg/*-old
}

java() {
  bootstrap "$1" openjdk-21-jre-headless
  ln -s "$(basename "$(echo "$1"/usr/lib/jvm/java-21-openjdk-*)")" "$1/usr/lib/jvm/java-21" # one name on every architecture
  echo 'opensearch:x:1000:1000::/usr/share/opensearch:/bin/bash' >>"$1/etc/passwd"
  echo 'opensearch:x:1000:' >>"$1/etc/group"
  strip "$1"
}

redis() {
  bootstrap "$1" redis-server
  chroot "$1" groupmod -g 999 redis
  chroot "$1" usermod -u 999 -g 999 -d /data redis
  rm -rf "$1"/etc/redis "$1"/var/lib/redis
  install -d -o 999 -g 999 -m 0755 "$1/data"
  strip "$1"
}

main() {
  local kind=${1:-} dest
  case $kind in java | redis) ;; *) die "usage: rootfs.sh java|redis [DEST]" ;; esac
  dest=$(realpath -m "${2:-$CACHE/rootfs/$kind-$SUITE-$(key_of "$(code_of "$here/rootfs.sh")" "$(uname -m)")}")
  if [ ! -e "$dest" ]; then
    require_debootstrap
    step "a root folder of Debian $SUITE with $kind" cached "$dest" "$kind"
  fi
  echo "$dest"
}

main "$@"
