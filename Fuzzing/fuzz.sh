#!/usr/bin/env bash
# Fuzzes the frame scanner, the compiled programs and the file loader with libFuzzer and the address sanitizer.
# Usage: Fuzzing/fuzz.sh [SECONDS]   default 600. A crash, a wrong result or an input that takes longer than 5 seconds leaves its
# input here and fails. Then only inputs that reach something new are kept in Fuzzing/Corpus, which `swift test` replays.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
# lld: gold, the default, cannot link the sanitizers' runtime.
build=(swift build -c release --product frame-fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld -Xlinker -lstdc++)
"${build[@]}"
fuzzer=$("${build[@]}" --show-bin-path)/frame-fuzzer
# The compiler's regular expressions leak a little; Swift's own crash reports and the sanitizer's get in each other's way.
export FEEDS_DIRECTORY=../Feeds ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/kept"
"$fuzzer" "$work/found" Corpus -dict=json.dict -max_len=8192 -timeout=5 -report_slow_units=1 -rss_limit_mb=4096 \
    -max_total_time="$seconds" -print_final_stats=1
"$fuzzer" -set_cover_merge=1 "$work/kept" Corpus "$work/found" 2>&1 | tail -2
rm -f Corpus/*
cp "$work"/kept/* Corpus/
printf 'Corpus: %s inputs, %s bytes\n' "$(find Corpus -type f | wc -l)" "$(cat Corpus/* | wc -c)"
