# shellcheck shell=bash
# Sourced by start.sh, stop.sh and build-docker.sh: finds compose, and moves to the project so that compose reads its
# docker-compose.yaml and .env wherever the script was called from. Written for bash 3.2, which macOS still has.

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1

say() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; }

# bad_usage <problem>: every script of the project answers a bad call the same way.
bad_usage() {
  say "$*"
  say 'try --help'
  exit 2
}

# Sets COMPOSE to the words of the command: the plugin where there is one, as the standalone binary is not maintained.
find_compose() {
  if docker compose version >/dev/null 2>&1; then
    COMPOSE=(docker compose)
  elif command -v docker-compose >/dev/null 2>&1; then
    COMPOSE=(docker-compose)
  else
    say 'neither "docker compose" nor "docker-compose" is installed: see https://docs.docker.com/compose/install/'
    exit 127
  fi
}

compose() { "${COMPOSE[@]}" "$@"; }
