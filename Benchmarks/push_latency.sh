#!/usr/bin/env bash
# How long from a crossing to the request on the wire: `tickwire up` on a feed that lets RATE alerts fire a second, and APNs on real HTTP/2.
# Prints p50 and p99 of the service's own histogram (firing to first request) and of the mock's clock (trade at the exchange to request at APNs).
# Usage: Benchmarks/push_latency.sh [RATE] [SECONDS]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
cluster=
. "$here/lib.sh"
TICKWIRE_PROGRAM=$(release_tickwire) TICKWIRE_TEST_DATABASE_URL=$DATABASE_URL \
    "${PYTHON:-$here/../.venv/bin/python}" "$here/push_latency.py" --rate "${1:-1000}" --seconds "${2:-20}"
