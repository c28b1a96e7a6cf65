"""How connections to a venue begin and end, over real sockets: hand-over, refusals, cookies."""
import asyncio
import datetime
import json
import time

import pytest
import websockets
from websockets.datastructures import Headers
from websockets.http11 import Response

from conftest import ROOT, free_port, rows, wait_until
from exchanges import MockExchange


def report(service, feed):
    return next(entry for entry in json.loads(service.get("/v1/feeds")) if entry["feed"] == feed)


def feed_file(tmp_path, *changes):
    """The simulator's file in a folder of its own, changed."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    text = (ROOT / "Feeds" / "sim.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "sim.yaml").write_text(text)
    return folder


class NumberedTrades(MockExchange):
    """Sends the same numbered trades, fifty a second, to everybody who has subscribed."""

    def __init__(self, port):
        self.last = 0
        self.is_trading = True
        self.opened, self.closed, self.subscribed = [], [], []
        super().__init__(port, NumberedTrades._play)

    async def _play(self, connection):
        self.opened.append(time.monotonic())
        request = json.loads(await connection.recv())
        await connection.send(json.dumps({"type": "subscribed", "symbols": request["symbols"]}))
        self.subscribed.append(connection)
        if len(self.opened) == 1:
            self._trader = asyncio.get_running_loop().create_task(self._trade())
        await connection.wait_closed()
        self.subscribed.remove(connection)
        self.closed.append(time.monotonic())

    async def _trade(self):
        while self.is_trading:
            self.last += 1
            now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
            frame = json.dumps({
                "type": "trade", "symbol": "BTC-USD", "price": "64250.12", "size": "1", "side": "buy", "id": str(self.last),
                "seq": self.last, "time": now})
            websockets.broadcast(self.subscribed, frame)
            await asyncio.sleep(0.02)

    def say(self, frame):
        async def send():
            websockets.broadcast(self.subscribed, json.dumps(frame))

        self.call(send())


def stored_ids(database):
    return [int(row[0]) for row in rows(database, "SELECT id FROM ticks WHERE kind = 'trade'")]


def test_a_connection_that_the_venue_will_end_has_a_successor_before_it_goes_and_no_trade_is_missed(start, database, tmp_path):
    folder = feed_file(tmp_path, ("  - when: {type: error}\n", "  - when: {type: shutdown}\n    reconnect: true\n  - when: {type: error}\n"))
    with NumberedTrades(free_port()) as exchange:
        service = start(
            "ingest", "--feeds", "sim", "--feeds-dir", folder, "--symbols", "BTC-USD", "--feed-url", f"sim={exchange.url}",
            DATABASE_URL=database)
        # A connection younger than ten seconds is given up first: venues that end every connection at once are not asked for more.
        wait_until(lambda: exchange.opened and time.monotonic() - exchange.opened[0] > 10.5, 30, "a connection that has lasted")
        exchange.say({"type": "shutdown"})
        wait_until(lambda: exchange.closed, what="the end of the first connection")
        assert len(exchange.opened) == 2 and exchange.opened[1] < exchange.closed[0]
        after = exchange.last
        wait_until(lambda: exchange.last > after + 100, what="trades over the second connection")
        exchange.is_trading = False
        wait_until(lambda: max(stored_ids(database), default=0) == exchange.last, what="the last trade")
        found = sorted(stored_ids(database))
        assert found == list(range(found[0], exchange.last + 1)) and found[0] < 10
        assert rows(database, "SELECT count(*) FROM feed_gaps") == [(0,)]
        assert report(service, "sim")["state"] == "live" and len(exchange.opened) == 2


@pytest.mark.parametrize("status, state", [(503, "waiting"), (403, "failed")])
def test_a_refused_handshake_is_named_and_a_final_one_not_tried_again_soon(start, database, tmp_path, status, state):
    tries = []

    async def refuse(connection, request):
        tries.append(time.monotonic())
        return Response(status, "No", Headers({"Content-Length": "0", "Connection": "close"}), b"")

    async def script(exchange, connection):
        await connection.wait_closed()

    with MockExchange(free_port(), script, process_request=refuse) as exchange:
        service = start("ingest", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)
        connection = wait_until(
            lambda: next((c for c in report(service, "sim")["connections"] if c["state"] == state), None), what=state)
        assert str(status) in connection["reason"], connection
        if state == "failed":
            assert len(tries) == 1
            assert report(service, "sim")["connectFailures"] == 1
        else:
            wait_until(lambda: len(tries) >= 3, 20, "further tries")
            assert tries[1] - tries[0] >= 0.25


def test_cookies_of_a_bootstrap_go_along_with_the_next_request_and_the_handshake(start, database, tmp_path):
    seen = []

    async def answer(connection, request):
        seen.append((request.path, request.headers.get("Cookie")))
        if request.path == "/page":
            return Response(200, "OK", Headers({"Set-Cookie": "A3=d=AQ; Path=/; HttpOnly", "Content-Length": "0", "Connection": "close"}), b"")
        if request.path == "/crumb":
            return Response(200, "OK", Headers({"Content-Length": "4", "Connection": "close"}), b"x/Y1")
        return None

    async def script(exchange, connection):
        exchange.received.append(json.loads(await connection.recv()))
        await connection.wait_closed()

    port = free_port()
    folder = feed_file(
        tmp_path, ("  websocket: ws://127.0.0.1:6080/\n", (
            f"  websocket: \"ws://127.0.0.1:{port}/stream/{{crumb}}\"\n"
            f"  bootstrap:\n    - get: http://127.0.0.1:{port}/page\n"
            f"    - get: http://127.0.0.1:{port}/crumb\n      capture: {{crumb: \".\"}}\n")))
    with MockExchange(port, script, process_request=answer) as exchange:
        service = start("ingest", "--feeds", "sim", "--feeds-dir", folder, DATABASE_URL=database)
        wait_until(lambda: len(seen) >= 3, what="the handshake")
        assert seen[:3] == [("/page", None), ("/crumb", "A3=d=AQ"), ("/stream/x/Y1", "A3=d=AQ")]
        wait_until(lambda: exchange.received, what="the subscription")
        assert "x/Y1" not in service.text()
