#!/usr/bin/env bash
# Lets a faulty simulated exchange work on the service for a while and compares what was stored with what the exchange sent.
#   scripts/soak.sh                              10 minutes, 2000 messages a second, every fault
#   scripts/soak.sh --minutes 60 --rate 5000
#   scripts/soak.sh --faults "drop 5%, disconnect every 10s"
# Prints a table of what was checked; ends with 1 when something does not hold.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
release_program
trap stop_temporary_postgres EXIT
start_temporary_postgres
export TICKWIRE_TEST_DATABASE_URL="$postgres_url"
PYTHONPATH=Tests/BlackBox python Tests/BlackBox/soak.py "$@"
