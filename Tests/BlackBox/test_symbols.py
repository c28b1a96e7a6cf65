"""Symbols as a user keeps them: added and removed while feeds run, remembered, listed and found."""
import collections
import datetime
import http.server
import json
import threading

import psycopg
import pytest

import soak
from conftest import ROOT, environment, free_port, json_lines, rows, tickwire, wait_until
from exchanges import MockExchange, PriceExchange
from test_feeds_live import feeds_folder, replace, report


class Market(PriceExchange):
    """Sends a trade of each symbol as soon as it is subscribed, and refuses what it does not have."""

    def __init__(self, port, refused=()):
        self.refused = refused
        self.numbers = collections.Counter()
        super().__init__(port)
        self.script = Market._trade

    @staticmethod
    async def _trade(self, connection):
        self._clients.add(connection)
        try:
            async for message in connection:
                request = json.loads(message)
                self.received.append(request)
                for symbol in request["symbols"] if request["type"] == "subscribe" else ():
                    self._id += 1
                    self.numbers[symbol] += 1
                    await connection.send(json.dumps({
                        "type": "trade", "symbol": symbol, "price": "100", "size": "1", "side": "buy", "id": str(self._id),
                        "time": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z"), "seq": self.numbers[symbol]}))
        finally:
            self._clients.discard(connection)

    def messages(self, kind):
        return [request["symbols"] for request in self.received if request["type"] == kind]


def coinbase(products):
    """A Coinbase that has these products; others it refuses by name."""
    async def script(exchange, connection):
        async for message in connection:
            request = json.loads(message)
            exchange.received.append(request)
            for product in request["product_ids"]:
                if request["type"] == "subscribe" and product not in products:
                    answer = {"type": "error", "message": "Failed to subscribe", "reason": f"{product} is not a valid product"}
                else:
                    answer = {"type": "subscriptions", "channels": [{"name": "matches", "product_ids": [product]}]}
                await connection.send(json.dumps(answer))

    return MockExchange(free_port(), script)


def user(service, *feeds, **extra):
    """What a second terminal has in its environment."""
    return {**service.env, "TICKWIRE_PORT": str(service.port), "TICKWIRE_FEEDS": ",".join(feeds), **extra}


def listed(env):
    """The rows of `symbols list`, by symbol and venue."""
    found = json_lines(tickwire("symbols", "list", "--json", env=env, check=True).stdout)
    return {(row["symbol"], row["venue"]): row for row in found}


def trades(database, symbol):
    return rows(database, "SELECT count(*) FROM ticks WHERE kind = 'trade' AND symbol = %s", symbol)[0][0]


def test_symbols_come_and_go_while_the_service_runs_and_are_remembered(start, database):
    with Market(free_port()) as exchange:
        arguments = ["up", "--feeds", "sim", "--symbols", "BTC-USD,LTC-USD", "--feed-url", f"sim={exchange.url}"]
        service = start(*arguments, DATABASE_URL=database)
        env = user(service, "sim")
        wait_until(lambda: trades(database, "BTC-USD") == 1, what="the first trade")
        assert exchange.messages("subscribe") == [["BTC-USD", "LTC-USD"]]

        added = tickwire("symbols", "add", "ETH-USD", "AAPL", "--json", env=env, check=True)
        assert json_lines(added.stdout) == [
            {"symbol": symbol, "feed": "sim", "native": symbol, "state": "subscribed"} for symbol in ("ETH-USD", "AAPL")]
        assert added.stderr == ""
        # One message for the difference, on the connection that is there.
        assert exchange.messages("subscribe")[1:] == [["AAPL", "ETH-USD"]]
        wait_until(lambda: trades(database, "ETH-USD") == 1 and trades(database, "AAPL") == 1, what="trades of what was added")
        assert exchange.connections == 1 and report(service, "sim")["reconnects"] == 0
        assert {"AAPL", "ETH-USD"} <= {entry["symbol"] for entry in json.loads(service.get("/v1/symbols"))}
        watched = tickwire("watch", "ETH-USD", "--json", "--count", "1", env=env, check=True)
        assert json_lines(watched.stdout)[0]["symbol"] == "ETH-USD"

        removed = tickwire("symbols", "remove", "BTC-USD", env=env, check=True)
        assert exchange.messages("unsubscribe") == [["BTC-USD"]]
        assert removed.stdout.splitlines()[1].split() == ["BTC-USD", "sim", "BTC-USD", "removed"]
        shown = listed(env)
        assert {key: (row["from"], row.get("state")) for key, row in shown.items()} == {
            ("AAPL", "sim"): ("added", "subscribed"), ("BTC-USD", "sim"): ("removed", None),
            ("ETH-USD", "sim"): ("added", "subscribed"), ("LTC-USD", "sim"): ("--symbols", "subscribed")}
        assert shown["ETH-USD", "sim"]["lastPrice"] == "100" and shown["ETH-USD", "sim"]["ageSeconds"] < 60
        table = tickwire("symbols", "list", env=env, check=True).stdout.splitlines()
        assert table[0].split("  ")[0] == "SYMBOL" and len(table) == 5
        assert exchange.connections == 1

        service.stop()
        exchange.received.clear()
        service = start(*arguments, DATABASE_URL=database)
        env = user(service, "sim")
        wait_until(lambda: exchange.messages("subscribe"), what="the subscription after the restart")
        assert exchange.messages("subscribe") == [["LTC-USD", "AAPL", "ETH-USD"]]
        line = next(line for line in service.text().splitlines() if "left out because it was removed" in line)
        assert "warning" in line and "symbol=BTC-USD" in line and "tickwire symbols add BTC-USD" in line
        tickwire("symbols", "add", "BTC-USD", env=env, check=True)
        assert exchange.messages("subscribe")[1:] == [["BTC-USD"]]
        assert listed(env)["BTC-USD", "sim"]["from"] == "--symbols"


def test_each_venue_takes_what_it_has_by_its_own_name_and_refusals_are_shown(start, database):
    with Market(free_port()) as sim, coinbase({"BTC-USD", "SOL-USD"}) as venue:
        service = start(
            "ingest", "--feeds", "sim,coinbase", "--symbols", "BTC-USD", "--feed-url", f"sim={sim.url}", "--feed-url",
            f"coinbase={venue.url}", DATABASE_URL=database)
        env = user(service, "kraken")
        wait_until(lambda: listed(env)[("BTC-USD", "coinbase")]["state"] == "subscribed", what="the subscription")

        # The service that runs is believed, not the settings of this terminal.
        added = json_lines(tickwire("symbols", "add", "SOL-USD", "--json", env=env, check=True).stdout)
        assert [(row["feed"], row["native"], row["state"]) for row in added] == [
            ("sim", "SOL-USD", "subscribed"), ("coinbase", "SOL-USD", "subscribed")]
        added = tickwire("symbols", "add", "XYZ-USD", "--feed", "coinbase", env=env, check=True)
        assert "refused: Failed to subscribe: XYZ-USD is not a valid product" in added.stdout
        row = listed(env)["XYZ-USD", "coinbase"]
        assert (row["from"], row["state"]) == ("added", "refused") and "not a valid product" in row["reason"]
        assert ("XYZ-USD", "sim") not in listed(env)
        assert "refused: Failed to subscribe" in tickwire("symbols", "list", env=env, check=True).stdout

        # A share is nothing for a venue of pairs.
        added = tickwire("symbols", "add", "AAPL", env=env, check=True)
        assert [line.split()[1] for line in added.stdout.splitlines()[1:]] == ["sim"]
        assert "Not at coinbase: it is about other instruments; add AAPL there with --feed coinbase." in added.stderr
        tickwire("symbols", "remove", "SOL-USD", "--feed", "sim", env=env, check=True)
        assert sim.messages("unsubscribe") == [["SOL-USD"]]
        assert ("SOL-USD", "coinbase") in listed(env)
        assert [request["type"] for request in venue.received] == ["subscribe"] * 3
        assert sim.connections == venue.connections == 1

        result = tickwire("symbols", "add", "BTC-EUR", "--feed", "kraken", env=env)
        assert result.returncode == 64 and "'kraken' is not enabled: enabled are sim, coinbase." in result.stderr


def test_what_a_symbol_missed_while_it_was_removed_is_no_gap(start, database):
    with Market(free_port()) as exchange:
        arguments = ["ingest", "--feeds", "sim", "--symbols", "BTC-USD,LTC-USD", "--feed-url", f"sim={exchange.url}"]
        service = start(*arguments, DATABASE_URL=database)
        env = user(service, "sim")
        wait_until(lambda: trades(database, "BTC-USD") == 1, what="the first trade")
        for count in 2, 3:
            tickwire("symbols", "remove", "BTC-USD", env=env, check=True)
            exchange.numbers["BTC-USD"] += 1000
            tickwire("symbols", "add", "BTC-USD", env=env, check=True)
            wait_until(lambda: trades(database, "BTC-USD") == count, what="the trade after the return")
        # Over a restart too, whether it is added again before or after it.
        tickwire("symbols", "remove", "BTC-USD", env=env, check=True)
        service.stop()
        exchange.numbers["BTC-USD"] += 1000
        service = start(*arguments, DATABASE_URL=database)
        env = user(service, "sim")
        wait_until(lambda: len(exchange.messages("subscribe")) == 4, what="the subscription after the restart")
        tickwire("symbols", "add", "BTC-USD", env=env, check=True)
        wait_until(lambda: trades(database, "BTC-USD") == 4, what="the trade after the restart")
        service.stop()
        assert rows(database, "SELECT symbol_id, reason, missing_count FROM feed_gaps") == []


def test_what_was_changed_while_postgresql_was_away_is_read_when_it_is_back(start, database):
    with Market(free_port()) as exchange:
        start("ingest", "--feeds", "sim", "--symbols", "BTC-USD", "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)
        wait_until(lambda: trades(database, "BTC-USD") == 1, what="the first trade")
        with psycopg.connect(database, autocommit=True) as connection:
            # A change that nobody is told of, as one during an outage of the listening connection.
            connection.execute("ALTER TABLE symbol_choices DISABLE TRIGGER USER")
            connection.execute("INSERT INTO symbol_choices (symbol, is_wanted) VALUES ('ETH-USD', true)")
            connection.execute("ALTER TABLE symbol_choices ENABLE TRIGGER USER")
            assert exchange.messages("subscribe") == [["BTC-USD"]]
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        wait_until(lambda: ["ETH-USD"] in exchange.messages("subscribe"), what="the symbol that was added meanwhile")
        assert exchange.connections == 1


def test_without_a_service_what_is_stored_is_shown_and_taken_up_at_the_next_start(start, database, tmp_path):
    env = environment(
        TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_PORT=free_port(), TICKWIRE_FEEDS="coinbase,kraken,bitstamp", DATABASE_URL=database)
    tickwire("migrate", env=env, check=True)
    added = tickwire("symbols", "add", "BTC-EUR", env=env, check=True)
    assert [line.split() for line in added.stdout.splitlines()[1:]] == [
        ["BTC-EUR", "coinbase", "BTC-EUR", "stored"], ["BTC-EUR", "kraken", "BTC/EUR", "stored"], ["BTC-EUR", "bitstamp", "btceur", "stored"]]
    assert "No service answers" in added.stderr
    tickwire("symbols", "remove", "DOGE-USD", "--feed", "kraken", env=env, check=True)
    result = tickwire("symbols", "list", "--json", env=env, check=True)
    assert "No service answers" in result.stderr and "tickwire up" in result.stderr
    shown = {(row["symbol"], row["venue"]): row for row in json_lines(result.stdout)}
    assert all("state" not in row for row in shown.values())
    assert [shown["DOGE-USD", venue]["from"] for venue in ("coinbase", "kraken", "bitstamp")] == ["default", "removed", "default"]
    assert [shown["BTC-EUR", venue]["from"] for venue in ("coinbase", "kraken", "bitstamp")] == ["added"] * 3
    with coinbase({"BTC-USD"}) as venue:
        start("ingest", "--feeds", "coinbase", "--feed-url", f"coinbase={venue.url}", DATABASE_URL=database)
        wait_until(lambda: venue.received, what="the subscription")
        assert venue.received[0]["product_ids"][-2:] == ["LINK-USD", "BTC-EUR"]


@pytest.mark.parametrize("answers, state, words", [
    (1, "stored, not taken up yet", "The change is stored, but the service answers no more"), (0, "stored", "HTTP status 500")])
def test_a_service_that_fails_meanwhile_does_not_undo_what_is_stored(database, tmp_path, answers, state, words):
    left = [answers]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            left[0] -= 1
            body = json.dumps([{
                "feed": "kraken", "title": "", "kind": "websocket", "state": "live", "connections": [], "frames": {}, "framesTotal": 0,
                "ticks": 0, "connects": 1, "reconnects": 0, "connectFailures": 0, "budgets": [], "reloads": 0, "samples": [],
                "symbols": []}]).encode()
            self.send_response(200 if left[0] >= 0 else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = environment(TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_FEEDS="kraken", DATABASE_URL=database)
        tickwire("migrate", env=env, check=True)
        result = tickwire("symbols", "add", "BTC-EUR", "--json", "--url", f"http://127.0.0.1:{server.server_port}", env=env)
        server.shutdown()
    assert result.returncode == 0, result.stderr
    assert json_lines(result.stdout) == [{"symbol": "BTC-EUR", "feed": "kraken", "native": "BTC/EUR", "state": state}]
    assert words in result.stderr and "No service answers" not in result.stderr
    assert rows(database, "SELECT symbol, is_wanted FROM symbol_choices") == [("BTC-EUR", True)]


def test_symbols_work_on_the_simulated_market_which_says_what_it_does_not_have(start, database):
    service = start("ingest", "--demo", "--symbols", "BTC-USD", DATABASE_URL=database)
    env = user(service, "coinbase")
    wait_until(lambda: ("BTC-USD", "sim") in listed(env), what="the simulated market")
    added = json_lines(tickwire("symbols", "add", "AAPL", "EUR-USD", "--json", env=env, check=True).stdout)
    assert [(row["symbol"], row["state"]) for row in added] == [("AAPL", "subscribed"), ("EUR-USD", "refused")]
    assert "does not have it" in added[1]["reason"]
    wait_until(lambda: trades(database, "AAPL") > 0, what="trades of what was added")
    assert report(service, "sim")["reconnects"] == 0


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["add", "btc/usd"], 64, ["'btc/usd'", "Did you mean BTC-USD"]),
        (["add", "BTC-USD", "B T C"], 64, ["'B T C'", "BRK.B"]),
        (["add"], 64, ["<symbols>"]),
        (["add", "BTC-EUR", "--feed", "krakn"], 64, ["'krakn'", "'kraken'"]),
        (["add", "BTC-EUR", "--feed", "okx"], 64, ["'okx'", "feeds.enabled"]),
        (["add", "BTC-EUR", "--feed", "Kraken"], 64, ["'Kraken'", "'kraken'"]),
        (["add", "AAPL"], 65, ["AAPL", "coinbase, coingecko", "yahoo"]),
        (["add", "DOGE-USDD", "--feed", "coingecko"], 65, ["DOGE-USDD", "coingecko", "DOGE-USD", "'symbols'"]),
        (["remove", "BTC-USDX"], 65, ["BTC-USDX", "Did you mean BTC-USD"]),
        (["remove", "btc-usd"], 64, ["'btc-usd'", "BTC-USD"]),
        (["search", "btc", "--feed", "krakn"], 64, ["'krakn'", "'kraken'"]),
        (["search", "--", "--"], 64, ["'--'"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and "Did" not in " ".join(value) else None,
)
def test_bad_input_names_the_value_and_the_fix_and_stores_nothing(module_database, tmp_path, arguments, code, words):
    env = environment(
        TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_PORT=free_port(), TICKWIRE_FEEDS="coinbase,coingecko", DATABASE_URL=module_database)
    result = tickwire("symbols", *arguments, env=env)
    assert result.returncode == code, result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert result.stdout == ""
    tickwire("migrate", env=env, check=True)
    assert rows(module_database, "SELECT count(*) FROM symbol_choices") == [(0,)]


FEED = """\
feed: %(name)s
title: %(name)s
asset: crypto
connect: {websocket: "wss://%(name)s.test/ws"}
symbols: {separator: "%(separator)s"}
defaults: [BTC-USD, ETH-USD]
messages:
  - when: {type: trade}
    trade: {symbol: s, price: p}
%(discover)s
"""


@pytest.fixture
def providers(tmp_path):
    """Feed files and the HTTP server of their providers: the environment, and the requests that came."""
    requests = []
    lists = {
        "/alpha": [{"id": "BTC/USD"}, {"id": "AVAX/EUR"}, {"id": "AVAX/USD"}, {"id": "OLD/USD", "off": True}],
        "/beta": [{"id": "AVAX_USDT"}, {"id": "weird"}],
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            body = json.dumps(lists[self.path]).encode() if self.path in lists else b"{}"
            self.send_response(200 if self.path in lists else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    folder = tmp_path / "feeds"
    folder.mkdir()
    names = {"alpha": "/", "beta": "_", "gone": "-", "plain": "-"}
    for name, separator in names.items():
        discover = f'discover: {{get: "https://api.{name}.test/{name}", symbol: id, when: {{off: {{exists: false}}}}}}'
        (folder / f"{name}.yaml").write_text(FEED % {
            "name": name, "separator": separator, "discover": "" if name == "plain" else discover})
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = environment(
            TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_FEEDS_DIR=folder, TICKWIRE_FEEDS="alpha,gone,plain",
            TICKWIRE_FEEDS_URLS=",".join(f"{name}=http://127.0.0.1:{server.server_port}" for name in names))
        yield env, requests
        server.shutdown()


def test_search_looks_through_files_and_database(database, providers):
    env, requests = providers
    env = {**env, "DATABASE_URL": database}
    tickwire("migrate", env=env, check=True)
    rows(database, "INSERT INTO symbols (name, asset) VALUES ('SHIB-USD', 'crypto'), ('TSLA', 'stock') RETURNING 1")
    found = json_lines(tickwire("symbols", "search", "btc_usd", "--json", env=env, check=True).stdout)
    assert [(row["symbol"], row["feed"], row["native"]) for row in found] == [
        ("BTC-USD", "alpha", "BTC/USD"), ("BTC-USD", "beta", "BTC_USD"), ("BTC-USD", "gone", "BTC-USD"), ("BTC-USD", "plain", "BTC-USD")]
    assert found[0]["add"] == "tickwire symbols add BTC-USD --feed alpha"
    assert found[1]["add"].startswith("enable beta (feeds.enabled), then tickwire symbols add")
    table = tickwire("symbols", "search", "Eth/", "--feed", "beta", env=env, check=True).stdout.splitlines()
    assert table[0].startswith("SYMBOL") and table[1].split()[:3] == ["ETH-USD", "beta", "ETH_USD"] and len(table) == 2
    # What the database knows is offered where a feed that runs can have it.
    found = json_lines(tickwire("symbols", "search", "shib", "--json", env=env, check=True).stdout)
    assert [(row["symbol"], row["feed"]) for row in found] == [("SHIB-USD", feed) for feed in ("alpha", "gone", "plain")]
    missing = tickwire("symbols", "search", "BTC-UDS", env=env)
    assert missing.returncode == 1 and missing.stdout == "" and "BTC-USD" in missing.stderr
    assert requests == []


def test_search_does_without_a_database(providers):
    env, _ = providers
    result = tickwire("symbols", "search", "eth", "--feed", "alpha", env=env, check=True)
    assert "ETH-USD" in result.stdout and "database is not looked through" in result.stderr


def test_search_asks_the_providers_and_one_that_fails_leaves_the_others(providers):
    env, requests = providers
    result = tickwire("symbols", "search", "avax", "--online", "--json", env=env, check=True)
    assert [(row["symbol"], row["native"], row["add"]) for row in json_lines(result.stdout)] == [
        (symbol, symbol.replace("-", "/"), f"tickwire symbols add {symbol} --feed alpha") for symbol in ("AVAX-EUR", "AVAX-USD")]
    assert "gone refuses" in result.stderr and "404" in result.stderr and "plain" in result.stderr
    assert sorted(requests) == ["/alpha", "/gone"]
    # A feed that is not enabled is asked when it is named, and what it has under no name here is told too.
    result = tickwire("symbols", "search", "e", "--online", "--feed", "beta", env=env, check=True)
    assert [line.split()[:3] for line in result.stdout.splitlines()[1:]] == [["-", "beta", "weird"]]
    missing = tickwire("symbols", "search", "AVX", "--online", "--feed", "alpha", env=env)
    assert missing.returncode == 1 and "AVAX" in missing.stderr and missing.stdout == ""
    off = tickwire("symbols", "search", "OLD", "--online", "--feed", "alpha", env=env)
    assert off.returncode == 1
    failed = tickwire("symbols", "search", "avax", "--online", "--feed", "gone", env=env)
    assert failed.returncode == 69 and "404" in failed.stderr
    none = tickwire("symbols", "search", "avax", "--online", "--feed", "plain", env=env)
    assert none.returncode == 64 and "'discover'" in none.stderr


def test_a_changed_file_changes_what_counts_as_a_gap_and_how_it_is_repaired(start, database, tmp_path):
    folder = feeds_folder(tmp_path, "sim")
    file = folder / "sim.yaml"
    whole = file.read_text()
    backfill = whole[whole.index("\n# The exchange keeps its trades"):whole.index("\ntests:")]
    counted = whole.replace(backfill, "\n")
    file.write_text(counted.replace(", sequence: {from: seq, step: 1}", "").replace(", sequence: 5", "").replace(", sequence: 7", ""))
    exchange = soak.Exchange(400, "gap 4 every 1s", tmp_path / "simulate.log")
    try:
        service = start("ingest", "--feeds-dir", folder, "--feeds", "sim", "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)

        def gaps(state):
            return rows(database, "SELECT count(*) FROM feed_gaps WHERE state = %s AND stream = 'trades'", state)[0][0]

        def withheld():
            return sum(account["withheld"] for account in exchange.get("/ledger")["symbols"].values())

        before = withheld()
        wait_until(lambda: withheld() > before + 4, what="trades that were not sent")
        assert rows(database, "SELECT count(*) FROM feed_gaps") == [(0,)]

        replace(file, file.read_text(), counted)
        wait_until(lambda: report(service, "sim")["reloads"] == 1, what="the file that counts")
        wait_until(lambda: gaps("unrepairable"), what="a gap that cannot be repaired")
        assert gaps("repaired") == 0

        replace(file, counted, whole)
        wait_until(lambda: report(service, "sim")["reloads"] == 2, what="the file that repairs")
        wait_until(lambda: gaps("repaired"), what="a gap that is repaired")
        assert report(service, "sim")["connects"] == 1
    finally:
        exchange.stop()


def test_a_changed_file_brings_its_own_symbols_and_keeps_what_was_added(start, database, tmp_path):
    folder = feeds_folder(tmp_path, "sim")
    file = folder / "sim.yaml"
    defaults = next(line for line in file.read_text().splitlines() if line.startswith("defaults:"))
    replace(file, defaults, "defaults: [BTC-USD, ETH-USD]")
    with Market(free_port()) as exchange:
        service = start("ingest", "--feeds-dir", folder, "--feeds", "sim", "--feed-url", f"sim={exchange.url}", DATABASE_URL=database)
        env = user(service, "sim", TICKWIRE_FEEDS_DIR=str(folder))
        wait_until(lambda: trades(database, "BTC-USD") == 1, what="the first trade")
        tickwire("symbols", "add", "AAPL", "LTC-USD", env=env, check=True)
        tickwire("symbols", "remove", "LTC-USD", "ETH-USD", env=env, check=True)
        replace(file, "defaults: [BTC-USD, ETH-USD]", "defaults: [ETH-USD, SOL-USD, LTC-USD]")
        wait_until(lambda: exchange.messages("unsubscribe") == [["ETH-USD", "LTC-USD"], ["BTC-USD"]], what="the old file's symbol gone")
        wait_until(lambda: exchange.messages("subscribe")[-1] == ["SOL-USD"], what="the new file's symbol")
        assert exchange.messages("subscribe") == [["BTC-USD", "ETH-USD"], ["AAPL", "LTC-USD"], ["SOL-USD"]]
        assert exchange.connections == 1
        assert {key[0]: row["from"] for key, row in listed(env).items()} == {
            "AAPL": "added", "ETH-USD": "removed", "LTC-USD": "removed", "SOL-USD": "default"}
