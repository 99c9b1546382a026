# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# Daemons: started apart from the terminal, remembered by process id and start time, since a process id alone may be somebody else's
# by the time it is used.

# started_at PID prints the start time of a process in ticks since boot: the 22nd field of its stat, the second of which may hold spaces.
started_at() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }" # from the third field on
  echo "${fields[19]}"
}

# start NAME COMMAND...
start() {
  local name=$1 pid
  shift
  setsid "$@" >"$STATE/log/$name.log" 2>&1 </dev/null &
  pid=$!
  echo "$pid $(started_at "$pid")" >"$STATE/pids/$name"
}

# running NAME prints the process id while the daemon runs.
running() {
  local pid since
  read -r pid since 2>/dev/null <"$STATE/pids/$1" || return 1
  [ "$(started_at "$pid")" = "$since" ] && echo "$pid"
}

# stop SIGNAL NAME... signals the daemons and waits for them; after 10 s they are killed.
stop() {
  local signal=$1 name pid tries
  shift
  for name in "$@"; do
    ! pid=$(running "$name") || kill -s "$signal" "$pid" 2>/dev/null || true
  done
  for name in "$@"; do
    for ((tries = 0; tries < 100; tries++)); do
      running "$name" >/dev/null || break
      sleep 0.1
    done
    ! pid=$(running "$name") || kill -s KILL "$pid" 2>/dev/null || true
  done
}
