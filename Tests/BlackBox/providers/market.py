"""What is traded on a mocked venue, and the ticks that must come out of Tickwire for it."""
import dataclasses
import itertools
import re
import time
from decimal import Decimal

from conftest import ROOT

MS = 1_000_000
SECOND = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Trade:
    """A trade as it must be stored. A `time` of None is the receive time's."""

    symbol: str
    price: str
    size: str | None
    side: str
    id: str | None
    time: int | None
    snapshot: bool = False


@dataclasses.dataclass(frozen=True)
class Quote:
    """Best offers as they must be stored."""

    symbol: str
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    last: str | None
    time: int | None
    snapshot: bool = False


class Market:
    """Makes trades and quotes whose prices hardly move, with ids that count up, at times of the venue's resolution."""

    def __init__(self, resolution=MS, first_id=7_000_001, price="100", name_id=str):
        self._name_id = name_id
        self._resolution = resolution
        self._ids = {}
        self._first_id = first_id
        self._price = Decimal(price)
        self._count = itertools.count(1)
        self._last_time = 0

    def now(self, age=0.0):
        """The time in nanoseconds, cut to the venue's resolution; never twice the same for what is not old."""
        instant = (time.time_ns() - int(age * SECOND)) // self._resolution * self._resolution
        if age == 0 and self._resolution < SECOND:
            instant = max(instant, self._last_time + self._resolution)
            self._last_time = instant
        return instant

    def next_id(self, symbol):
        self._ids[symbol] = self._ids.get(symbol, self._first_id - 1) + 1
        return self._ids[symbol]

    def trade(self, symbol, age=0.0, snapshot=False, **changes):
        number = next(self._count)
        values = {
            "symbol": symbol, "price": f"{self._price + Decimal(number % 40) / 1000:.3f}", "size": f"0.{1000 + number % 8999}",
            "side": "buy" if number % 3 else "sell", "id": self._name_id(self.next_id(symbol)), "time": self.now(age),
            "snapshot": snapshot,
        }
        return Trade(**{**values, **changes})

    def quote(self, symbol, snapshot=False, **changes):
        number = next(self._count)
        middle = self._price + Decimal(number % 40) / 1000
        values = {
            "symbol": symbol, "bid": f"{middle - Decimal('0.01'):f}", "ask": f"{middle + Decimal('0.01'):f}",
            "bid_size": f"{number % 50 + 1}.25", "ask_size": f"{number % 70 + 1}.125", "last": None, "time": self.now(),
            "snapshot": snapshot,
        }
        return Quote(**{**values, **changes})


def feed_file(name):
    """The text of a shipped feed file."""
    return (ROOT / "Feeds" / f"{name}.yaml").read_text()


def defaults(name):
    """The symbols that a feed file subscribes when nobody names any; its parent's where it has none."""
    text = feed_file(name)
    found = re.search(r"^defaults: \[(.*)\]", text, re.M)
    if found:
        return [symbol.strip() for symbol in found.group(1).split(",")]
    return defaults(re.search(r"^extends: (\S+)", text, re.M).group(1))


def iso(nanoseconds, digits=6, offset="Z"):
    """RFC 3339 in UTC with so many fractional digits."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // SECOND))
    fraction = f"{nanoseconds % SECOND:09d}"[:digits]
    return f"{whole}.{fraction}{offset}" if digits else whole + offset
