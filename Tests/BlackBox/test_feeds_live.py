"""Feeds while they run: their state, changed files, recordings and replays."""
import json
import pathlib
import re
import signal
import subprocess
import time

from conftest import APP, FIXTURES, PROGRAM, ROOT, environment, free_port, json_lines, rows, tickwire, wait_until
from exchanges import MockExchange, PriceExchange, playback, received_frames
from protocol import Client

MATCH = '{"type":"match","trade_id":%d,"side":"buy","size":"5.23","price":"400.23","product_id":"BTC-USD","time":"2026-11-07T08:19:27.028459Z"}'


def report(service, feed):
    return next(entry for entry in json.loads(service.get("/v1/feeds")) if entry["feed"] == feed)


def feeds_folder(tmp_path, *names):
    folder = tmp_path / "feeds"
    folder.mkdir()
    for name in names:
        (folder / f"{name}.yaml").write_text((ROOT / "Feeds" / f"{name}.yaml").read_text())
    return folder


def replace(file, old, new):
    """Writes a changed file in one step, as editors do."""
    text = file.read_text()
    assert old in text
    part = file.with_suffix(".part")
    part.write_text(text.replace(old, new))
    part.rename(file)


def test_every_frame_ends_in_one_counter_and_status_shows_it(start, database):
    frames = [MATCH % 1, MATCH % 2, '{"type":"heartbeat"}', '{"type":"l2update"}', '{"type":"error","message":"slow down"}', "{", "[]"]
    frames += ['{"type":"news","n":%d}' % n for n in range(8)]

    async def script(exchange, connection):
        await connection.recv()
        for frame in frames:
            await connection.send(frame)
        async for _ in connection:
            pass

    with MockExchange(free_port(), script) as exchange:
        service = start("ingest", "--feeds", "coinbase", "--symbols", "BTC-USD,ETH-USD", "--feed-url", f"coinbase={exchange.url}", DATABASE_URL=database)
        wait_until(lambda: report(service, "coinbase")["framesTotal"] == len(frames), what="every frame")
        status = report(service, "coinbase")
        assert sum(status["frames"].values()) == len(frames)
        assert {name: count for name, count in status["frames"].items() if count} == {
            "ticks": 2, "control": 1, "ignored": 1, "error": 1, "malformed": 1, "unmatched": 9}
        assert (status["state"], status["kind"], status["ticks"], status["connects"], status["reconnects"]) == ("live", "websocket", 2, 1, 0)
        assert [s["frame"] for s in status["samples"] if s["outcome"] == "unmatched"] == ["[]"] + frames[7:11]
        assert [s["detail"] for s in status["samples"] if s["outcome"] == "error"] == ["slow down"]
        states = {entry["symbol"]: entry["state"] for entry in status["symbols"]}
        assert states["BTC-USD"] == "subscribed"
        assert status["lag"]["count"] >= 1 and status["lastTickTime"]

        shown = tickwire("feeds", "status", "--url", f"http://127.0.0.1:{service.port}", check=True).stdout
        assert re.search(r"coinbase +websocket +live +1/1 ", shown), shown
        assert "unmatched: [" in shown and "slow down" in shown
        as_json = tickwire("feeds", "status", "--json", "--url", f"http://127.0.0.1:{service.port}", check=True).stdout
        assert json.loads(as_json)[0]["feed"] == "coinbase"
        exchange.call(drop(exchange))
        wait_until(lambda: report(service, "coinbase")["reconnects"] >= 1, what="the reconnect")
    wait_until(lambda: report(service, "coinbase")["state"] in ("waiting", "connecting"), what="the loss")
    wait_until(lambda: report(service, "coinbase")["connectFailures"] >= 1, what="a failed try")
    status = wait_until(lambda: next((c for c in report(service, "coinbase")["connections"] if c["state"] == "waiting"), None), what="waiting")
    assert status["reason"] and status["attempt"] >= 1
    assert "try " in tickwire("feeds", "status", "--url", f"http://127.0.0.1:{service.port}", check=True).stdout


async def drop(exchange):
    for connection in list(exchange.open):
        await connection.close()


