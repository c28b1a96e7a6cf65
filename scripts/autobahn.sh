#!/usr/bin/env bash
# Runs the Autobahn WebSocket suite against the gateway and against its pipeline with an echo in the protocol's place.
# Usage: scripts/autobahn.sh   needs ../shared/tools/autobahn, PyPI at the first run and a PostgreSQL, of its own if none is named
# in TICKWIRE_TEST_DATABASE_URL. Fails when a case fails. PATIENCE=3 multiplies the suite's time limits on a slow machine.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
suite=${AUTOBAHN_SUITE:-../shared/tools/autobahn}/run.sh
[ -x "$suite" ] || { say "No Autobahn suite at $suite: nothing to do"; exit 0; }
require_swift
swift build --product tickwire >&2
swift build --product websocket-echo >&2
programs=$(swift build --show-bin-path)
work=$(mktemp -d)
started=()
finish() {
    local process
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    wait
    stop_temporary_postgres
    rm -rf "$work"
}
trap finish EXIT
[ -n "${TICKWIRE_TEST_DATABASE_URL:-}" ] || { start_temporary_postgres; TICKWIRE_TEST_DATABASE_URL=$postgres_url; }

"$programs/websocket-echo" 9101 &
started+=($!)
env DATABASE_URL="$TICKWIRE_TEST_DATABASE_URL" TICKWIRE_DATA_DIR="$work" TICKWIRE_APP_ID=1 TICKWIRE_APP_KEY=key \
    TICKWIRE_APP_SECRET=secret "$programs/tickwire" gateway --port 9102 >&2 &
started+=($!)
for port in 9101 9102; do
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        sleep 0.1
    done
done

status=0
run() { "$suite" --patience "${PATIENCE:-1}" "$@" || status=1; }
say "The echo server: everything, and a few cases of compression"
run ws://127.0.0.1:9101/app/echo
run ws://127.0.0.1:9101/app/echo 12.1.1 12.1.5 12.2.3 12.4.2 13.1.1 13.2.1 13.7.1
say "The gateway"
run --no-echo 'ws://127.0.0.1:9102/app/key?protocol=7'
exit "$status"
