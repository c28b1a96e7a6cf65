#!/usr/bin/env bash
# Fuzzes the frame scanner, the compiled programs and the file loader with libFuzzer and the address sanitizer.
# Usage: Fuzzing/fuzz.sh [SECONDS]   default 600; new inputs join Fuzzing/Corpus, a crash leaves its input and fails.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
swift build -c release --product frame-fuzzer -Xswiftc -sanitize=fuzzer,address -Xlinker -lstdc++
fuzzer=$(swift build -c release --show-bin-path -Xswiftc -sanitize=fuzzer,address)/frame-fuzzer
export FEEDS_DIRECTORY=../Feeds ASAN_OPTIONS=detect_leaks=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$fuzzer" "$work" Corpus -dict=json.dict -max_len=4096 -timeout=5 -rss_limit_mb=4096 -max_total_time="$seconds" -print_final_stats=1
# Only inputs that reach something new are kept.
mkdir "$work/merged"
"$fuzzer" -merge=1 "$work/merged" Corpus "$work" 2>/dev/null
rm -f Corpus/*
cp "$work"/merged/* Corpus/
printf 'Corpus: %s inputs, %s\n' "$(ls Corpus | wc -l)" "$(du -sh Corpus | cut -f1)"
