#!/usr/bin/env bash
# Takes PostgreSQL away from a running service while a simulated exchange trades: do prices move on and alerts fire, how fast does
# the recorder catch up, is everything stored in the end?
#   scripts/outage.sh                            five minutes at 5 000 messages a second
#   scripts/outage.sh --seconds 60 --rate 2000
# Prints a table of what was checked; ends with 1 when something does not hold.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
release_program
PYTHONPATH=Tests/BlackBox python Tests/BlackBox/outage.py "$@"
