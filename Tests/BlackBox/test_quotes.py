"""Market channels at the subscriber's rate: variants, changes, overview, candles, and what a slow client gets."""
import asyncio
import contextlib
import datetime
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from websockets.sync.client import connect

from conftest import APP, PROGRAM, Service, environment, free_port, new_database, sign, tickwire, wait_until
from exchanges import PriceExchange, fed_gateway

# Needs the machine for itself: it measures times, or sends thousands of ticks a second.
pytestmark = pytest.mark.load

# A debug build takes 5 000 ticks a second on an idle machine only.
RATE = 5000 if "release" in PROGRAM else 1000
KEY, SECRET, APP_ID = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], APP["TICKWIRE_APP_ID"]


def _connect(url, **options):
    return connect(url, compression=None, **options)


class Client:
    """A connection on a thread of its own that keeps every event with its time of arrival."""

    def __init__(self, port, *channels, query=""):
        self.events = []
        self.socket = _connect(f"ws://127.0.0.1:{port}/app/{KEY}?protocol=7{query}", max_size=None, max_queue=None)
        self.id = json.loads(json.loads(self.socket.recv(5))["data"])["socket_id"]
        for channel in channels:
            self.subscribe(channel)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def subscribe(self, channel):
        self.socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}))

    def _read(self):
        try:
            for message in self.socket:
                self.events.append((time.monotonic(), message))
        except Exception:  # closed by the test, whichever way the library says so
            pass

    def close(self):
        self.socket.close()
        self.thread.join(10)

    def of(self, channel, *names):
        """`(time, event, data)` of a channel's events."""
        found = []
        for at, message in list(self.events):
            event = json.loads(message)
            if event.get("channel") == channel and not event["event"].startswith("pusher"):
                if not names or event["event"] in names:
                    found.append((at, event["event"], json.loads(event["data"])))
        return found

    def errors(self):
        return [json.loads(m)["data"]["message"] for _, m in list(self.events) if json.loads(m)["event"] == "pusher:error"]


def signed(path):
    """The path of a signed GET request, as the HTTP API wants it."""
    query = f"auth_key={KEY}&auth_timestamp={int(time.time())}&auth_version=1.0"
    text = f"GET\n{path}\n{query}"
    return f"{path}?{query}&auth_signature={sign(text)}"


def without(tick, *keys):
    return {key: value for key, value in tick.items() if key not in keys}


def assert_adds_up(events):
    """Every frame of prices stands for the ticks since the one before it."""
    # On a busy machine the feed may look stale for a moment, which is told in between.
    events = [event for event in events if event[1] in ("snapshot", "tick")]
    known = events[0][2]["sequence"]
    for _, name, tick in events[1:]:
        assert tick["sequence"] - tick.get("merged", 1) == known, (known, name, tick)
        known = tick["sequence"]


class Exchange(PriceExchange):
    """Counts each symbol's trades by themselves, so that the service sees no gap."""

    def __init__(self, port):
        super().__init__(port)
        self._sequences = {}

    def trade(self, symbol, price, size="1"):
        self._sequences[symbol] = sequence = self._sequences.get(symbol, 0) + 1
        now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
        self.send(json.dumps({"type": "trade", "symbol": symbol, "price": str(price), "size": size, "side": "buy",
                              "id": f"{symbol}-{sequence}", "seq": sequence, "time": now}))


