#!/usr/bin/env bash
# Kills the ingester and PostgreSQL again and again while a simulated exchange trades, and compares what was stored with what
# the exchange sent.
#   scripts/chaos.sh                             ten deaths of each kind at 20 000 messages a second
#   scripts/chaos.sh --rounds 3 --rate 2000 --seed 7
# Prints a table of what was checked; ends with 1 when something does not hold.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
release_program
PYTHONPATH=Tests/BlackBox python Tests/BlackBox/chaos.py "$@"
