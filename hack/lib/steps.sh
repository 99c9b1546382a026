# shellcheck shell=bash
# Steps with their times, for the scripts in hack/. Source it; everything it prints goes to stderr, so that stdout stays free for
# results (a path, an answer). A script that fails names the step it was in, how long that took, and calls explain_failure if the
# script defines one.

shopt -s inherit_errexit # a failing line fails $(...) too

STEP_DEPTH=${STEP_DEPTH:-0} # scripts call scripts: an inner one indents
STEP_NOW='' STEP_SINCE=0 QUIET_LOG='' QUIET_TELLER=''

say() { printf '%*s%s\n' $((STEP_DEPTH * 4)) '' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# now_ms prints milliseconds; EPOCHREALTIME has six digits after a separator that depends on the locale.
now_ms() {
  local now=${EPOCHREALTIME/[.,]/}
  echo $((now / 1000))
}

# seconds_since MS prints "3.4 s".
seconds_since() {
  local ms=$(($(now_ms) - $1))
  printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# step WHAT COMMAND... says what it does, does it, and says how long it took. Not to be called in a condition: bash would go on
# after a failing line inside COMMAND.
step() {
  local what=$1 outer=$STEP_NOW outer_since=$STEP_SINCE since
  shift
  since=$(now_ms)
  STEP_NOW=$what STEP_SINCE=$since
  say "==> $what"
  STEP_DEPTH=$((STEP_DEPTH + 1))
  export STEP_DEPTH
  "$@"
  STEP_DEPTH=$((STEP_DEPTH - 1))
  say "    $(seconds_since "$since")  $what"
  STEP_NOW=$outer STEP_SINCE=$outer_since
}

# quietly LOG COMMAND... keeps the output in LOG and tells every 20 s how far it is (the last line). When COMMAND fails, the script ends,
# as with any other command, and on_exit prints the end of LOG. COMMAND runs in the foreground, so that Ctrl-C ends it too.
quietly() {
  local log=$1 status
  shift
  : >"$log"
  tell_progress "$log" &
  QUIET_TELLER=$! QUIET_LOG=$log
  disown # bash would tell of its end
  "$@" >"$log" 2>&1
  status=$?
  QUIET_LOG=''
  end_teller
  return $status
}

tell_progress() {
  local log=$1 since next=20000
  since=$(now_ms)
  while sleep 0.5 && kill -0 $$ 2>/dev/null; do
    if (($(now_ms) - since > next)); then
      say "... $(seconds_since "$since")  $(tail -n 1 "$log" | tr -cd '[:print:]' | cut -c1-80)"
      next=$((next + 20000))
    fi
  done
}

end_teller() {
  [ -n "$QUIET_TELLER" ] || return 0
  kill "$QUIET_TELLER" 2>/dev/null || true
  QUIET_TELLER=''
}

# await SECONDS WHAT COMMAND... tries COMMAND four times a second until it succeeds; status 99 says that it never will.
await() {
  local limit=$1 what=$2 since status
  shift 2
  since=$(now_ms)
  while :; do
    status=0
    "$@" >/dev/null 2>&1 || status=$?
    [ "$status" -ne 0 ] || return 0
    if [ "$status" -eq 99 ] || (($(now_ms) - since > limit * 1000)); then
      say "gave up on $what after $(seconds_since "$since")"
      return 1
    fi
    sleep 0.25
  done
}

on_exit() {
  local status=$?
  end_teller
  [ "$status" -eq 0 ] && return
  STEP_DEPTH=0
  if [ -n "$QUIET_LOG" ]; then
    say "status $status; the end of $QUIET_LOG:"
    tail -n 30 "$QUIET_LOG" | sed 's/^/    | /' >&2
  fi
  [ -z "$STEP_NOW" ] || say "FAILED after $(seconds_since "$STEP_SINCE"): $STEP_NOW"
  if declare -F explain_failure >/dev/null; then explain_failure || true; fi
}
trap on_exit EXIT
