"""Prints a recording of made-up frames in the forms that Bitfinex documents: trades and tickers of numbered channels, half and half.

usage: bitfinex_frames.py [COUNT]
"""

import json
import random
import sys

SYMBOLS = {"tBTCUSD": 64250.0, "tETHUSD": 2650.0, "tLTCUSD": 71.3, "tXRPUSD": 1.0412}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    chance = random.Random(1)
    now = 1_700_000_000_000

    def received(frame):
        print(f"{now / 1000:.6f}: {json.dumps(frame, separators=(',', ':'))}")

    received({"event": "info", "version": 2, "platform": {"status": 1}})
    channels = {}
    for number, symbol in enumerate(SYMBOLS):
        for kind in ("trades", "ticker"):
            identifier = 17470 + 2 * number + (kind == "ticker")
            channels[identifier] = (symbol, kind)
            received({"event": "subscribed", "channel": kind, "chanId": identifier, "symbol": symbol, "pair": symbol[1:]})
    for number in range(count):
        now += chance.randrange(1, 40)
        identifier = chance.choice(list(channels))
        symbol, kind = channels[identifier]
        price = float(f"{SYMBOLS[symbol] * chance.uniform(0.99, 1.01):.5g}")
        if kind == "trades":
            trade = [402088407 + number, now - 12, round(chance.uniform(-2, 2), 8), price]
            received([identifier, "te", trade, number + 1, now])
        else:
            sizes = [round(chance.uniform(1, 90), 8) for _ in range(2)]
            change = round(price * chance.uniform(-0.03, 0.03), 4)
            ticker = [
                price, sizes[0], price, sizes[1], change, round(change / price, 8), price, round(chance.uniform(100, 9000), 8),
                float(f"{price * 1.02:.5g}"), float(f"{price * 0.98:.5g}"),
            ]
            received([identifier, ticker, number + 1, now])


main()
