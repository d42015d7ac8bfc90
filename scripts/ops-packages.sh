#!/usr/bin/env bash
# Installs what `npm run test:ops` and the checks of scripts need from Debian, for whoever is root: .ci/run, a container. Does nothing when all is there.
set -euo pipefail

# command=package; the command says whether the package is needed
wanted=(
  chromium=chromium
  promtool=prometheus
  shellcheck=shellcheck
  systemd-analyze=systemd
)

missing=()
for entry in "${wanted[@]}"; do
  command -v "${entry%%=*}" >/dev/null 2>&1 || missing+=("${entry#*=}")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

# a packaged service would take a port, and scrape: invoke-rc.d asks this before it starts one
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
