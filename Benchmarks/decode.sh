#!/usr/bin/env bash
# Frames a second of the feed decoder against Python's orjson.loads on the same frames, alternating in one run.
#
#   Benchmarks/decode.sh [RECORDING.rec] [FEED.yaml] [ROUNDS] [SECONDS]
#
# Needs Python 3 with orjson (pip install orjson).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
recording=${1:-$root/../shared/recordings/COINBASE.rec}
[ -e "$recording" ] || recording=$root/Tests/Fixtures/recordings/COINBASE.rec
feed=${2:-$root/Feeds/coinbase.yaml}
rounds=${3:-5}
seconds=${4:-1}
python3 -c 'import orjson' 2>/dev/null || {
    echo "decode.sh: Python's orjson is missing: pip install orjson" >&2
    exit 69
}
swift build -c release --package-path "$here" --product decode-benchmark >&2
binary=$(swift build -c release --package-path "$here" --product decode-benchmark --show-bin-path)/decode-benchmark
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$binary" --list "$feed" "$recording" >"$work/lines"
for _ in $(seq "$rounds"); do
    "$binary" "$feed" "$recording" "$seconds" | sed 's/^/tickwire /' >>"$work/results"
    python3 "$here/decode_orjson.py" "$recording" "$work/lines" "$seconds" | sed 's/^/orjson /' >>"$work/results"
done
python3 - "$work/results" <<'PY'
import statistics
import sys

values = {}
for line in open(sys.argv[1]):
    who, what, number = line.split()
    values.setdefault((who, what), []).append(int(number))
print(f"{'frames':<8}{'tickwire/s':>14}{'orjson/s':>14}{'ratio':>8}   (medians of {len(values['orjson', 'mixed'])} rounds)")
for what in ("ticks", "mixed"):
    ours = statistics.median(values["tickwire", what])
    theirs = statistics.median(values["orjson", what])
    print(f"{what:<8}{ours:>14,.0f}{theirs:>14,.0f}{ours / theirs:>8.2f}")
PY
