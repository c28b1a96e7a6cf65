#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own main, called by ours: https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library
///
/// The library comes with `-sanitize=fuzzer`, and no header of the toolchain declares it.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test_one_input)(const uint8_t *data, size_t size));
