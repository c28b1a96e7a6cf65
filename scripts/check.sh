#!/usr/bin/env bash
# Checks the format of every Swift file; fix with: swift format format -i --recursive Package.swift Sources Tests Benchmarks/Sources
set -euo pipefail
cd "$(dirname "$0")/.."
swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources \
    Fuzzing/Package.swift Fuzzing/Sources
