#!/usr/bin/env bash
# A real OpenSearch for tests, without Docker.
#   opensearch.sh prepare         makes sure of the distribution and of a Java that can run it; both are kept in the cache
#   opensearch.sh run DIR PORT [SETTING=VALUE...]
#                                 runs one node on 127.0.0.1:PORT with configuration, data, snapshots and log under DIR, in the foreground;
#                                 it ends on SIGTERM and with the process that started it
#   opensearch.sh wait URL PID    returns when the node answers and can make an index; fails when PID has gone
#
# Java: 21 or newer with full locale data. RAGSERVICE_JAVA (a Java home) wins, then JAVA_HOME, /usr/lib/jvm and PATH. Where
# there is none (Debian 12 has only Java 17), Debian 13's runs inside a root folder of its own with bubblewrap, which needs
# root; RAGSERVICE_JAVA=rootfs asks for that way.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../lib/steps.sh
source "$root/hack/lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$root/hack/lib/cache.sh"
# shellcheck source=packages.sh
source "$root/hack/deps/packages.sh"
# Links to what was prepared last, so that `run` finds it without being able to make it.
dist=$CACHE/ready/opensearch
rootfs=$CACHE/ready/java-rootfs
# OpenSearch refuses to run as root. This user has no entry in /etc/passwd on purpose: it owns nothing but DIR.
run_as=64535
drop=()
[ "$(id -u)" -ne 0 ] || drop=("--reuid=$run_as" "--regid=$run_as" --clear-groups)

java_fits() { # HOME: newer than 20, and knows how words end in Thai, which stripped runtimes do not (index creation fails there)
  local java=(setpriv "${drop[@]}" "$1/bin/java") major modules
  [ -x "$1/bin/java" ] || return 1
  major=$("${java[@]}" -version 2>&1 | sed -nE '1s/.*version "([0-9]+).*/\1/p')
  [ "${major:-0}" -ge 21 ] || return 1
  modules=$("${java[@]}" --list-modules)
  [[ $modules = *jdk.localedata@* ]]
}

