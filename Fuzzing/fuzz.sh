#!/usr/bin/env bash
# Fuzzes with libFuzzer and the address sanitizer: `frame` the feeds' frame scanner, compiled programs and file loader, `websocket`
# the gateway's WebSocket frames and messages. Usage: Fuzzing/fuzz.sh [SECONDS [frame|websocket]]   default 600, both in turn.
# A crash, a wrong result or an input that takes longer than 5 seconds leaves its input here and fails. Then only inputs that reach
# something new are kept in the corpus, which `swift test` replays.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
# The compiler's regular expressions leak a little; Swift's own crash reports and the sanitizer's get in each other's way.
export FEEDS_DIRECTORY=../Feeds ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fuzz PRODUCT CORPUS
fuzz() {
    # lld: gold, the default, cannot link the sanitizers' runtime.
    local build=(swift build -c release --product "$1" -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld -Xlinker -lstdc++)
    "${build[@]}"
    local fuzzer
    fuzzer=$("${build[@]}" --show-bin-path)/$1
    mkdir "$work/$1.found" "$work/$1.kept"
    "$fuzzer" "$work/$1.found" "$2" -dict=json.dict -max_len=8192 -timeout=5 -report_slow_units=1 -rss_limit_mb=4096 \
        -max_total_time="$seconds" -print_final_stats=1
    "$fuzzer" -set_cover_merge=1 "$work/$1.kept" "$2" "$work/$1.found" 2>&1 | tail -2
    rm -f "$2"/*
    cp "$work/$1.kept"/* "$2/"
    printf '%s: %s inputs, %s bytes\n' "$2" "$(find "$2" -type f | wc -l)" "$(cat "$2"/* | wc -c)"
}

case ${2:-both} in
    frame) fuzz frame-fuzzer Corpus ;;
    websocket) fuzz websocket-fuzzer WebSocketCorpus ;;
    both) fuzz frame-fuzzer Corpus; fuzz websocket-fuzzer WebSocketCorpus ;;
    *) printf "No fuzzer '%s': frame or websocket\n" "$2" >&2; exit 64 ;;
esac
