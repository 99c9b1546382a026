#!/bin/bash
# Starts OpenSearch as the official image does, as far as this product uses that: the command `opensearch`, options alone, or another
# command. DISABLE_SECURITY_PLUGIN and DISABLE_INSTALL_DEMO_CONFIG are accepted; there is no security plugin here to disable, nor a
# demonstration configuration to leave out.
set -e
umask 0002

# Memory limits are read from the container's own control group.
export OPENSEARCH_JAVA_OPTS="-Dopensearch.cgroups.hierarchy.override=/ $OPENSEARCH_JAVA_OPTS"

# See nofile.c.
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 65535 ] || export LD_PRELOAD=/usr/share/opensearch/nofile.so

if [ $# -eq 0 ] || [ "${1:0:1}" = - ]; then
  set -- opensearch "$@"
fi
if [ "$1" = opensearch ]; then
  shift
  set -- /usr/share/opensearch/bin/opensearch "$@"
fi
exec "$@"
