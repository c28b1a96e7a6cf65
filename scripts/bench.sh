#!/usr/bin/env bash
# Measures the performance table of the README, each figure as a ratio within one run. Takes some minutes; keep the machine idle.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
install_packages "${packages[@]}"
require_swift
python_environment
swift build -c release --package-path Benchmarks >&2
trap stop_temporary_postgres EXIT
start_temporary_postgres
export TICKWIRE_TEST_DATABASE_URL="$postgres_url"
Benchmarks/decode.sh
Benchmarks/record.sh
