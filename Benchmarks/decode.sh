#!/usr/bin/env bash
# Frames a second of the feed decoder against Python's orjson.loads on the same frames, alternating in one run: the shapes of Coinbase,
# Binance and Bitfinex, and Coinbase's mixed stream, nine frames in ten of which are order book.
#
#   Benchmarks/decode.sh [ROUNDS] [SECONDS]
#
# Rounds are short and the ratio is the median of the rounds' own ratios, so that a busy machine disturbs both sides alike.
# Needs Python 3 with orjson (pip install orjson).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
rounds=${1:-25}
seconds=${2:-0.2}
python3 -c 'import orjson' 2>/dev/null || {
    echo "decode.sh: Python's orjson is missing: pip install orjson" >&2
    exit 69
}
swift build -c release --package-path "$here" --product decode-benchmark >&2
binary=$(swift build -c release --package-path "$here" --product decode-benchmark --show-bin-path)/decode-benchmark
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recordings=$root/../shared/recordings
[ -e "$recordings/COINBASE.rec" ] || recordings=$root/Tests/Fixtures/recordings
python3 "$here/bitfinex_frames.py" >"$work/bitfinex.rec"
cp "$recordings/COINBASE.rec" "$work/coinbase.rec"
cp "$recordings/BINANCE.rec" "$work/binance.rec"
for name in coinbase binance bitfinex; do
    "$binary" --list "$root/Feeds/$name.yaml" "$work/$name.rec" >"$work/$name.lines"
done
for round in $(seq "$rounds"); do
    for name in coinbase binance bitfinex; do
        "$binary" "$root/Feeds/$name.yaml" "$work/$name.rec" "$seconds" | sed "s/^/$round $name tickwire /" >>"$work/results"
        python3 "$here/decode_orjson.py" "$work/$name.rec" "$work/$name.lines" "$seconds" |
            sed "s/^/$round $name orjson /" >>"$work/results"
    done
done
python3 - "$work/results" <<'PY'
import statistics
import sys

values = {}
for line in open(sys.argv[1]):
    round_number, name, who, what, number = line.split()
    values.setdefault((name, what, who), []).append(int(number))
rounds = len(values["coinbase", "mixed", "orjson"])
print(f"{'frames':<16}{'tickwire/s':>14}{'orjson/s':>14}{'ratio':>8}   (best of {rounds} rounds; median of their ratios)")
for name, what in (("coinbase", "ticks"), ("binance", "ticks"), ("bitfinex", "ticks"), ("coinbase", "mixed")):
    ours, theirs = (values[name, what, who] for who in ("tickwire", "orjson"))
    ratio = statistics.median(left / right for left, right in zip(ours, theirs))
    print(f"{name + ' ' + what:<16}{max(ours):>14,}{max(theirs):>14,}{ratio:>8.2f}")
PY
