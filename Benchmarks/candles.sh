#!/usr/bin/env bash
# Records trades, 1 % of them late and 0.1 % twice, with their candles, and compares every candle with what SQL computes from the
# trades. Uses the empty database of DATABASE_URL, or else a PostgreSQL of its own.
# Usage: Benchmarks/candles.sh [TRADES]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
trades=${1:-10000000}
work=$(mktemp -d)
chmod 755 "$work"
cluster=
. "$here/lib.sh"
CANDLE_BENCHMARK=${CANDLE_BENCHMARK:-$(build candle-benchmark)}

rate=$("$CANDLE_BENCHMARK" "$here/../Migrations" "$trades")
echo "$trades trades recorded with their candles at $rate trades/s: $(sql -c 'SELECT count(*) FROM trades') stored, $(sql -c 'SELECT count(*) FROM candles') candles"

sql -f "$here/candles.sql"
