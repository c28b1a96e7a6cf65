"""The Pusher protocol with PyPI's own client libraries."""
import json
import threading
import time
import urllib.error
import urllib.request

import pusher
import pusher.errors
import pysher
import pytest
from pysher.channel import Channel
from websockets.sync.client import connect

from conftest import APP, free_port, wait_until
from exchanges import PriceExchange, fed_gateway

KEY, SECRET, APP_ID = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], APP["TICKWIRE_APP_ID"]


def subscriber(port, key=KEY):
    client = pysher.Pusher(key, custom_host="127.0.0.1", secure=False, port=port)
    connected = threading.Event()
    client.connection.bind("pusher:connection_established", lambda _: connected.set())
    client.connect()
    assert connected.wait(10), "no greeting"
    return client


def listen(client, name, **callbacks):
    """Subscribes with the callbacks in place: pysher's `subscribe` makes the channel when the answer may have come already."""
    channel = Channel(name, client.connection)
    for event, callback in callbacks.items():
        channel.bind(event, callback)
    client.channels[name] = channel
    client.connection.send_event("pusher:subscribe", {"channel": name})


def publisher(port, app_id=APP_ID, secret=SECRET):
    return pusher.Pusher(app_id=app_id, key=KEY, secret=secret, host="127.0.0.1", port=port, ssl=False)


def raw(port, key=KEY, query="protocol=7&client=test&version=1.0", **options):
    return connect(f"ws://127.0.0.1:{port}/app/{key}?{query}", **options)


@pytest.fixture
def market(start, database):
    """A service fed by an exchange that the test plays."""
    with PriceExchange(free_port()) as exchange:
        service = start("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD,AAPL", DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the feed's subscription")
        yield service, exchange


def test_pysher_receives_a_snapshot_and_then_every_tick_in_sequence(market):
    service, exchange = market
    exchange.trade("BTC-USD", "64000.10")
    exchange.trade("BTC-USD", "64000.20")
    ticks, snapshots, done = [], [], threading.Event()

    client = subscriber(service.port)
    listen(
        client, "ticker-BTC-USD", snapshot=lambda data: snapshots.append(json.loads(data)),
        tick=lambda data: (ticks.append(json.loads(data)), len(ticks) >= 20 and done.set()))
    wait_until(lambda: snapshots, what="the snapshot")
    for step in range(20):
        exchange.trade("BTC-USD", f"6400{step % 10}.5")
    assert done.wait(10)
    client.disconnect(timeout=1)  # its reader may sleep in select() for 95 s on the closed socket

    assert snapshots[0]["price"] == "64000.2" and snapshots[0]["venue"] == "sim" and snapshots[0]["reference"] == "24h"
    sequences = [snapshots[0]["sequence"]] + [tick["sequence"] for tick in ticks]
    assert sequences == list(range(sequences[0], sequences[0] + 21))
    assert ticks[-1]["price"] == "64009.5"
    assert len(snapshots) == 1


def test_venue_and_trade_channels(market):
    service, exchange = market
    with raw(service.port) as connection:
        json.loads(connection.recv())
        for name in ("ticker-BTC-USD@sim", "trades-BTC-USD"):
            connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": name}}))
            answer = json.loads(connection.recv(5))
            assert (answer["event"], answer["channel"], answer["data"]) == ("pusher_internal:subscription_succeeded", name, "{}")
        sent = exchange.trade("BTC-USD", "1.25", size="0.5", side="sell")
        frames = {}
        for _ in range(2):
            frame = json.loads(connection.recv(5))
            frames[frame["channel"]] = (frame["event"], json.loads(frame["data"]))
    event, trade = frames["trades-BTC-USD"]
    assert event == "trade"
    assert {k: trade[k] for k in ("price", "size", "side", "id")} == {"price": "1.25", "size": "0.5", "side": "sell", "id": sent["id"]}
    assert frames["ticker-BTC-USD@sim"][0] == "tick"


def test_an_application_publishes_with_the_pusher_library_and_pysher_receives_it(market):
    service, _ = market
    got = []
    client = subscriber(service.port)
    client.subscribe("my-channel").bind("hello", lambda data: got.append(data))
    api = publisher(service.port)
    wait_until(lambda: "my-channel" in api.channels_info()["channels"], what="the occupied channel")
    assert api.trigger("my-channel", "hello", {"some": "data"}) == {}
    api.trigger_batch([{"channel": "my-channel", "name": "hello", "data": {"n": n}} for n in range(10)])
    wait_until(lambda: len(got) == 11, what="all events")
    assert [json.loads(data) for data in got] == [{"some": "data"}] + [{"n": n} for n in range(10)]
    assert api.channel_info("my-channel", ["subscription_count"])["occupied"] is True
    assert api.channel_info("nobody-here")["occupied"] is False
    client.disconnect(timeout=1)  # its reader may sleep in select() for 95 s on the closed socket


def test_wrong_signature_is_401_and_unknown_app_is_404(market):
    service, _ = market
    with pytest.raises(pusher.errors.PusherBadAuth):
        publisher(service.port, secret="wrong").trigger("c", "e", {})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"http://127.0.0.1:{service.port}/apps/999/channels?auth_key=x")
    assert error.value.code == 404


