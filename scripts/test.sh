#!/usr/bin/env bash
# Installs what is missing, starts a PostgreSQL of its own, and runs all tests: format, unit, integration, black box.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
install_packages "${packages[@]}" nats-server
install_packages chromium || say "No Chromium: the page is tested over HTTP only."
require_swift
python_environment
scripts/check.sh
say "Building (warnings are errors)"
swift build --build-tests
trap stop_temporary_postgres EXIT
start_temporary_postgres
export TICKWIRE_TEST_DATABASE_URL="$postgres_url"
swift test --skip-build
# Most of them wait most of the time.
python -m pytest Tests/BlackBox -q -m "not load" --numprocesses 3 --dist loadfile
python -m pytest Tests/BlackBox -q -m load
