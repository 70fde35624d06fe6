#!/usr/bin/env bash
# The provider of server.mjs, in the background.
#   run.sh install|start|stop     knobs: PORT=18181 (0: any free one) ACCESS_TTL=2 REFRESH_TTL=600 ROTATE=1|0
# Its settings go to idp.env here. With RUN_DIR set, all of an instance (settings, log, pid) lives in that
# directory instead, so several run side by side.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
if [ -n "${RUN_DIR:-}" ]; then
  mkdir -p "$RUN_DIR"; RUN=$(cd "$RUN_DIR" && pwd); ENV_FILE=$RUN/idp.env
else
  RUN=$HERE/run; ENV_FILE=$HERE/idp.env
fi
export ENV_FILE ACCESS_LOG=$RUN/access.jsonl
cd "$HERE"

install_() {
  # npm writes its own lock file last, so an older one means a half-finished or a superseded install
  [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
  # package-lock.json pins every version and its hash; no install scripts are needed
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
}

start_() {
  install_
  stop_
  mkdir -p "$RUN"
  rm -f "$ENV_FILE" "$ACCESS_LOG"
  node server.mjs >"$RUN/server.log" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$RUN/server.pid"
  for ((i = 0; i < 400; i++)); do
    grep -q '^ready ' "$RUN/server.log" && { echo "ready: $ENV_FILE"; return 0; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  cat "$RUN/server.log" >&2
  stop_
  exit 1
}

stop_() {
  [ -f "$RUN/server.pid" ] || return 0
  local pid
  pid=$(cat "$RUN/server.pid")
  rm -f "$RUN/server.pid"
  # The number may be another process's by now
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'server\.mjs' || return 0
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 60; i++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
  kill -9 "$pid" 2>/dev/null || true
}

case "${1:-start}" in
  install) install_ ;;
  start) start_ ;;
  stop) stop_ ;;
  *) echo "usage: run.sh install|start|stop" >&2; exit 2 ;;
esac
