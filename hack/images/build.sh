#!/usr/bin/env bash
# build.sh [operator] [server] [redis] [opensearch] writes these images (all without arguments) as archives into the cache, without a
# container engine, and prints a line "NAME TAG ARCHIVE" for each. TAG ends in the content's hash; the archive holds :dev as well.
# The two Go images need Go alone; the other two need root on Debian.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$here/../lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$here/../lib/cache.sh"
# shellcheck source=../lib/version.bash
source "$here/../lib/version.bash"
# shellcheck source=../deps/packages.sh
source "$here/../deps/packages.sh"

OUT=$CACHE/images
REGISTRY=docker.io/ragservice # of the names; nothing is sent there
DEBIAN_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

go_build() { # module, program, package; -v for the log to grow
  (cd "$1" && CGO_ENABLED=0 go build -v -trimpath -buildvcs=false -ldflags "$(link_flags)" -o "$2" "$3")
}

build_writer() {
  quietly "$OUT/writer.log" go_build "$here" "$OUT/writer.partial" .
  mv "$OUT/writer.partial" "$OUT/writer"
}

# write NAME KEY FLAG... writes the image, unless the archive there was made of the same inputs, which is what KEY says.
write() {
  local name=$1 key=$2 tag
  shift 2
  if [ -f "$OUT/$name.tar" ] && [ "$(cat "$OUT/$name.key" 2>/dev/null)" = "$key" ]; then
    say "unchanged"
    return
  fi
  rm -f "$OUT/$name.key"
  tag=$("$OUT/writer" -out "$OUT/$name.tar" -tag "$REGISTRY/$name:dev" \
    -label "org.opencontainers.image.title=ragservice-$name" -label "org.opencontainers.image.version=$(product_version)" "$@")
  echo "$tag" >"$OUT/$name.tag"
  echo "$key" >"$OUT/$name.key"
}

# go_image NAME COMMAND PATH: a static binary and the roots of public certificate authorities, nothing else.
go_image() {
  local binary=$OUT/$1.bin
  quietly "$OUT/$1.log" go_build "$root" "$binary" "$2"
  write "$1" "$(key_of "$binary" "$OUT/writer")" -file "$binary=$3:0755" -ca-bundle /etc/ssl/certs/ca-certificates.crt \
    -user 65532:65532 -workdir / -entrypoint "$3" -port 8080 -port 8081
  rm -f "$binary"
}

# The sandbox of every pod; the cluster without Docker asks for it.
build_pause() {
  local binary=$OUT/pause.bin
  quietly "$OUT/pause.log" go_build "$root/hack/cluster/pause" "$binary" .
  write pause "$(key_of "$binary" "$OUT/writer")" -file "$binary=/pause:0755" -user 65535:65535 -entrypoint /pause
  rm -f "$binary"
}

build_operator() { go_image operator ./cmd/manager /manager; }
build_server() { go_image server ./cmd/ragserver /ragserver; }

build_redis() {
  local rootfs
  rootfs=$("$here/rootfs.sh" redis)
  write redis "$(key_of "$(basename "$rootfs")" "$OUT/writer" "$(code_of "$here/build.sh")")" -dir "$rootfs=/" \
    -user 999:999 -workdir /data -env "PATH=$DEBIAN_PATH" -cmd redis-server -port 6379
}

build_opensearch() {
  local rootfs dist home=/usr/share/opensearch extra=$here/opensearch nofile=$OUT/nofile.so
  command -v cc >/dev/null || need_packages "a C compiler" gcc libc6-dev
  cc -O2 -shared -fPIC -o "$nofile" "$extra/nofile.c"
  rootfs=$("$here/rootfs.sh" java)
  dist=$("$here/opensearch-dist.sh")
  write opensearch "$(key_of "$(basename "$rootfs")" "$(basename "$dist")" "$extra"/* "$OUT/writer" "$(code_of "$here/build.sh")")" \
    -dir "$rootfs=/" -dir "$dist=$home:1000:1000" \
    -mkdir $home/data:0755:1000:1000 -mkdir $home/logs:0755:1000:1000 \
    -file "$extra/opensearch.yml=$home/config/opensearch.yml:0660:1000:1000" \
    -file "$extra/log4j2.properties=$home/config/log4j2.properties:0660:1000:1000" \
    -file "$extra/opensearch-docker-entrypoint.sh=$home/opensearch-docker-entrypoint.sh:0755:1000:1000" \
    -file "$nofile=$home/nofile.so:0755:1000:1000" \
    -user 1000:1000 -workdir $home -env "PATH=$home/bin:$DEBIAN_PATH" -env JAVA_HOME=/usr/lib/jvm/java-21 \
    -env OPENSEARCH_JAVA_HOME=/usr/lib/jvm/java-21 -env LANG=C.UTF-8 \
    -entrypoint ./opensearch-docker-entrypoint.sh -cmd opensearch -port 9200 -port 9300
}

main() {
  local name names=("$@") lock
  [ ${#names[@]} -gt 0 ] || names=(operator server redis opensearch)
  for name in "${names[@]}"; do
    declare -F "build_$name" >/dev/null || die "there is no image $name; there are operator, server, redis and opensearch"
  done
  mkdir -p "$OUT"
  exec {lock}>"$OUT/lock"
  flock "$lock"
  step "the program that writes images" build_writer
  for name in "${names[@]}"; do
    step "image $REGISTRY/$name" "build_$name"
    echo "$name $(cat "$OUT/$name.tag") $OUT/$name.tar"
  done
}

main "$@"
