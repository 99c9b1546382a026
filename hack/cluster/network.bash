# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# The pod network: a bridge that only this cluster uses, and the rules that Kubernetes and its network plugin make. What was there
# before is written down first, and put back by down.

# Folders that daemons make at fixed places, and settings of the kernel that they change.
FIXED_FOLDERS=(/usr/libexec/kubernetes /var/lib/kubelet /var/lib/cni /var/log/containers /run/containerd /run/netns)
SYSCTLS=(net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables vm.overcommit_memory vm.panic_on_oom
  kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes)

remember_machine() {
  local folder key value
  for folder in "${FIXED_FOLDERS[@]}"; do
    [ -e "$folder" ] || echo "$folder"
  done >"$STATE/before/absent-folders"
  for key in "${SYSCTLS[@]}"; do
    ! value=$(sysctl -n "$key" 2>/dev/null) || echo "$key=$value"
  done >"$STATE/before/sysctls"
  cgroup_roots >"$STATE/before/absent-cgroups"
  rule_tables >"$STATE/before/tables"
}

# rule_tables prints the kernel's tables of rules: iptables makes them when it is first used, and never takes one away.
rule_tables() { nft list tables 2>/dev/null | sort || true; }

# cgroup_roots prints where the kubelet will make its group of pods: once, or once for each controller of the old layout.
cgroup_roots() {
  local mount
  awk '$3 ~ /^cgroup2?$/ {print $2}' /proc/mounts | while read -r mount; do
    [ -e "$mount/kubepods" ] || echo "$mount/kubepods"
  done
}

make_network() {
  ip link add "$BRIDGE" type bridge
  ip addr add "$NODE_IP/16" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  sysctl -qw net.ipv4.ip_forward=1
  modprobe br_netfilter 2>/dev/null || true
  [ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=1
  iptables -w -A FORWARD -i "$BRIDGE" -j ACCEPT # a container engine beside us may have made the policy DROP
  iptables -w -A FORWARD -o "$BRIDGE" -j ACCEPT
  close_network
  cat >"$STATE/cni/10-bridge.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "$NAME", "plugins": [{
  "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "dataDir": "$STATE/cni-addresses", "routes": [{"dst": "0.0.0.0/0"}],
           "ranges": [[{"subnet": "$POD_CIDR", "rangeStart": "$FIRST_POD_IP", "gateway": "$NODE_IP"}]]}}]}
JSON
}

# close_network keeps what pods send on this machine. Until kube-proxy has programmed a Service, its address is nobody's, and a packet to
# it would leave by the default route: a client could connect to a stranger. DNAT comes before these rules, so only such packets match.
# The rules are inserted, to come before the ones above and those that kube-proxy appends; the comments let our_rules find them.
close_network() {
  local chain
  iptables -w -I FORWARD -i "$BRIDGE" ! -o "$BRIDGE" -j REJECT
  for chain in FORWARD OUTPUT; do
    iptables -w -I $chain -d "$SERVICE_CIDR" -m comment --comment "no Service of $BRIDGE has this address" -j REJECT
  done
}

# our_rules TABLE prints, from a saved table on stdin, commands that remove our rules and chains and no others: the chains of Kubernetes,
# those of the network plugin that belong to our network, and rules that name our bridge.
our_rules() {
  awk -v table="$1" -v bridge="$BRIDGE" -v network="$NAME" '
    { line[NR] = $0 }
    /^:KUBE-/ { ours[substr($1, 2)] = 1 }
    $0 ~ "name: ..?" network "..? " { for (i = 1; i < NF; i++) if ($i == "-j" && $(i + 1) ~ /^CNI-/) ours[$(i + 1)] = 1 }
    END {
      print "*" table
      for (n = 1; n <= NR; n++) {
        split(line[n], word, " ")
        if (word[1] != "-A" || word[2] in ours) continue
        mine = index(line[n], " " bridge " ") > 0
        for (i = 3; i in word; i++) if (word[i] == "-j" && word[i + 1] in ours) mine = 1
        if (mine) print "-D" substr(line[n], 3)
        for (i in word) delete word[i]
      }
      for (chain in ours) print "-F " chain
      for (chain in ours) print "-X " chain
      print "COMMIT"
    }'
}

remove_rules() {
  local version table
  for version in iptables ip6tables; do
    command -v $version-save >/dev/null || continue
    for table in nat filter mangle raw; do
      $version-save -t $table 2>/dev/null | our_rules $table | $version-restore -w --noflush 2>>"$1" || say "$version table $table: see $1"
    done
  done
}

# remove_tables removes tables that were not there before, unless somebody else has put something into them since.
remove_tables() {
  local table
  [ -f "$STATE/before/tables" ] || return 0
  comm -13 "$STATE/before/tables" <(rule_tables) | while read -r table; do
    # shellcheck disable=SC2086 # three words: "table ip nat"
    ! only_empty_chains "$table" || nft delete $table
  done
}

# only_empty_chains TABLE holds when no chain has a rule: all lines between braces tell of hooks and policies.
only_empty_chains() {
  # shellcheck disable=SC2086
  ! nft list $1 | grep -vE '^table |^[[:space:]]+chain |type .* hook |^[[:space:]]*}?$' | grep -q .
}

remove_bridge() {
  ! ip link show "$BRIDGE" >/dev/null 2>&1 || ip link delete "$BRIDGE"
}

restore_sysctls() {
  local setting
  [ -f "$STATE/before/sysctls" ] || return 0
  while read -r setting; do
    sysctl -qw "$setting" 2>/dev/null || true
  done <"$STATE/before/sysctls"
}
