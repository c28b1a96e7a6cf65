#!/usr/bin/env bash
# What history costs with 100 million stored trades: a day of one symbol's 1m candles and an hour of its ticks, `tickwire history` beside
# psql reading the same rows, in alternating rounds; each call starts a process. Uses the database of DATABASE_URL when it holds the trades
# already, or else a PostgreSQL of its own, which it fills first: ten minutes and 20 GB.
# Usage: Benchmarks/history.sh [ROUNDS] [TRADES]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=${1:-9}
trades=${2:-100000000}
days=5
symbols=20
symbol=S7-USD
first_day=2026-03-02
work=$(mktemp -d)
chmod 755 "$work"
cluster=
. "$here/lib.sh"
tickwire=$(release_tickwire)

day() { date -u -d "$first_day + $1 days" +%F; }

fill() {
    # Only reading is measured.
    if [ -n "$cluster" ]; then sql -c 'ALTER SYSTEM SET fsync = off' -c 'SELECT pg_reload_conf()' >/dev/null; fi
    sql -c "INSERT INTO venues (name) VALUES ('simulated')" \
        -c "INSERT INTO symbols (name, asset) SELECT 'S' || n || '-USD', 'crypto' FROM generate_series(1, $symbols) AS n" \
        -c "SELECT tickwire_create_days('$(day 0)', '$(day $((days - 1)))')" >/dev/null
    local number
    for number in $(seq 0 $((days - 1))); do
        # Trades of all symbols in turn, evenly over the day.
        sql -c "COPY (
            SELECT at, at + interval '40 ms', n::bigint, n % $symbols + 1, 1::smallint, 0::smallint, CASE n % 3 WHEN 0 THEN 's' ELSE 'b' END::\"char\",
                round((1000 + 50 * sin(n / 1e5) + random())::numeric, 2), round((0.001 + random())::numeric, 4), ($number::bigint * $trades + n)::text
            FROM (SELECT n, timestamptz '$(day "$number") 00:00:00+00' + n * (interval '1 day' / ($trades / $days)) AS at
                  FROM generate_series(0, $trades / $days - 1) AS n) AS days
            ) TO STDOUT WITH binary" | sql -c "COPY trades FROM STDIN WITH binary"
        echo "$(((number + 1) * (trades / days))) trades" >&2
    done
    sql -c 'ANALYZE'
}

milliseconds() {
    local start end
    start=$(date +%s%N)
    "$@" >"$work/output"
    end=$(date +%s%N)
    awk -v ns=$((end - start)) 'BEGIN { printf "%.1f\n", ns / 1e6 }'
}

# Compares two commands that print the same rows; each has its turn in each round.
compare() {
    local name=$1 ours=$2 theirs=$3
    rm -f "$work/ours" "$work/theirs"
    for round in $(seq 0 "$rounds"); do
        milliseconds "$ours" >"$work/ours.last"
        local count
        count=$(wc -l <"$work/output")
        milliseconds "$theirs" >"$work/theirs.last"
        if [ "$count" != "$(wc -l <"$work/output")" ]; then
            echo "$name: tickwire printed $count lines, psql $(wc -l <"$work/output")" >&2
            exit 1
        fi
        # The first round warms up.
        if [ "$round" = 0 ]; then continue; fi
        cat "$work/ours.last" >>"$work/ours"
        cat "$work/theirs.last" >>"$work/theirs"
    done
    awk -v name="$name" -v count=$((count - 1)) -v ours="$(median <"$work/ours")" -v theirs="$(median <"$work/theirs")" \
        'BEGIN { printf "%s: %d rows, tickwire %.1f ms, psql %.1f ms, ratio %.2f\n", name, count, ours, theirs, ours / theirs }'
}

history_of() { "$tickwire" history "$symbol" --venue simulated --format csv --since "$(day 2)" "$@" 2>/dev/null; }
our_candles() { history_of --until "$(day 3)" --interval 1m; }
their_candles() {
    psql -X -q --csv "$DATABASE_URL" -c "SELECT symbols.name, venues.name, start, open, high, low, close, volume, turnover / volume, trade_count
        FROM candles JOIN symbols ON symbols.id = symbol_id JOIN venues ON venues.id = venue_id
        WHERE symbols.name = '$symbol' AND venues.name = 'simulated' AND interval_seconds = 60 AND start >= '$(day 2) 00:00Z' AND start < '$(day 3) 00:00Z'
        ORDER BY start"
}
our_ticks() { history_of --until "$(day 2)T01:00:00Z" --interval tick --kind trades; }
their_ticks() {
    psql -X -q --csv "$DATABASE_URL" -c "SELECT 'trade', symbols.name, venues.name, price, size, side, trade_id, event_time, received_time, flags
        FROM trades JOIN symbols ON symbols.id = symbol_id JOIN venues ON venues.id = venue_id
        WHERE symbols.name = '$symbol' AND venues.name = 'simulated' AND event_time >= '$(day 2) 00:00Z' AND event_time < '$(day 2) 01:00Z'
        ORDER BY event_time"
}

# What the server's log says a call's statements took, without planning what is planned once.
server_time() {
    local mark
    mark=$(wc -l <"$cluster/log")
    PGOPTIONS='-c log_min_duration_statement=0' "$@" >/dev/null
    tail -n "+$((mark + 1))" "$cluster/log" | sed -n 's/.*duration: \([0-9.]*\) ms  \(execute\|statement\).*/\1/p' | awk '{ sum += $1 } END { printf "%.1f", sum }'
}

"$tickwire" migrate up >/dev/null
if [ "$(sql -c "SELECT count(*) FROM symbols WHERE name = '$symbol'")" = 0 ]; then fill; fi
if [ "$(sql -c 'SELECT count(*) FROM (SELECT FROM candles LIMIT 1) AS c')" = 0 ]; then
    time "$tickwire" candles rebuild
    sql -c 'VACUUM ANALYZE candles'
fi
echo "about $(sql -c "SELECT sum(reltuples)::bigint FROM pg_class WHERE relname LIKE 'trades\_2%' AND relkind = 'r'") trades stored"
compare "a day of 1m candles" our_candles their_candles
compare "an hour of ticks" our_ticks their_ticks
if [ -n "$cluster" ]; then
    for _ in 1 2 3; do server_time our_candles >/dev/null; done
    echo "in the server, all statements of the call for a day of candles: $(server_time our_candles) ms"
fi
