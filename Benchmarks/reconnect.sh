#!/usr/bin/env bash
# Kills a gateway with 10 000 clients and starts it again: when are all back, and how late is steady traffic meanwhile?
# Usage: Benchmarks/reconnect.sh [CLIENTS]; needs as many open files for each of two processes and Python 3.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cluster=
work=$(mktemp -d)
chmod 755 "$work"
. "$here/lib.sh"
trap finish EXIT
tickwire=$(release_tickwire)
TICKWIRE_DATA_DIR=$work/data python3 "$here/reconnect.py" "$tickwire" 7003 "${1:-10000}"