def test_status_refreshes_and_says_how_to_start_when_nothing_runs(start, database, tmp_path):
    result = tickwire("feeds", "status", "--url", f"http://127.0.0.1:{free_port()}", TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 69
    assert "tickwire up" in result.stderr and "--url" in result.stderr
    with PriceExchange(free_port()) as exchange:
        service = start("ingest", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)
        process = subprocess.Popen([PROGRAM, "feeds", "status", "--watch", "--json", "--url", f"http://127.0.0.1:{service.port}"],
                                   env=environment(TICKWIRE_DATA_DIR=tmp_path), stdout=subprocess.PIPE, text=True)
        lines = [process.stdout.readline() for _ in range(3)]
        process.kill()
        process.wait()
    assert all(json.loads(line)[0]["feed"] == "sim" for line in lines)


def test_a_changed_file_is_taken_over_without_a_reconnect_when_it_is_fit_to_run(start, database, tmp_path):
    folder = feeds_folder(tmp_path, "sim")
    file = folder / "sim.yaml"
    with PriceExchange(free_port()) as exchange:
        service = start("ingest", "--feeds-dir", folder, "--feeds", "sim", "--symbols", "BTC-USD", "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the subscription")
        exchange.trade("BTC-USD", "100")
        wait_until(lambda: report(service, "sim")["ticks"] == 1, what="the first trade")

        replace(file, "title: Simulated market", "titel: Simulated market")
        problem = wait_until(lambda: report(service, "sim").get("problem"), what="the problem")
        assert f"{file}:3:1: " in problem["lines"][0] and "titel" in problem["lines"][0]
        assert "titel" in tickwire("feeds", "status", "--url", f"http://127.0.0.1:{service.port}", check=True).stdout
        assert "old one stays in use" in service.text() and "titel" in service.text()
        exchange.trade("BTC-USD", "101")
        wait_until(lambda: report(service, "sim")["ticks"] == 2, what="a trade under the old file")

        replace(file, "titel: Simulated market", "title: Simulated market")
        wait_until(lambda: report(service, "sim").get("problem") is None, what="the mended file")

        # A failing test is as bad as a misspelt key.
        replace(file, 'price: "64250.12", size: "0.0105", side: buy, id: "123", time: "2026-11-23T12:00:00.123456Z", sequence', 'price: "1", size: "0.0105", side: buy, id: "123", time: "2026-11-23T12:00:00.123456Z", sequence')
        problem = wait_until(lambda: report(service, "sim").get("problem"), what="the failing test")
        assert re.search(r"sim\.yaml:\d+", problem["lines"][0])
        exchange.send('{"t":"deal","s":"BTC-USD","p":"102"}')
        wait_until(lambda: report(service, "sim")["frames"]["unmatched"] == 1, what="the unknown frame")

        reloads = report(service, "sim")["reloads"]
        file.write_text((ROOT / "Feeds" / "sim.yaml").read_text().replace(
            "\nmessages:\n", "\nmessages:\n  - when: {t: deal}\n    trade: {symbol: s, price: p}\n"))
        wait_until(lambda: report(service, "sim")["reloads"] > reloads, what="the new rule")
        exchange.send('{"t":"deal","s":"BTC-USD","p":"103"}')
        wait_until(lambda: report(service, "sim")["ticks"] == 3, what="the trade that the new rule reads")
        status = report(service, "sim")
        assert status["connects"] == 1 and exchange.connections == 1
        assert status["samples"] == []

        replace(file, "send: {type: subscribe,", "send: {type: subscribe, again: true,")
        wait_until(lambda: exchange.connections == 2, what="the new connection")
        wait_until(lambda: exchange.received[-1].get("again") is True, what="the new subscription")
    prices = rows(database, "SELECT price::text FROM trades ORDER BY received_time")
    assert [price for price, in prices] == ["100", "101", "103"]


def test_what_is_recorded_replays_to_the_ticks_that_came(tmp_path):
    source = FIXTURES / "COINBASE.rec"
    expected = json_lines((FIXTURES / "expected" / "COINBASE.jsonl").read_text())
    symbols = ",".join(sorted({tick["sym"] for tick in expected}))
    file = tmp_path / "out.rec"
    with MockExchange(free_port(), playback(source)) as exchange:
        result = tickwire("feeds", "record", "coinbase", "--for", "3s", "--symbols", symbols, "--output", file, "--feed-url", f"coinbase={exchange.url}", check=True)
    assert result.stdout.strip() == str(file)
    frames = received_frames(source)
    assert f"{len(frames)} frames received" in result.stderr
    lines = file.read_text().splitlines()
    assert re.fullmatch(rf"ws://127\.0\.0\.1:{exchange.port}/? <-> \d+\.\d{{9}}", lines[0]), lines[0]
    assert re.match(rf"ws://127\.0\.0\.1:{exchange.port}/? <- \d+\.\d{{9}}: \{{", lines[1])
    assert lines[1].split(": ", 1)[1] == exchange.received[0]
    assert received_frames(file) == frames

    def ticks(recording):
        output = tickwire("feeds", "replay", "Feeds/coinbase.yaml", "--recording", recording, "--format", "ndjson", check=True).stdout
        return [{key: value for key, value in tick.items() if key != "receivedTime"} for tick in json_lines(output)]

    assert ticks(file) == ticks(source) and len(ticks(file)) == len(expected)
    again = tickwire("feeds", "record", "coinbase", "--output", file)
    assert again.returncode == 69 and "exists already" in again.stderr


def test_binary_frames_and_polled_answers_are_recorded_and_ctrl_c_ends_cleanly(tmp_path):
    binary = bytes(range(256)) + b"'\\"

    async def script(exchange, connection):
        exchange.received.append(await connection.recv())
        await connection.send(binary)
        await connection.send(MATCH % 7)
        async for _ in connection:
            pass

    file = tmp_path / "binary.rec"
    with MockExchange(free_port(), script) as exchange:
        process = subprocess.Popen(
            [PROGRAM, "feeds", "record", "coinbase", "--symbols", "BTC-USD", "--output", str(file), "--feed-url", f"coinbase={exchange.url}"],
            env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: file.exists() and "match" in file.read_text(), what="the recorded frame")
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=10)
    assert process.returncode == 0, error
    assert out.strip() == str(file) and "2 frames received, 1 sent" in error
    literal = file.read_text().splitlines()[2].split(": ", 1)[1]
    assert eval(literal, {"__builtins__": {}}) == binary
    check = json.loads(tickwire("feeds", "check", "Feeds/coinbase.yaml", "--recording", file, "--json", check=True).stdout)
    assert check["recording"]["outcomes"]["malformed"] == 1 and check["recording"]["ticks"] == 1


