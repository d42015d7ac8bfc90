#!/usr/bin/env bash
# Restarts or upgrades the node of docker-compose.yaml so that no client meets a closed port. Docker cannot keep a port
# while a container is replaced; but a client whose first packet is lost sends it again after 1 s, and one that is
# refused may never come back. So new connections are dropped for the second that the restart takes. Needs root.
set -uo pipefail

# shellcheck source=scripts/compose.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/compose.sh" || exit 1

usage() {
  cat <<'USAGE'
Usage: deploy/restart-docker.sh [--build]

  --build   upgrade: build the image first, while the old container serves

Exit code: 0 the new container serves, 1 it does not, 2 bad arguments, 127 compose or iptables is not installed,
otherwise that of compose.
USAGE
}

readonly SERVICE=bootstrap-node
# Go clients give up a dial after 5 s on private addresses.
readonly MOST_TRIES=80
readonly TRY_EVERY_S=0.05
readonly MOST_CHECKS=10
readonly CHECK_EVERY_S=1

case "${1-}" in
  '' | --build) ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) bad_usage "unknown argument $1" ;;
esac

find_compose
command -v iptables >/dev/null 2>&1 || {
  say 'iptables is not installed'
  exit 127
}
port=$(compose config | sed -n 's/^[- ]*published: "\{0,1\}\([0-9]\{1,5\}\)"\{0,1\}$/\1/p' | head -n 1)
[ -n "$port" ] || {
  say 'docker-compose.yaml publishes no port'
  exit 1
}
container=$(compose ps -q "$SERVICE")
[ -n "$container" ] || {
  say 'the node does not run: start it with ./start.sh or compose up'
  exit 1
}
# the new container has the name of the old one
name=$(docker inspect --format '{{.Name}}' "$container")
if [ "${1-}" = --build ]; then compose build || exit $?; fi

replace() {
  if [ "$1" = --build ]; then compose up -d --no-build "$SERVICE"; else docker restart --time 20 "$name" >/dev/null; fi
}

accepts() {
  local address
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$name")
  (: <"/dev/tcp/$address/$port") 2>/dev/null
}

# before the address translation of Docker, so for the old container, none, and the new one alike
rule=(PREROUTING -p tcp --syn --dport "$port" -j DROP)
dropping=()
let_through() {
  local tables
  for tables in "${dropping[@]}"; do "$tables" -w -t raw -D "${rule[@]}"; done
  dropping=()
}
trap let_through EXIT
trap 'exit 130' INT TERM
iptables -w -t raw -I "${rule[@]}" || exit 1
dropping+=(iptables)
# a machine without IPv6 has no such table
ip6tables -w -t raw -I "${rule[@]}" 2>/dev/null && dropping+=(ip6tables)

replace "${1-}" || exit $?
for _ in $(seq "$MOST_TRIES"); do
  accepts && break
  sleep "$TRY_EVERY_S"
done
let_through
# the port is the first that a node opens: whether it serves is another question
for _ in $(seq "$MOST_CHECKS"); do
  docker exec "$name" node dist/main.js check >/dev/null 2>&1 && exit 0
  sleep "$CHECK_EVERY_S"
done
say "the new container does not serve: see \"${COMPOSE[*]} logs $SERVICE\""
exit 1
