#!/usr/bin/env bash
# Installs what is missing, builds, and runs everything in one process: feeds, PostgreSQL, gateway. Ctrl-C stops it.
#   ./scripts/run.sh                 live feeds, the simulated market when none connects
#   ./scripts/run.sh --demo          the simulated market
#   ./scripts/run.sh --port 7000     any option of `tickwire up`
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
install_packages "${packages[@]}"
require_swift
say "Building (the first time takes some minutes)"
swift build -c release --product tickwire >&2
exec .build/release/tickwire up "$@"
