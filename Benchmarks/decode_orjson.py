"""Parses the same frames with orjson, the fastest JSON parser of Python: the peer of decode-benchmark.

usage: decode_orjson.py RECORDING.rec LINES [SECONDS]    LINES: a file with the line numbers of the tick frames
"""

import sys
import time

import orjson


def frames_per_second(frames, seconds):
    loads = orjson.loads
    decoded = 0
    start = time.perf_counter()
    while True:
        for _ in range(20):
            for frame in frames:
                loads(frame)
        decoded += 20 * len(frames)
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return int(decoded / elapsed)


def main():
    with open(sys.argv[2]) as lines:
        wanted = {int(line) for line in lines}
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    ticks, mixed = [], []
    with open(sys.argv[1], "rb") as recording:
        for number, line in enumerate(recording, 1):
            if not line[:1].isdigit():
                continue
            frame = line.rstrip(b"\n").split(b": ", 1)[1]
            mixed.append(frame)
            if number in wanted:
                ticks.append(frame)
    print("ticks", frames_per_second(ticks, seconds))
    print("mixed", frames_per_second(mixed, seconds))


main()
