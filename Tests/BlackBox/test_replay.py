"""Feed files against recordings of real exchanges."""
import http.server
import json
import pathlib
import tempfile
import threading

import pytest

from conftest import FIXTURES, ROOT, free_port, json_lines, rows, tickwire, wait_until
from exchanges import MockExchange, playback

SHARED = ROOT.parent / "shared" / "recordings"
FEEDS = {
    "COINBASE": "coinbase", "BINANCE": "binance", "BINANCE_US": "binance-us", "BITSTAMP": "bitstamp", "GEMINI": "gemini",
    "KRAKEN-trade": "kraken-v1", "KRAKEN-ticker": "kraken-v1",
}


def recordings():
    """The extracts in the repository, and the full recordings where they lie beside it."""
    for folder in (FIXTURES, SHARED):
        for name, feed in FEEDS.items():
            expected = folder / "expected" / f"{name}.jsonl"
            if expected.exists():
                yield pytest.param(folder / f"{name}.rec", expected, feed, id=f"{folder.name}-{name}-{folder == SHARED}")


def nanoseconds(text):
    """RFC 3339 in UTC to nanoseconds, without a float."""
    import datetime

    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def as_expected(tick):
    """One line of `feeds replay` in the keys of the expected ticks."""
    out = {"rx_ns": nanoseconds(tick["receivedTime"]), "k": tick["kind"], "sym": tick["venueSymbol"]}
    names = [("price", "px"), ("size", "sz"), ("side", "side"), ("bid", "bid"), ("ask", "ask"), ("bidSize", "bsz"),
             ("askSize", "asz"), ("last", "last"), ("id", "id"), ("sequence", "seq")]
    for ours, theirs in names:
        if ours in tick:
            out[theirs] = tick[ours]
    if str(out.get("seq")) == out.get("id"):
        out.pop("seq")  # ids that count up by one serve as the sequence; the expected ticks list only what the message calls so
    if "eventTime" in tick:
        out["ts_ns"] = nanoseconds(tick["eventTime"])
    if tick["snapshot"]:
        out["snap"] = True
    return out


@pytest.mark.parametrize("recording, expected, feed", list(recordings()))
def test_replay_gives_exactly_the_expected_ticks(recording, expected, feed):
    result = tickwire("feeds", "replay", f"Feeds/{feed}.yaml", "--recording", recording, "--format", "ndjson", check=True)
    ticks = [as_expected(tick) for tick in json_lines(result.stdout)]
    wanted = json_lines(pathlib.Path(expected).read_text())
    for tick in wanted:
        tick.pop("line")
        tick.pop("trade_id", None)  # the ticker's repetition of the trade's id: a quote has none of its own
    assert ticks == wanted


def test_check_counts_every_frame_of_a_recording_once():
    recording = FIXTURES / "COINBASE.rec"
    result = tickwire("feeds", "check", "Feeds/coinbase.yaml", "--recording", recording, "--json", check=True)
    report = json.loads(result.stdout)
    assert report["recording"]["frames"] == sum(report["recording"]["outcomes"].values())
    assert report["recording"]["outcomes"]["unmatched"] == 0