find_java() { # prints a Java home, or nothing
  local candidate
  if [ -n "${RAGSERVICE_JAVA:-}" ]; then
    [ "$RAGSERVICE_JAVA" = rootfs ] && return 0
    java_fits "$RAGSERVICE_JAVA" || die "RAGSERVICE_JAVA=$RAGSERVICE_JAVA is no Java 21 or newer with full locale data"
    echo "$RAGSERVICE_JAVA"
    return 0
  fi
  for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/* "$(dirname "$(dirname "$(readlink -f "$(command -v java || echo /none/bin/java)")")")"; do
    if java_fits "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
}

prepare_java() {
  local java made
  java=$(find_java)
  [ -z "$java" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    die "a Java 21 or newer with full locale data is missing: install one (on Debian 13: apt-get install openjdk-21-jre-headless) or set JAVA_HOME"
  fi
  command -v bwrap >/dev/null || need_packages bubblewrap bubblewrap
  made=$("$root/hack/images/rootfs.sh" java)
  link "$rootfs" "$made"
}

link() { # NAME TARGET: a relative link, because the cache may be moved as a whole
  mkdir -p "$(dirname "$1")"
  ln -sfn "$(realpath --relative-to="$(dirname "$1")" "$2")" "$1"
}

prepare() {
  local made
  command -v setpriv >/dev/null || need_packages setpriv util-linux
  command -v curl >/dev/null || need_packages curl curl ca-certificates
  made=$("$root/hack/images/opensearch-dist.sh")
  link "$dist" "$made"
  prepare_java
}

write_configuration() { # DIR PORT
  local dir=$1 port=$2
  mkdir -p "$dir"/{config/jvm.options.d,data,logs,tmp}
  cp "$dist"/config/{log4j2.properties,fips_java.security} "$dir/config/"
  cat >"$dir/config/opensearch.yml" <<C
cluster.name: ragservice-test
node.name: test
discovery.type: single-node
network.host: 127.0.0.1
http.port: $port
transport.port: 0
node.store.allow_mmap: false
# A developer's disk is often over 90 % full; the node would then refuse to write.
cluster.routing.allocation.disk.threshold_enabled: false
C
  # The distribution's own options, with a small heap and without its logs of garbage collection and heap dumps.
  {
    grep -vE '^-Xm|^-XX:.*(HeapDump|ErrorFile)|:-Xlog:gc' "$dist/config/jvm.options"
    printf -- '-Xms512m\n-Xmx512m\n-XX:ErrorFile=/dev/null\n'
  } >"$dir/config/jvm.options"
}

run() { # DIR PORT [SETTING=VALUE...]
  local dir port=$2 home java settings
  [ -x "$dist/bin/opensearch" ] || die "OpenSearch is missing: run \`make deps\` once"
  java=$(find_java)
  [ -n "$java" ] || [ -x "$rootfs/usr/bin/java" ] || die "a Java for OpenSearch is missing: run \`make deps\` once"
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  write_configuration "$dir" "$port"
  settings=("${@:3}")
  settings=("${settings[@]/#/-E}")
  # Nodes with settings of their own are those of one test, which starts several and asks them little: Java compiles in the quick way.
  [ $# -eq 2 ] || echo -XX:TieredStopAtLevel=1 >>"$dir/config/jvm.options"
  [ ${#drop[@]} -eq 0 ] || chown -R $run_as:$run_as "$dir"
  unset OPENSEARCH_JAVA_HOME OPENSEARCH_JAVA_OPTS JAVA_TOOL_OPTIONS _JAVA_OPTIONS CLASSPATH
  if [ -z "$java" ]; then
    exec bwrap --ro-bind "$rootfs" / --proc /proc --dev /dev --perms 1777 --tmpfs /tmp --tmpfs /srv \
      --ro-bind "$dist" /srv/opensearch --bind "$dir" /srv/node --unshare-pid --die-with-parent --clearenv \
      --setenv PATH /usr/bin:/bin --setenv JAVA_HOME /usr --setenv HOME /srv/node --chdir /srv/opensearch \
      --setenv OPENSEARCH_PATH_CONF /srv/node/config --setenv OPENSEARCH_TMPDIR /srv/node/tmp \
      setpriv "${drop[@]}" bin/opensearch -Epath.data=/srv/node/data -Epath.logs=/srv/node/logs -Epath.repo=/srv/node/snapshots "${settings[@]}"
  fi
  # The cache may lie where that user cannot look (/root): links to its files, beside the data, cost nothing.
  home=$dir/home
  rm -rf "$home"
  mkdir "$home"
  cp -al "$dist/." "$home/" 2>/dev/null || cp -a "$dist/." "$home/"
  cd "$home"
  export JAVA_HOME=$java HOME=$dir OPENSEARCH_PATH_CONF=$dir/config OPENSEARCH_TMPDIR=$dir/tmp
  exec setpriv --pdeathsig KILL "${drop[@]}" bin/opensearch -Epath.data="$dir/data" -Epath.logs="$dir/logs" -Epath.repo="$dir/snapshots" "${settings[@]}"
}

wait_ready() { # URL PID
  local url=$1 pid=$2 probe deadline=$((SECONDS + 300))
  probe=$url/ready-$$
  # An index whose analyser needs locale data: a node can be green and yet unable to make one.
  until curl -fsS -o /dev/null -X PUT "$probe" -H 'Content-Type: application/json' -d \
    '{"settings":{"number_of_replicas":0,"analysis":{"analyzer":{"words":{"tokenizer":"thai"}}}}}' 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || die "OpenSearch ended before it was ready"
    [ "$SECONDS" -lt "$deadline" ] || die "OpenSearch did not make an index within 300 s"
    sleep 0.3
  done
  curl -fsS -o /dev/null -X DELETE "$probe"
}

case "${1:-}" in
  prepare) prepare ;;
  run) run "${2:?DIR}" "${3:?PORT}" "${@:4}" ;;
  wait) wait_ready "${2:?URL}" "${3:?PID}" ;;
  *) die "usage: opensearch.sh prepare | run DIR PORT [SETTING=VALUE...] | wait URL PID" ;;
esac
