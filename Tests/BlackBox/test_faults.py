"""The simulated exchange with faults, and what the service makes of them."""
import json
import urllib.error
import urllib.request

import pytest
from websockets.sync.client import connect

import soak
from conftest import tickwire

# Needs the machine for itself: it measures times, or sends thousands of ticks a second.
pytestmark = pytest.mark.load


@pytest.fixture
def exchange(tmp_path):
    running = []

    def start(rate=200, faults="none"):
        running.append(soak.Exchange(rate, faults, tmp_path / "simulate.log"))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def trades(exchange, symbols, seconds):
    """The trades that one connection receives."""
    frames = []
    with connect(exchange.url) as connection:
        connection.send(json.dumps({"type": "subscribe", "symbols": symbols}))
        end = soak.time.monotonic() + seconds
        while (left := end - soak.time.monotonic()) > 0:
            try:
                frames.append(json.loads(connection.recv(left)))
            except TimeoutError:
                break
    return [frame for frame in frames if frame["type"] == "trade"]


def test_what_is_sent_and_what_is_dropped_makes_up_the_ledger_and_only_the_dropped_is_never_served(exchange):
    market = exchange(rate=2000, faults="drop 5%, gap 3 every 100ms")
    names = ["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "AAPL", "MSFT", "NVDA", "TSLA"]
    got = trades(market, names, 2)
    accounts = market.get("/ledger")["symbols"]
    all_dropped, all_withheld = set(), set()
    for name in names:
        account = accounts[name]
        mine = [trade for trade in got if trade["symbol"] == name]
        sent = [int(trade["id"]) for trade in mine]
        last = sent[-1]
        dropped, withheld = ({n for n in soak.ids(account[key]) if n <= last} for key in ("droppedIds", "withheldIds"))
        assert sorted(set(sent) | dropped | withheld) == list(range(account["first"], last + 1))
        served = market.get(f"/trades?symbol={name}&from={account['first']}&to={last}&limit=10000")["trades"]
        assert {int(trade["id"]) for trade in served} == set(sent) | withheld
        assert [trade for trade in served if trade["id"] == mine[5]["id"]] == [mine[5]]
        assert all(trade["seq"] == int(trade["id"]) for trade in served)
        all_dropped |= dropped
        all_withheld |= withheld
    assert all_dropped and all_withheld


def test_faults_can_be_changed_while_it_runs_and_mistakes_are_named(exchange):
    market = exchange(rate=2000)
    assert market.get("/faults") == {"faults": "none"}
    assert market.set_faults("DROP 100%") == {"faults": "drop 100%"}
    assert trades(market, ["ETH-USD"], 0.5) == []
    assert market.set_faults("none") == {"faults": "none"}
    assert trades(market, ["ETH-USD"], 0.5)
    with pytest.raises(urllib.error.HTTPError) as error:
        market.set_faults("drop 1%, dup 2%")
    answer = json.load(error.value)
    assert error.value.code == 400 and "column 10" in answer["error"] and "'dup'" in answer["error"]
    for path, code, word in [("/trades?symbol=XYZ", 400, "XYZ"), ("/trades?symbol=BTC-USD&from=x", 400, "'x'"), ("/nope", 404, "/ledger")]:
        with pytest.raises(urllib.error.HTTPError) as error:
            market.get(path)
        assert error.value.code == code and word in json.load(error.value)["error"]


def test_a_cut_connection_can_come_back(exchange):
    market = exchange(rate=500, faults="disconnect every 1s")
    with connect(market.url) as connection:
        connection.send(json.dumps({"type": "subscribe", "symbols": ["BTC-USD"]}))
        with pytest.raises(Exception):
            while True:
                connection.recv(5)
    assert trades(market, ["BTC-USD"], 0.5)
    request = urllib.request.urlopen(f"http://127.0.0.1:{market.port}/ledger")
    assert request.status == 200


@pytest.mark.parametrize("arguments, word", [
    (["simulate", "--faults", "drop 1"], "column 6"),
    (["up", "--demo", "--faults", "drip 1%"], "'drip'"),
])
def test_bad_faults_are_named_on_the_command_line(arguments, word, tmp_path):
    result = tickwire(*arguments, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode in (64, 78) and word in result.stderr, result.stderr


def test_half_a_minute_of_every_fault_loses_nothing_that_can_be_had(database, tmp_path):
    faults = (
        "drop 1%, duplicate 1%, reorder 1%, garbage 0.5%, gap 20 every 5s, stall 2s every 11s, disconnect every 7s, skew 2s,"
        " burst 5x for 500ms every 6s"
    )
    report = soak.run(database, tmp_path, seconds=30, rate=500, faults=faults)
    assert report.holds, f"\n{report}"