def test_a_polled_feed_is_recorded_and_replayed(tmp_path):
    import http.server
    import threading

    body = b'{"bitcoin":{"usd":67187.3358936566,"last_updated_at":1711356300}}'

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    file = tmp_path / "poll.rec"
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tickwire("feeds", "record", "coingecko", "--for", "2s", "--symbols", "BTC-USD", "--output", file,
                 "--feed-url", f"coingecko=http://127.0.0.1:{server.server_port}/price", check=True)
        server.shutdown()
    lines = file.read_text().splitlines()
    assert lines and all(re.match(r"http://127\.0\.0\.1:\d+/price\?\S+ -> \d+\.\d{9}: \{", line) for line in lines)
    output = tickwire("feeds", "replay", "Feeds/coingecko.yaml", "--recording", file, "--format", "ndjson", check=True).stdout
    assert json_lines(output)[0]["price"] == "67187.3358936566"


def test_answers_before_connecting_are_recorded_without_their_tokens(tmp_path):
    import http.server
    import threading

    async def script(exchange, connection):
        await connection.send(MATCH % 7)
        async for _ in connection:
            pass

    with MockExchange(free_port(), script) as exchange:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.dumps({"token": "sesame-12345678"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            feed, file = tmp_path / "acme.yaml", tmp_path / "acme.rec"
            text = (ROOT / "Feeds" / "coinbase.yaml").read_text().replace("feed: coinbase", "feed: acme")
            websocket = re.search(r"  websocket: .*\n", text).group(0)
            feed.write_text(text.replace(websocket, f"""  websocket: "{exchange.url}?token={{token}}&key=${{ACME_KEY}}"
  bootstrap: {{post: "http://127.0.0.1:{server.server_port}/bullet", headers: {{X-Key: "${{ACME_KEY}}"}}, capture: {{token: token}}}}
"""))
            tickwire("feeds", "record", feed, "--for", "2s", "--symbols", "BTC-USD", "--output", file, check=True, ACME_KEY="topsecret-1")
            server.shutdown()
    text = file.read_text()
    lines = text.splitlines()
    assert re.fullmatch(rf"http://127\.0\.0\.1:{server.server_port}/bullet -> \d+\.\d{{9}}: .*token.*\*\*\*.*", lines[0]), lines[0]
    assert lines[1].startswith(f"{exchange.url}?token=***&key=*** <-> "), lines[1]
    assert "sesame" not in text and "topsecret" not in text
    output = tickwire("feeds", "replay", feed, "--recording", file, "--format", "ndjson", check=True).stdout
    assert [tick["id"] for tick in json_lines(output)] == ["7"]


def test_a_recording_goes_through_the_whole_service(start, database, tmp_path):
    recording = FIXTURES / "COINBASE.rec"
    expected = json_lines((FIXTURES / "expected" / "COINBASE.jsonl").read_text())
    service = start("up", "--replay", f"coinbase={recording}", "--replay-speed", "max", wait=False, DATABASE_URL=database)
    assert service.process.wait(60) == 0, service.text()
    trades = [tick for tick in expected if tick["k"] == "trade"]
    quotes = [tick for tick in expected if tick["k"] == "quote"]
    assert f"gave {len(trades)} trades and {len(quotes)} quotes" in service.text()
    stored = rows(database, "SELECT s.name, t.price::text, t.size::text, t.trade_id, (extract(epoch FROM t.received_time) * 1000000)::bigint"
                  " FROM trades t JOIN symbols s ON s.id = t.symbol_id")
    assert sorted(stored) == sorted((t["sym"], t["px"], t["sz"], t["id"], t["rx_ns"] // 1000) for t in trades)
    stored = rows(database, "SELECT s.name, q.bid::text, q.ask::text FROM quotes q JOIN symbols s ON s.id = q.symbol_id")
    assert sorted(stored) == sorted((t["sym"], t["bid"], t["ask"]) for t in quotes)
    # The same recording once more adds nothing: its trades have the same ids and times.
    again = start("ingest", "--replay", f"coinbase={recording}", "--replay-speed", "max", wait=False, DATABASE_URL=database)
    assert again.process.wait(60) == 0, again.text()
    assert rows(database, "SELECT count(*) FROM trades") == [(len(trades),)]


def test_recorded_prices_fire_alerts_only_when_asked_to(start, database, tmp_path):
    def recording(minute, prices):
        """Trades a second apart; later minutes have later times, ids and numbers."""
        file = tmp_path / f"sim-{minute}.rec"
        lines = ["ws://127.0.0.1:6080/ <-> 1795176000.0"]
        for n, price in enumerate(prices, 1):
            number = minute * 100 + n
            frame = {"type": "trade", "symbol": "BTC-USD", "price": str(price), "size": "1", "side": "buy", "id": str(number),
                     "seq": number, "time": f"2026-11-20T12:{minute:02}:{n:02}Z"}
            lines.append(f"{1795176000 + minute * 60 + n}.5: {json.dumps(frame)}")
        file.write_text("\n".join(lines) + "\n")
        return file

    def play(file, count, *flags):
        service = start("up", "--replay", f"sim={file}", "--replay-speed", "10", *flags, wait=False, DATABASE_URL=database)
        assert service.process.wait(60) == 0, service.text()
        assert f"{count} frames gave {count} trades" in service.text()
        return rows(database, "SELECT count(*) FROM alert_events")[0][0]

    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path / "data", **APP)
    tickwire("migrate", env=env, check=True)
    # The symbol must be known before it can have an alert.
    assert play(recording(0, [69000]), 1) == 0
    tickwire("alerts", "add", "BTC-USD", "crosses above 70000", "--user", "ann", env=env, check=True)
    assert play(recording(1, [69990, 70010, 69980, 70020]), 4) == 0
    assert rows(database, "SELECT count(*) FROM trades") == [(5,)]
    assert play(recording(2, [69990, 70010, 69980, 70020]), 4, "--replay-alerts") == 2


def test_replay_can_be_paced(tmp_path):
    recording = tmp_path / "slow.rec"
    recording.write_text("".join(f"{1700000000 + n}.25: {MATCH % n}\n" for n in range(3)))
    started = time.monotonic()
    result = tickwire("feeds", "replay", "Feeds/coinbase.yaml", "--recording", recording, "--speed", "2", "--format", "ndjson", check=True)
    assert 0.9 < time.monotonic() - started < 5
    assert [tick["id"] for tick in json_lines(result.stdout)] == ["0", "1", "2"]
    for arguments in (["feeds", "replay", "Feeds/coinbase.yaml", "--recording", recording, "--speed", "fast"],):
        result = tickwire(*arguments)
        assert result.returncode == 64 and "'fast'" in result.stderr
    result = tickwire("ingest", "--replay", "coinbase=/does/not/exist.rec", TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 78 and "/does/not/exist.rec" in result.stderr
    result = tickwire("ingest", "--replay", f"coinbsae={recording}", TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 78 and "coinbase" in result.stderr


def test_a_halt_is_told_shown_in_ticks_and_ended(start, tmp_path, database):
    folder = feeds_folder(tmp_path, "sim")
    replace(folder / "sim.yaml", "  - when: {type: error}\n", """\
  - when: {type: status}
    status: {symbol: symbol, state: {from: state, map: {H: halted, T: trading}}, reason: reason, time: time}
  - when: {type: error}
""")
    halted = {"type": "status", "symbol": "AAPL", "state": "H", "reason": "News pending", "time": "2026-11-23T19:15:00Z"}
    with PriceExchange(free_port()) as exchange:
        service = start(
            "up", "--feeds", "sim", "--symbols", "AAPL", "--feeds-dir", folder, "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the subscription")
        with Client(service.port) as client:
            for channel in ("ticker-AAPL", "ticker-AAPL@sim", "ticker-AAPL;1m"):
                client.say("pusher:subscribe", {"channel": channel})
            client.until("pusher_internal:subscription_succeeded")
            exchange.trade("AAPL", 230)
            exchange.send(json.dumps(halted))
            exchange.send(json.dumps(halted))
            exchange.send(json.dumps({**halted, "state": "Q"}))
            exchange.trade("AAPL", 231)
            exchange.send(json.dumps({**halted, "state": "T", "reason": None}))
            exchange.trade("AAPL", 232)
            seen = []
            while not (seen and seen[-1]["event"] == "tick" and json.loads(seen[-1]["data"])["price"] == "232"
                       and seen[-1]["channel"] == "ticker-AAPL"):
                seen.append(client.next())
            told = [(event["channel"], json.loads(event["data"])) for event in seen + client.all() if event["event"] == "halt"]
            for channel in ("ticker-AAPL", "ticker-AAPL@sim", "ticker-AAPL;1m"):
                states = [data for name, data in told if name == channel]
                assert [data["state"] for data in states] == ["halted", "trading"], channel
                assert states[0]["reason"] == "News pending" and "reason" not in states[1]
                assert states[0]["eventTime"].startswith("2026-11-23T19:15:00") and states[0]["venue"] == "sim"
            ticks = [json.loads(event["data"]) for event in seen if event["event"] == "tick" and event["channel"] == "ticker-AAPL"]
            assert [(tick["price"], tick.get("halted")) for tick in ticks] == [
                ("230", None), ("230", True), ("231", True), ("231", None), ("232", None)]
        # Its end is missed: the connection is lost meanwhile. A trade after the reconnect tells it.
        exchange.send(json.dumps(halted))
        wait_until(lambda: snapshot(service, "ticker-AAPL").get("halted"), what="the halt in the snapshot")
        exchange.disconnect()
        wait_until(exchange.subscribed, what="the reconnect")
        exchange.trade("AAPL", 233)
        wait_until(lambda: snapshot(service, "ticker-AAPL")["price"] == "233", what="the trade")
        assert "halted" not in snapshot(service, "ticker-AAPL")
        frames = report(service, "sim")["frames"]
        assert frames["malformed"] == frames["unmatched"] == 0, frames


def snapshot(service, channel):
    """What a new subscriber of a market channel is shown."""
    with Client(service.port) as client:
        client.say("pusher:subscribe", {"channel": channel})
        return json.loads(client.until("snapshot")[-1]["data"])
