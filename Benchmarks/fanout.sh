#!/usr/bin/env bash
# Deliveries per second of the server's CPU: `tickwire gateway` against a bare epoll broadcaster without any protocol, in alternating
# rounds, each server on one core and the meter on the other. The meter and the broadcaster are C++ programs that are not part of this
# repository: FANOUT_TOOLS names the folder with their build.sh.
# Usage: Benchmarks/fanout.sh [ROUNDS [SECONDS]]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=${1:-5}
seconds=${2:-4}
tools=${FANOUT_TOOLS:-$here/../../shared/tools/fanout}
[ -x "$tools/build.sh" ] || { echo "No meter at $tools: set FANOUT_TOOLS" >&2; exit 0; }
work=$(mktemp -d)
chmod 755 "$work"
cluster=
. "$here/lib.sh"
OUT=$work "$tools/build.sh"
tickwire=$(release_tickwire)

stop() {
    kill "$limit" "$gateway" 2>/dev/null || true
    wait "$limit" "$gateway" 2>/dev/null || true
    finish
}
taskset -c 0 "$work/limit" 7001 >/dev/null &
limit=$!
TICKWIRE_DATA_DIR=$work/data TICKWIRE_APP_ID=app TICKWIRE_APP_KEY=key TICKWIRE_APP_SECRET=secret TICKWIRE_LOG_LEVEL=warning \
    taskset -c 0 "$tickwire" gateway --port 7002 >"$work/gateway.log" 2>&1 &
gateway=$!
trap stop EXIT
until curl -fs http://127.0.0.1:7002/readyz >/dev/null; do
    kill -0 "$gateway" 2>/dev/null || { cat "$work/gateway.log" >&2; exit 1; }
    sleep 0.2
done

meter() { taskset -c 1 "$work/fanout" --seconds "$seconds" "$@"; }
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
measure() {
    local name=$1
    shift
    rm -f "$work"/limit.* "$work"/tickwire.*
    for _ in $(seq "$rounds"); do
        meter --port 7001 --proto plain --pid "$limit" "$@" >"$work/line"
        field deliveries_per_cpu_s <"$work/line" >>"$work/limit.cpu"
        field p50 <"$work/line" >>"$work/limit.p50"
        meter --port 7002 --app-id app --key key --secret secret --pid "$gateway" "$@" >"$work/line"
        field deliveries_per_cpu_s <"$work/line" >>"$work/tickwire.cpu"
        field p50 <"$work/line" >>"$work/tickwire.p50"
    done
    awk -v name="$name" -v ours="$(median <"$work/tickwire.cpu")" -v theirs="$(median <"$work/limit.cpu")" \
        -v ours50="$(median <"$work/tickwire.p50")" -v theirs50="$(median <"$work/limit.p50")" \
        'BEGIN { printf "%s: tickwire %d, limit %d deliveries per CPU second, ratio %.2f; p50 %d and %d us\n", name, ours, theirs, ours / theirs, ours50, theirs50 }'
}
measure "A one channel, 1000 subscribers" --subs 1000 --channels 1 --inflight 4
measure "B 100 channels of 10 subscribers" --subs 1000 --channels 100 --inflight 64
measure "C one channel, 100 messages a second" --subs 1000 --channels 1 --rate 100
measure "D 100 channels, each subscriber on 5" --subs 1000 --channels 100 --per-sub 5 --inflight 64
measure "E 20 channels, each subscriber on 10" --subs 1000 --channels 20 --per-sub 10 --inflight 16