def test_every_recorded_tick_is_in_postgresql_once_with_the_same_digits(start, database):
    recording = (SHARED if SHARED.exists() else FIXTURES) / "COINBASE.rec"
    expected = json_lines((recording.parent / "expected" / "COINBASE.jsonl").read_text())
    symbols = sorted({tick["sym"] for tick in expected})
    with MockExchange(free_port(), playback(recording)) as exchange:
        start(
            "ingest", "--feeds", "coinbase", "--symbols", ",".join(symbols), "--feed-url", f"coinbase={exchange.url}",
            DATABASE_URL=database,
        )
        trades = [tick for tick in expected if tick["k"] == "trade"]
        quotes = [tick for tick in expected if tick["k"] == "quote"]
        count = "SELECT (SELECT count(*) FROM trades), (SELECT count(*) FROM quotes)"
        wait_until(lambda: rows(database, count) == [(len(trades), len(quotes))], what="every tick in PostgreSQL")
    assert json.loads(exchange.received[0])["product_ids"] == symbols
    stored = rows(
        database,
        "SELECT s.name, t.price::text, t.size::text, t.side::text, t.trade_id,"
        " (extract(epoch FROM t.event_time) * 1000000)::bigint"
        " FROM trades t JOIN symbols s ON s.id = t.symbol_id JOIN venues v ON v.id = t.venue_id WHERE v.name = 'coinbase'",
    )
    wanted = [(t["sym"], t["px"], t["sz"], t["side"], t["id"], t["ts_ns"] // 1000) for t in trades]
    sides = {"b": "buy", "s": "sell", "u": "unknown", "0": "buy", "1": "sell", "2": "unknown"}
    stored = [(s, p, z, sides.get(d, d), i, e) for s, p, z, d, i, e in stored]
    assert sorted(stored) == sorted(wanted)
    stored = rows(database, "SELECT s.name, q.bid::text, q.ask::text FROM quotes q JOIN symbols s ON s.id = q.symbol_id")
    assert sorted(stored) == sorted((t["sym"], t["bid"], t["ask"]) for t in quotes)


def test_a_polled_feed_is_asked_over_http(start, database):
    asked = []
    answers = iter([(503, b""), (200, b'{"bitcoin":{"usd":67187.3358936566,"last_updated_at":1711356300},"ethereum":{"usd":3500.1,"last_updated_at":1711356301}}')])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body = next(answers, (200, b"{}"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    # The file's own pace is a minute: the test's copy asks more often.
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server, tempfile.TemporaryDirectory() as feeds:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = (ROOT / "Feeds" / "coingecko.yaml").read_text()
        assert "every: 60s" in text
        pathlib.Path(feeds, "coingecko.yaml").write_text(text.replace("every: 60s", "every: 1s"))
        start("ingest", "--feeds-dir", feeds, "--feeds", "coingecko", "--symbols", "BTC-USD,ETH-USD",
              "--feed-url", f"coingecko=http://127.0.0.1:{server.server_port}/price", DATABASE_URL=database)
        sql = "SELECT s.name, t.price::text, t.size FROM trades t JOIN symbols s ON s.id = t.symbol_id ORDER BY 1"
        stored = wait_until(lambda: rows(database, sql), what="the polled prices")
        server.shutdown()
    assert stored == [("BTC-USD", "67187.3358936566", None), ("ETH-USD", "3500.1", None)]
    assert asked[0].startswith("/price?ids=bitcoin,ethereum&")


def test_garbage_from_an_exchange_is_counted_and_harms_nothing(start, database):
    good = '{"type":"match","trade_id":10,"side":"buy","size":"5.23","price":"400.23","product_id":"BTC-USD","time":"2014-11-07T08:19:27.028459Z"}'

    async def script(exchange, connection):
        await connection.recv()
        for frame in ["", "{", "[]", "null", '{"type":"match"', b"\xff\xfe", '{"type":"match","price":"abc"}', "[" * 5000, "nonsense"]:
            await connection.send(frame)
        await connection.send(good)
        async for _ in connection:
            pass

    with MockExchange(free_port(), script) as exchange:
        service = start("ingest", "--feeds", "coinbase", "--symbols", "BTC-USD", "--feed-url", f"coinbase={exchange.url}", DATABASE_URL=database)
        wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(1,)], what="the good trade in PostgreSQL")
        assert service.process.poll() is None
        assert exchange.connections == 1
        metrics = service.get("/metrics")
    malformed = [line for line in metrics.splitlines() if line.startswith("tickwire_feed_frames_total") and 'outcome="malformed"' in line]
    assert malformed and float(malformed[0].split()[-1]) >= 4