def test_an_unknown_key_closes_with_4001_and_an_old_protocol_with_4007(market):
    service, _ = market
    for options, code in [({"key": "nope"}, 4001), ({"query": "protocol=3"}, 4007)]:
        with raw(service.port, **options) as connection:
            with pytest.raises(Exception):
                while True:
                    connection.recv(5)
            assert connection.close_code == code


def test_ping_subprotocol_and_errors_leave_the_connection_open(market):
    service, _ = market
    with raw(service.port, subprotocols=["pusher-channels-protocol-7"]) as connection:
        assert connection.subprotocol == "pusher-channels-protocol-7"
        greeting = json.loads(connection.recv(5))
        details = json.loads(greeting["data"])
        assert greeting["event"] == "pusher:connection_established" and details["activity_timeout"] > 0
        assert all(part.isdigit() for part in details["socket_id"].split(".")) and details["socket_id"].count(".") == 1
        for data in ({}, "{}", None):
            frame = {"event": "pusher:ping"} if data is None else {"event": "pusher:ping", "data": data}
            connection.send(json.dumps(frame))
            assert json.loads(connection.recv(5)) == {"event": "pusher:pong", "data": "{}"}
        for bad in ["not json", "{}", '{"event":"pusher:nonsense"}', '{"event":"pusher:subscribe","data":{"channel":"no such/name"}}',
                    '{"event":"pusher:unsubscribe","data":{"channel":"never-joined"}}']:
            connection.send(bad)
            answer = json.loads(connection.recv(5))
            while answer["event"] == "pusher:subscription_error":  # follows the error of a subscription
                answer = json.loads(connection.recv(5))
            assert answer["event"] == "pusher:error" and isinstance(answer["data"], dict), answer
        while True:
            connection.send('{"event":"pusher:ping"}')
            if json.loads(connection.recv(5))["event"] == "pusher:pong":
                break


def test_unknown_symbols_are_refused_with_near_misses(market):
    service, exchange = market
    exchange.trade("BTC-USD", "1")
    time.sleep(0.5)
    with raw(service.port) as connection:
        connection.recv(5)
        connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "ticker-BTC-USE"}}))
        answer = json.loads(connection.recv(5))
        assert answer["event"] == "pusher:error" and "BTC-USD" in answer["data"]["message"]


def test_private_channels_need_a_signature(market):
    service, _ = market
    api = publisher(service.port)
    with raw(service.port) as connection:
        socket_id = json.loads(json.loads(connection.recv(5))["data"])["socket_id"]
        for auth in (f"{KEY}:{'0' * 64}", "", "other:abc"):
            connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "private-alerts-ann", "auth": auth}}))
            assert json.loads(connection.recv(5))["event"] == "pusher:error"
            assert json.loads(connection.recv(5))["event"] == "pusher:subscription_error"
        auth = api.authenticate("private-alerts-ann", socket_id)["auth"]
        connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "private-alerts-ann", "auth": auth}}))
        assert json.loads(connection.recv(5))["event"] == "pusher_internal:subscription_succeeded"


def test_a_separate_ingester_feeds_a_gateway(start, database):
    with fed_gateway(start, database) as (gateway, exchange):
        ticks, snapshots = [], []
        client = subscriber(gateway.port)
        listen(
            client, "ticker-BTC-USD", snapshot=lambda data: snapshots.append(json.loads(data)),
            tick=lambda data: ticks.append(json.loads(data)))
        # The gateway may know the symbol from the database before the first price has come to it.
        wait_until(lambda: snapshots or ticks, what="the first price")
        for price in range(101, 151):
            exchange.trade("BTC-USD", price)
        wait_until(lambda: ticks and ticks[-1]["price"] == "150", what="the last tick")
        client.disconnect(timeout=1)  # its reader may sleep in select() for 95 s on the closed socket
    assert [tick["price"] for tick in snapshots + ticks] == [str(price) for price in range(100, 151)]
