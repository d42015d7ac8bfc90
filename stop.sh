#!/usr/bin/env bash
# Stops and removes the node's container, whoever started it.
set -uo pipefail

# shellcheck source=scripts/compose.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/compose.sh" || exit 1

case "${1-}" in
  '') ;;
  -h | --help)
    cat <<'USAGE'
Usage: ./stop.sh

Stops and removes the node's container; ./logs and the volume with its state stay.

Exit code: 0 stopped, 2 bad arguments, 127 compose is not installed, otherwise that of compose.
USAGE
    exit 0
    ;;
  *) bad_usage "unknown argument $1" ;;
esac

find_compose
compose down
