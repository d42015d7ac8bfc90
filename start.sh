#!/usr/bin/env bash
# Runs the node in Docker, in the foreground: the log goes to this terminal, Ctrl-C or SIGTERM stops and removes the
# container. A terminal that is merely lost (SIGHUP) does not: the node stays up, and ./stop.sh stops it.
set -uo pipefail

# shellcheck source=scripts/compose.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/compose.sh" || exit 1

usage() {
  cat <<'USAGE'
Usage: ./start.sh [port] [--build]

  port      TCP port of the node, 1 to 65535; without it BOOTSTRAP_PORT of the environment or of .env, else 4001
  --build   build the image first

Runs in the foreground; Ctrl-C or SIGTERM stops and removes the container.

Exit code: 0 stopped cleanly, 2 bad arguments, 127 compose is not installed, otherwise that of compose.
USAGE
}

# The container's user (USER in the Dockerfile).
readonly NODE_UID=1000
# After `down`, what `up` may take to notice that its container is gone.
readonly UP_NOTICES_S=10

build=false
port=''
for argument in "$@"; do
  case "$argument" in
    --build) build=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) bad_usage "unknown option $argument" ;;
    *)
      [ -z "$port" ] || bad_usage "one port, not two: $port and $argument"
      [[ "$argument" =~ ^[1-9][0-9]{0,4}$ && "$argument" -le 65535 ]] ||
        bad_usage "bad port \"$argument\": a whole number from 1 to 65535"
      port="$argument"
      ;;
  esac
done

find_compose
# compose prefers the environment to .env, so the argument wins over both
[ -z "$port" ] || export BOOTSTRAP_PORT="$port"
# compose would read keys from the terminal for its menu, which a process in the background may not do
export COMPOSE_MENU=false

# Docker creates a missing bind mount as root, where the node could write no LOG_FILE; so ./logs is made here, and what
# is in it (a container that ran as root left files there) must be writable for the node's user.
prepare_logs() {
  mkdir -p logs || return 1
  [ -n "$(find logs/. ! -user "$NODE_UID" ! -perm -0002 -print 2>&1)" ] || return 0
  if [ "$(id -u)" -eq 0 ]; then
    chown -R "$NODE_UID:$NODE_UID" logs/.
  else
    # sticky: the container's user may write, and other users of this machine cannot remove its files
    chmod 1777 logs 2>/dev/null
  fi
  [ -z "$(find logs/. ! -user "$NODE_UID" ! -perm -0002 -print 2>&1)" ]
}
prepare_logs ||
  say "the node cannot write all of $PWD/logs; LOG_FILE may need: sudo chown -R $NODE_UID:$NODE_UID $PWD/logs"

# Runs compose in a process group of its own: a Ctrl-C reaches this script alone, so that one party stops the container
# and not two at once; and this script waits, which a signal interrupts, as it does not a command in the foreground.
child=''
in_background() {
  set -m
  compose "$@" </dev/null &
  child=$!
  set +m
  wait "$child"
}

end_child() { kill "-$1" -- "-$child" 2>/dev/null; }

# The container is stopped by `down`, with `up` still attached to show what the node says on its way out.
stop_and_exit() {
  trap - INT TERM # a second signal ends this script at once
  compose down
  local status=$?
  for _ in $(seq "$UP_NOTICES_S"); do
    kill -0 "$child" 2>/dev/null || exit "$status"
    sleep 1
  done
  # the signal came before there was a container: `up` or `build` was still at work
  end_child INT
  wait "$child"
  compose down
  exit $?
}

trap stop_and_exit INT TERM
# whatever ends this script, compose is not left behind; it has no say over the container when killed this way
trap '[ -z "$child" ] || end_child KILL' EXIT

if "$build"; then
  in_background build || exit $?
fi
in_background up
