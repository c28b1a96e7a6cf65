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

unprivileged() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="${BENCHMARK_USER:-postgres}" --regid="${BENCHMARK_USER:-postgres}" --clear-groups "$@"
    else
        "$@"
    fi
}

finish() {
    if [ -n "$cluster" ]; then unprivileged "$bin/pg_ctl" -D "$cluster" -m immediate stop >/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

if [ -z "${DATABASE_URL:-}" ]; then
    bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
    cluster=$work/cluster
    mkdir "$cluster"
    if [ "$(id -u)" = 0 ]; then chown "${BENCHMARK_USER:-postgres}" "$cluster"; fi
    unprivileged "$bin/initdb" -D "$cluster" -U benchmark -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    unprivileged "$bin/pg_ctl" -D "$cluster" -w -l "$cluster/log" \
        -o "-c listen_addresses='' -c unix_socket_directories=$cluster -c shared_buffers=512MB -c max_wal_size=4GB" start >/dev/null
    export DATABASE_URL="postgresql:///postgres?host=$cluster&user=benchmark"
fi

if [ -z "${RECORD_BENCHMARK:-}" ]; then
    swift build --package-path "$here" -c release --product record-benchmark >&2
    RECORD_BENCHMARK=$(swift build --package-path "$here" -c release --show-bin-path)/record-benchmark
fi

sql() { psql -X -q -v ON_ERROR_STOP=1 -At "$DATABASE_URL" "$@"; }
median() { sort -n | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : int((value[NR / 2] + value[NR / 2 + 1]) / 2) }'; }

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
