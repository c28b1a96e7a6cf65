#!/usr/bin/env bash
# Rows per second of the recorder with its journal, with and without keeping candles, against `psql \copy … with binary` of the same rows into the same table with the same
# indexes, in alternating rounds. Uses the database of DATABASE_URL, whose trades it empties, or else a PostgreSQL of its own.
# Usage: Benchmarks/record.sh [ROUNDS] [ROWS]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=${1:-5}
rows=${2:-300000}
work=$(mktemp -d)
chmod 755 "$work"
cluster=

. "$here/lib.sh"

RECORD_BENCHMARK=${RECORD_BENCHMARK:-$(build record-benchmark)}

for round in $(seq 0 "$rounds"); do
    with=$("$RECORD_BENCHMARK" "$here/../Migrations" "$rows")
    sql -c 'TRUNCATE trades' -c 'CHECKPOINT'
    without=$("$RECORD_BENCHMARK" "$here/../Migrations" "$rows" without-candles)
    if [ "$round" = 0 ]; then
        # The first round warms up, and gives psql its rows, in the order in which the recorder got them.
        sql -c "\\copy (SELECT * FROM trades ORDER BY venue_sequence) TO '$work/rows' WITH binary"
    fi
    sql -c 'TRUNCATE trades' -c 'CHECKPOINT'
    milliseconds=$(sql -c '\timing on' -c "\\copy trades FROM '$work/rows' WITH binary" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1)
    psql=$(awk -v rows="$rows" -v time="$milliseconds" 'BEGIN { print int(rows / time * 1000) }')
    sql -c 'TRUNCATE trades' -c 'CHECKPOINT'
    if [ "$round" = 0 ]; then continue; fi
    echo "round $round: recorder $without rows/s, with candles $with rows/s, psql $psql rows/s"
    echo "$with" >>"$work/with"
    echo "$without" >>"$work/without"
    echo "$psql" >>"$work/psql"
done

psql=$(median <"$work/psql")
report() { echo "$1: $2 rows/s, ratio $(awk -v a="$2" -v b="$psql" 'BEGIN { printf "%.2f", a / b }')"; }
echo "medians of $rounds rounds: psql \\copy $psql rows/s"
report "recorder with its journal" "$(median <"$work/without")"
report "recorder with its journal and candles" "$(median <"$work/with")"
