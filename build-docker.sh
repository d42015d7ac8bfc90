#!/usr/bin/env bash
# Builds the image that start.sh runs.
set -uo pipefail

# shellcheck source=scripts/compose.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/compose.sh" || exit 1

case "${1-}" in
  -h | --help)
    cat <<'USAGE'
Usage: ./build-docker.sh [option of compose build ...]      e.g. --pull, --no-cache

Exit code: 0 built, 127 compose is not installed, otherwise that of compose.
USAGE
    exit 0
    ;;
esac

find_compose
compose build "$@"
