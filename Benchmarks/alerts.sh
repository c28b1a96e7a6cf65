#!/usr/bin/env bash
# What a million alerts on 2 000 symbols cost beside a thousand, on the same ticks in alternating rounds: processor time a tick, time to load,
# memory of an alert, and 10 000 additions and removals a second between ticks.
# Usage: Benchmarks/alerts.sh [ALERTS] [SYMBOLS] [ROUNDS] [TICKS]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ -z "${ALERT_BENCHMARK:-}" ]; then
    swift build --package-path "$here" -c release --product alert-benchmark >&2
    ALERT_BENCHMARK=$(swift build --package-path "$here" -c release --show-bin-path)/alert-benchmark
fi
"$ALERT_BENCHMARK" "${1:-1000000}" "${2:-2000}" "${3:-7}" "${4:-500000}"
