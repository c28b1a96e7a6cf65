#!/usr/bin/env bash
# Measures the performance table of the README, each figure as a ratio within one run. Takes some minutes; keep the machine idle.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
install_packages "${packages[@]}"
require_swift
python_environment
Benchmarks/decode.sh
Benchmarks/record.sh
