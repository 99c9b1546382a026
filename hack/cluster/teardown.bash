# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# Takes away all that up made, in whatever state it is: each piece looks for itself what there is of it. Nothing is asked to end
# gracefully that is removed a moment later.

# kill_pods kills every process in the control groups of pods, then what containerd left to watch over them.
kill_pods() {
  local root procs pid
  [ -f "$STATE/before/absent-cgroups" ] || return 0
  while read -r root; do
    [ -d "$root" ] || continue
    while read -r procs; do
      while read -r pid; do kill -s KILL "$pid" 2>/dev/null || true; done <"$procs" 2>/dev/null || true
    done < <(find "$root" -name cgroup.procs)
  done <"$STATE/before/absent-cgroups"
  while read -r pid; do kill -s KILL "$pid" 2>/dev/null || true; done < <(our_shims)
}

# our_shims prints the processes that containerd starts for each pod: they outlive it, and carry our socket in their arguments.
our_shims() {
  local file arguments
  for file in /proc/[0-9]*/cmdline; do
    arguments=$(tr '\0' ' ' 2>/dev/null <"$file") || continue
    case $arguments in
    *containerd-shim*"$SOCKET"*) basename "$(dirname "$file")" ;;
    esac
  done
}

no_pods_left() {
  local root
  [ -z "$(our_shims)" ] || return 1
  [ -f "$STATE/before/absent-cgroups" ] || return 0
  while read -r root; do
    [ ! -d "$root" ] || [ -z "$(find "$root" -name cgroup.procs -exec cat {} + 2>/dev/null)" ] || return 1
  done <"$STATE/before/absent-cgroups"
}

remove_pods() {
  kill_pods
  await 15 "the end of the pods" no_pods_left || true
}

remove_mounts() {
  local point
  awk -v state="$STATE/" -v run="$RUN/" 'index($2, state) == 1 || index($2, run) == 1 {print $2}' /proc/mounts | sort -r |
    while read -r point; do umount -l "$(printf '%b' "$point")" 2>/dev/null || true; done
}

remove_cgroups() {
  local root
  [ -f "$STATE/before/absent-cgroups" ] || return 0
  while read -r root; do
    [ ! -d "$root" ] || find "$root" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done <"$STATE/before/absent-cgroups"
}

# remove_files also looks at the places that daemons do not let us choose: links to logs, sockets of shims, remembered results of the
# network plugin. A folder that was not there before goes whole.
remove_files() {
  local file folder
  find "$RUN/containerd" -path '*/io.containerd.runtime.v2.task/*/address' 2>/dev/null | while read -r file; do
    rm -f "$(sed 's#^unix://##' "$file")"
  done
  rm -f "/var/lib/cni/results/$NAME"-*
  [ ! -d /var/log/containers ] || find /var/log/containers -lname "$STATE/*" -delete
  if [ -f "$STATE/before/absent-folders" ]; then
    while read -r folder; do rm -rf --one-file-system "${folder:?}"; done <"$STATE/before/absent-folders"
  fi
  rm -rf --one-file-system "$STATE" "$RUN"
}
