#!/usr/bin/env bash
# Rows per second of the recorder against `psql \copy … with binary` of the same rows into the same table with the same
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
    recorder=$("$RECORD_BENCHMARK" "$here/../Migrations" "$rows")
    if [ "$round" = 0 ]; then
        # The first round warms up, and gives psql its rows, in the order in which the recorder got them.
        sql -c "\\copy (SELECT * FROM trades ORDER BY venue_sequence) TO '$work/rows' WITH binary"
    fi
    sql -c 'TRUNCATE trades' -c 'CHECKPOINT'
    milliseconds=$(sql -c '\timing on' -c "\\copy trades FROM '$work/rows' WITH binary" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1)
    psql=$(awk -v rows="$rows" -v time="$milliseconds" 'BEGIN { print int(rows / time * 1000) }')
    sql -c 'TRUNCATE trades' -c 'CHECKPOINT'
    if [ "$round" = 0 ]; then continue; fi
    echo "round $round: recorder $recorder rows/s, psql $psql rows/s"
    echo "$recorder" >>"$work/recorder"
    echo "$psql" >>"$work/psql"
done

recorder=$(median <"$work/recorder")
psql=$(median <"$work/psql")
echo "median of $rounds: recorder $recorder rows/s, psql \\copy $psql rows/s, ratio $(awk -v a="$recorder" -v b="$psql" 'BEGIN { printf "%.2f", a / b }')"