class Flood(PriceExchange):
    """Sends trades of one symbol at a steady rate while it is told to."""

    def __init__(self, port, rate):
        super().__init__(port)
        self.rate = rate
        self.is_running = False

    @contextlib.contextmanager
    def running(self):
        self.is_running = True
        pending = asyncio.run_coroutine_threadsafe(self._flood(), self._loop)
        try:
            yield
        finally:
            self.is_running = False
            pending.result(20)

    async def _flood(self):
        began, sent = time.monotonic(), 0
        while self.is_running:
            await asyncio.sleep(0.01)
            now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
            # What could not be sent for a while is not caught up in one burst.
            owed = min(int((time.monotonic() - began) * self.rate) - sent, self.rate // 10)
            sent += owed
            for _ in range(owed):
                self._id += 1
                price = 60000 + self._id * 7919 % 1000 / 100
                frame = {"type": "trade", "symbol": "BTC-USD", "price": f"{price:.2f}", "size": f"0.{self._id % 5 + 1}",
                         "side": "buy", "id": str(self._id), "seq": self._id, "time": now}
                for client in list(self._clients):
                    await client.send(json.dumps(frame))


@contextlib.contextmanager
def running(exchange, symbols, database, folder):
    """A service fed by an exchange that the tests play."""
    port = free_port()
    env = environment(TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=database, **APP)
    with exchange:
        service = Service(["up", "--port", port, "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", symbols],
                          env, port, folder / "up.log")
        try:
            service.wait_ready()
            wait_until(exchange.subscribed, what="the feed's subscription")
            for symbol in symbols.split(","):
                exchange.trade(symbol, "100")
            wait_until(lambda: all(symbol in service.get("/v1/symbols") for symbol in symbols.split(",")), what="the symbols")
            yield service, exchange
        finally:
            service.stop()


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A service whose feed has very many trades of one symbol."""
    with new_database() as database, running(Flood(free_port(), RATE), "BTC-USD", database, tmp_path_factory.mktemp("busy")) as both:
        yield both


@pytest.fixture(scope="module")
def market(module_database, tmp_path_factory):
    """A service with three symbols."""
    with running(Exchange(free_port()), "BTC-USD,ETH-USD,SOL-USD", module_database, tmp_path_factory.mktemp("market")) as both:
        yield both


def test_variants_of_a_busy_ticker(busy):
    service, exchange = busy
    full = Client(service.port, "ticker-BTC-USD")
    variants = [f"ticker-BTC-USD;{variant}" for variant in ("1s", "250ms", "delta", "500ms;delta")]
    others = [Client(service.port, variant) for variant in variants]
    wait_until(lambda: all(client.of(variant) for client, variant in zip(others, variants)), what="the snapshots")
    with exchange.running():
        wait_until(lambda: len(others[0].of(variants[0], "tick")) >= 5, what="five frames of a second")
    for client in others:
        client.close()
    full.close()

    ticks = full.of("ticker-BTC-USD")
    assert_adds_up(ticks)
    seen = {tick["sequence"]: tick for _, _, tick in ticks}
    for variant, client in zip(variants, others):
        events = client.of(variant)
        assert events[0][1] == "snapshot" and "merged" not in events[0][2]
        assert_adds_up(events)
        state = {}
        for _, name, data in events:
            state = dict(data) if name == "snapshot" or "delta" not in variant else {**state, **data}
            if data["sequence"] in seen:
                assert without(state, "merged") == seen[data["sequence"]], variant
    for variant, client, interval in ((variants[0], others[0], 1), (variants[1], others[1], 0.25)):
        times = [at for at, _, _ in client.of(variant, "tick")]
        # Frames leave at least an interval apart; a reader that was held up may see two close together.
        assert (times[-1] - times[0]) / (len(times) - 1) >= interval * 0.9
    merged = [tick["merged"] for _, _, tick in others[0].of(variants[0], "tick")]
    assert sum(merged) > RATE and max(merged) > RATE // 4, merged
    # Changes are much less than whole ticks.
    sizes = [sum(len(message) for _, message in client.events) / len(client.events) for client in (full, others[2])]
    assert sizes[1] < sizes[0] * 0.7, sizes


def test_a_stalled_client_is_current_again_within_an_interval(busy):
    service, exchange = busy
    full = Client(service.port, "ticker-BTC-USD")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    small.connect(("127.0.0.1", service.port))
    stalled = _connect(f"ws://127.0.0.1:{service.port}/app/{KEY}?protocol=7", sock=small, max_queue=1, max_size=None)
    identity = json.loads(json.loads(stalled.recv(5))["data"])["socket_id"]
    for channel in ("ticker-BTC-USD", "ticker-BTC-USD;delta", "ticker-BTC-USD;250ms"):
        stalled.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}))

    flood = contextlib.ExitStack()
    flood.enter_context(exchange.running())

    def report(path):
        # Patiently: this process plays the exchange and reads every tick besides.
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}{signed(path)}", timeout=20) as answer:
            return json.loads(answer.read())

    found = wait_until(lambda: (lambda r: r if r["merges"] > 200 else None)(report(f"/v1/connections/{identity}")), what="merges")
    assert found["congested"] and found["bytesWaiting"] > 0 and found["channelsHeld"] >= 1 and len(found["channels"]) == 3
    overview = report(f"/apps/{APP_ID}/connections")
    assert overview["connections"] >= 2 and overview["slow"][0]["id"] == identity
    assert report(f"/v1/connections/{full.id}")["channels"] == ["ticker-BTC-USD"]
    frames = wait_until(lambda: report(f"/v1/connections/{full.id}")["frames"], what="recorded frames")
    # The newest may be the answer to a ping: on a busy machine the client sends some meanwhile.
    assert any('"channel":"ticker-BTC-USD"' in frame["head"] for frame in frames), frames
    with pytest.raises(urllib.error.HTTPError):
        service.get(f"/v1/connections/{identity}")

    wait_until(lambda: full.of("ticker-BTC-USD", "tick"), what="ticks")
    woken = time.monotonic()
    newest = full.of("ticker-BTC-USD", "tick")[-1][2]["sequence"]
    events = {"ticker-BTC-USD": [], "ticker-BTC-USD;delta": [], "ticker-BTC-USD;250ms": []}
    current = {}
    while len(current) < len(events):
        event = json.loads(stalled.recv(10))
        channel = event.get("channel")
        if channel not in events or event["event"] not in ("tick", "snapshot"):
            continue
        data = json.loads(event["data"])
        events[channel].append((time.monotonic(), event["event"], data))
        if data["sequence"] >= newest and channel not in current:
            current[channel] = time.monotonic() - woken
    flood.close()
    stalled.close()
    full.close()
    for channel, seconds in current.items():
        assert seconds < 3, (channel, seconds)  # a quarter of a second, and the reading of what had been sent before
        assert_adds_up(events[channel])
    assert max(tick.get("merged", 1) for _, _, tick in events["ticker-BTC-USD"]) > 50
    assert [name for _, name, _ in events["ticker-BTC-USD;delta"]].count("snapshot") >= 2
    seen = {tick["sequence"]: tick for _, _, tick in full.of("ticker-BTC-USD", "snapshot", "tick")}
    state = {}
    for _, name, data in events["ticker-BTC-USD;delta"]:
        state = dict(data) if name == "snapshot" else {**state, **data}
        if data["sequence"] in seen:
            assert without(state, "merged") == seen[data["sequence"]]


def test_the_market_in_one_channel(market):
    service, exchange = market
    client = Client(service.port, "market;500ms")
    full = Client(service.port, "ticker-BTC-USD", "ticker-ETH-USD")
    snapshot = wait_until(lambda: client.of("market;500ms", "snapshot"), what="the snapshot")[0][2]
    assert {"BTC-USD", "ETH-USD"} <= {tick["symbol"] for tick in snapshot}
    for step in range(60):
        exchange.trade("BTC-USD", 100 + step)
        if step % 10 == 0:
            exchange.trade("ETH-USD", 11 + step // 10)
        time.sleep(0.02)
    states = {tick["symbol"]: tick for tick in snapshot}

    def apply():
        known = {tick["symbol"]: tick["sequence"] for tick in snapshot}
        for _, _, ticks in client.of("market;500ms", "market"):
            assert len({tick["symbol"] for tick in ticks}) == len(ticks)
            for tick in ticks:
                assert tick["sequence"] - tick["merged"] == known[tick["symbol"]]
                known[tick["symbol"]] = tick["sequence"]
                states[tick["symbol"]] = tick
        return states["BTC-USD"]["price"] == "159" and states["ETH-USD"]["price"] == "16"

    wait_until(apply, what="the last prices")
    for symbol in ("BTC-USD", "ETH-USD"):
        assert without(states[symbol], "merged") == full.of(f"ticker-{symbol}", "snapshot", "tick")[-1][2]
    times = [at for at, _, _ in client.of("market;500ms", "market")]
    assert (times[-1] - times[0]) / (len(times) - 1) >= 0.45
    client.close()
    full.close()


def test_candles_are_those_of_the_history(market, module_database):
    service, exchange = market
    client = Client(service.port, "candles-SOL-USD;1s", "candles-SOL-USD;1m", "candles-SOL-USD@sim;1m", "candles-SOL-USD;1d")
    for step in range(40):
        exchange.trade("SOL-USD", 100 + step % 7, size=f"0.{step + 1}")
        time.sleep(0.05)

    def closed():
        return {c["start"]: c for _, _, c in client.of("candles-SOL-USD;1s", "candle") if c["closed"]}

    wait_until(lambda: sum(c["trades"] for c in closed().values()) >= 40, what="closed candles of a second")
    wait_until(lambda: client.of("candles-SOL-USD;1d")[-1][2]["trades"] == 41, what="the day's candle")

    def history(interval, *arguments):
        text = tickwire("history", "SOL-USD", "--since", "24h", "--interval", interval, "--format", "json", *arguments,
                        DATABASE_URL=module_database, check=True).stdout
        return {candle["start"]: candle for candle in json.loads(text)}

    wait_until(lambda: sum(c["trades"] for c in history("1d").values()) == 41, what="the candles in the database")
    fields = ("open", "high", "low", "close", "volume", "vwap", "trades")
    for channel, recorded in (("candles-SOL-USD;1m", history("1m")), ("candles-SOL-USD@sim;1m", history("1m", "--venue", "sim")),
                              ("candles-SOL-USD;1d", history("1d"))):
        live = {candle["start"]: candle for _, _, candle in client.of(channel, "candle")}
        for start, candle in live.items():
            assert {f: candle[f] for f in fields} == {f: recorded[start][f] for f in fields}, channel
    recorded = history("1s")
    for start, candle in closed().items():
        assert {f: candle[f] for f in fields} == {f: recorded[start][f] for f in fields}
    counts = [c["start"] for _, _, c in client.of("candles-SOL-USD;1s", "candle") if c["closed"]]
    assert len(counts) == len(set(counts)), "a candle was closed twice without a late trade"
    late = Client(service.port, "candles-SOL-USD;1d")
    first = wait_until(lambda: late.of("candles-SOL-USD;1d"), what="the open candle")[0]
    assert (first[1], first[2]["trades"], first[2]["closed"]) == ("candle", 41, False)
    client.close()
    late.close()


def test_candles_go_on_after_a_restart(start, database):
    with PriceExchange(free_port()) as exchange:
        arguments = ("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD")
        service = start(*arguments, DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the feed's subscription")
        for price in (100, 105, 95):
            exchange.trade("BTC-USD", price)
        wait_until(lambda: "BTC-USD" in service.get("/v1/symbols"), what="the first price")
        service.stop()
        wait_until(lambda: not exchange.subscribed(), what="the end of the connection")
        service = start(*arguments, DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the feed's subscription")
        client = Client(service.port, "candles-BTC-USD;1d")
        candle = wait_until(lambda: client.of("candles-BTC-USD;1d"), what="the candle")[0][2]
        assert (candle["trades"], candle["high"], candle["low"], candle["close"]) == (3, "105", "95", "95")
        exchange.trade("BTC-USD", 101)
        candle = wait_until(lambda: (lambda c: c if c["trades"] == 4 else None)(client.of("candles-BTC-USD;1d")[-1][2]),
                            what="the fourth trade")
        assert (candle["open"], candle["high"], candle["low"], candle["close"]) == ("100", "105", "95", "101")
        client.close()


def test_candles_have_no_channels_when_they_are_switched_off(start, database):
    with PriceExchange(free_port()) as exchange:
        service = start("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD", DATABASE_URL=database,
                        TICKWIRE_CANDLE_CHANNELS="false")
        wait_until(exchange.subscribed, what="the feed's subscription")
        client = Client(service.port, "ticker-BTC-USD")
        exchange.trade("BTC-USD", 100)
        wait_until(lambda: client.of("ticker-BTC-USD", "tick"), what="the tick")
        with connect(f"ws://127.0.0.1:{service.port}/app/{KEY}?protocol=7") as socket:
            socket.recv(10)
            socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "candles-BTC-USD;1m"}}))
            error = json.loads(socket.recv(10))
            assert error["event"] == "pusher:error" and "candleChannels: false" in error["data"]["message"], error
        # The history does not depend on it.
        wait_until(lambda: json.loads(tickwire(
            "history", "BTC-USD", "--since", "24h", "--interval", "1d", "--format", "json", DATABASE_URL=database, check=True).stdout),
            what="the candle in the history")
        client.close()


def test_a_gateway_fed_over_http_has_them_too(start, database):
    with fed_gateway(start, database) as (gateway, exchange):
        channels = ["ticker-BTC-USD", "ticker-BTC-USD;100ms", "ticker-BTC-USD;delta", "market;100ms", "candles-BTC-USD;1m"]
        client = Client(gateway.port, *channels)
        for price in range(101, 131):
            exchange.trade("BTC-USD", price)
        wait_until(lambda: [t for _, _, t in client.of("ticker-BTC-USD;100ms") if t["price"] == "130"], what="the last price")
        wait_until(lambda: [t for _, _, t in client.of("candles-BTC-USD;1m") if t["close"] == "130"], what="the candle")
        full = client.of("ticker-BTC-USD")
        assert_adds_up(full)
        for channel in channels[1:3]:
            assert_adds_up(client.of(channel))
        answer = json.loads(gateway.get(f"/v1/ticks/BTC-USD?since={full[-6][2]['sequence']}"))
        assert answer == {"ticks": [tick for _, _, tick in full[-5:]], "complete": True}
        client.close()


def test_missed_ticks_are_answered(market):
    service, exchange = market
    client = Client(service.port, "ticker-BTC-USD", "ticker-BTC-USD@sim")
    for price in range(200, 230):
        exchange.trade("BTC-USD", price)
    wait_until(lambda: client.of("ticker-BTC-USD@sim") and client.of("ticker-BTC-USD@sim")[-1][2]["price"] == "229",
               what="the last price")
    ticks = [tick for _, _, tick in client.of("ticker-BTC-USD")]
    for channel in ("BTC-USD", "BTC-USD@sim"):
        answer = json.loads(service.get(f"/v1/ticks/{channel}?since={ticks[-11]['sequence']}"))
        assert answer == {"ticks": ticks[-10:], "complete": True}
    assert json.loads(service.get(f"/v1/ticks/BTC-USD?since={ticks[-1]['sequence']}")) == {"ticks": [], "complete": True}
    assert json.loads(service.get("/v1/ticks/BTC-USD?since=5"))["complete"] is False
    client.close()


def test_a_lost_feed_is_told_at_once_on_slow_variants(market):
    service, exchange = market
    client = Client(service.port, "ticker-BTC-USD;1m", "ticker-BTC-USD;1m;delta", "market;1m")
    wait_until(lambda: client.of("market;1m", "snapshot"), what="the snapshot")
    for price in (101, 102, 103):
        exchange.trade("BTC-USD", price)
    full = Client(service.port, "ticker-BTC-USD")
    wait_until(lambda: full.of("ticker-BTC-USD") and full.of("ticker-BTC-USD")[-1][2]["price"] == "103", what="the last price")
    for connection in list(exchange.open):
        exchange.call(connection.close())
    wait_until(lambda: client.of("market;1m", "stale"), 10, "stale")
    for channel in ("ticker-BTC-USD;1m", "ticker-BTC-USD;1m;delta"):
        events = client.of(channel)
        assert events[-1][1] == "stale" and events[-1][2]["reason"] == "disconnected"
        prices = [tick["price"] for _, name, tick in events if name != "stale" and "price" in tick]
        assert prices[-1] == "103", "the ticks before it go first"
    client.close()
    full.close()


def test_a_variant_that_does_not_exist_is_refused_with_those_that_do(market):
    service, _ = market
    client = Client(service.port)
    intervals = "100ms, 250ms, 500ms, 1s, 5s, 1m"
    for channel, hints in (
        ("ticker-BTC-USD;2s", ["2s", intervals, "delta"]),
        ("ticker-BTC-USD;delta;1s", ["ticker-BTC-USD;1s;delta"]),
        ("ticker-BTC-USX;1s", ["BTC-USD"]),
        ("market", ["market;1s"]),
        ("market;10s", ["10s", intervals]),
        ("candles-BTC-USD", ["1s, 1m, 5m, 15m, 1h, 1d"]),
        ("candles-BTC-USD;2m", ["2m", "1s, 1m, 5m, 15m, 1h, 1d"]),
        ("trades-BTC-USD;1s", ["trades-BTC-USD"]),
    ):
        known = len(client.errors())
        client.subscribe(channel)
        message = wait_until(lambda: client.errors()[known:], what=f"the error of {channel}")[0]
        for hint in hints:
            assert hint in message
    client.close()


def test_a_client_lowers_its_own_bandwidth(busy):
    service, exchange = busy
    channels = ["ticker-BTC-USD", "ticker-BTC-USD@sim", "ticker-BTC-USD;100ms"]
    client = Client(service.port, *channels, query="&bandwidth=6000")
    with exchange.running():
        wait_until(lambda: len(client.of(channels[0])) > 10, what="the first ticks")
        began, at = len(client.events), time.monotonic()
        wait_until(lambda: len(client.events) > began + 40, what="more ticks")
        seconds = time.monotonic() - at
    # Without the beginning, which may use what was saved up; a frame is sent whole.
    received = sum(len(message) + 4 for _, message in client.events[began:])
    assert received < 6000 * (seconds + 1.5), (received, seconds)
    client.close()
    counts = [len(client.of(channel)) for channel in channels]
    assert max(counts) <= min(counts) * 1.5, counts
    for channel in channels:
        assert_adds_up(client.of(channel))
    refused = Client(service.port, query="&bandwidth=lots")
    assert "256" in wait_until(refused.errors, what="the error")[0]
    refused.close()
