"""Two gateways and an ingester on one PostgreSQL and one NATS server act as one service."""
import json
import signal
import socket
import time

import pytest

from conftest import APP, Service, environment, free_port, tickwire, wait_until
from hooks import HookReceiver
from nats import Nats
from protocol import Client, get, library, request

COMMON = {
    "TICKWIRE_APP_CLIENT_EVENTS": "true", "TICKWIRE_APP_SUBSCRIPTION_COUNTS": "true",
    "TICKWIRE_WEBHOOKS_ALLOW_PRIVATE": "true",
}
LEASE = 5  # seconds: what a node that says nothing is given


class Nodes:
    """Starts processes that share a database and a NATS server."""

    def __init__(self, folder, database, nats, **extra):
        self.folder, self.database, self.nats, self.extra = folder, database, nats, extra
        self.services = []

    def start(self, command, *arguments, **extra):
        port = free_port()
        name = f"{command}-{len(self.services)}"
        env = environment(
            TICKWIRE_DATA_DIR=self.folder / name, TICKWIRE_LOG_LEVEL="info", DATABASE_URL=self.database, **APP,
            **COMMON, **self.extra, **extra)
        service = Service(
            [command, "--port", port, "--nats", self.nats.url, *arguments], env, port, self.folder / f"{name}.log")
        self.services.append(service)
        return service

    def stop(self):
        for service in self.services:
            service.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, module_database):
    """Two gateways, whose webhooks go to one receiver."""
    folder = tmp_path_factory.mktemp("cluster")
    nats = Nats(folder)
    with HookReceiver() as hooks:
        nodes = Nodes(folder, module_database, nats, TICKWIRE_APP_WEBHOOKS=hooks.url)
        try:
            nodes.hooks = hooks
            first = nodes.start("gateway").wait_ready()
            nodes.gateways = [first, nodes.start("gateway").wait_ready()]
            for gateway in nodes.gateways:
                wait_until(lambda: peers(gateway) == 1, 10, "the other gateway")
            yield nodes
        finally:
            nodes.stop()
            nats.remove()


def peers(service):
    return len(json.loads(service.get("/v1/backplane"))["peers"])


def metric(service, name):
    line = next(line for line in service.get("/metrics").splitlines() if line.startswith(name + " "))
    return int(line.split()[1])


def names(frames):
    return [frame["event"] for frame in frames]


@pytest.fixture
def ports(cluster):
    return [gateway.port for gateway in cluster.gateways]


def on_both(ports, channel, *arguments):
    """A client on each gateway, subscribed; events published from now on reach both."""
    clients = [Client(port) for port in ports]
    for client in clients:
        client.subscribe(channel, *arguments)
    reached(ports, clients, channel)
    return clients


def reached(ports, clients, channel):
    """Waits until what is published on one gateway comes to the client on the other: subscriptions take a moment."""
    for port, client, other in [(ports[0], clients[1], clients[0]), (ports[1], clients[0], clients[1])]:

        def probe():
            library(port).trigger(channel, "probe", {})
            return "probe" in names(client.all())

        wait_until(probe, 5, f"events of port {port}")
        other.all()
    for client in clients:
        client.all()


# --- Events ---


def test_events_reach_the_clients_of_every_gateway_whoever_publishes(ports):
    first, second = on_both(ports, "news")
    for number, port in enumerate(ports):
        library(port).trigger("news", "story", {"number": number})
    for client in (first, second):
        got = [client.until("story")[-1], client.until("story")[-1]]
        assert sorted(json.loads(frame["data"])["number"] for frame in got) == [0, 1]
        assert "story" not in names(client.all()), "an event came twice"


def test_one_connection_is_left_out_on_whichever_gateway_it_is(ports):
    first, second = on_both(ports, "echo")
    library(ports[0]).trigger("echo", "said", "by the second", socket_id=second.id)
    library(ports[0]).trigger("echo", "said", "by nobody")
    assert [first.until("said")[-1]["data"] for _ in range(2)] == ["by the second", "by nobody"]
    assert second.until("said")[-1]["data"] == "by nobody"


def test_client_events_cross_with_the_senders_user_id_and_do_not_come_back(ports):
    first, second = [Client(port) for port in ports]
    first.subscribe("presence-chat", "ann")
    second.subscribe("presence-chat", "bob")
    reached(ports, [first, second], "presence-chat")
    first.say("client-typing", {"on": True}, channel="presence-chat")
    frame = second.until("client-typing")[-1]
    assert frame["user_id"] == "ann" and json.loads(frame["data"]) == {"on": True}
    assert "client-typing" not in names(first.all())


def test_names_that_nats_would_misread_work(ports):
    channel = "a.b..c,d;e=f@g_h-."
    first, second = on_both(ports, channel)
    library(ports[0]).trigger(channel, "said", "x")
    assert second.until("said")[-1]["channel"] == channel


def test_many_events_keep_their_order_and_share_messages(cluster, ports):
    _, second = on_both(ports, "burst")
    before = metric(cluster.gateways[0], "tickwire_backplane_sent_total")
    publisher = library(ports[0])
    for start in range(0, 2000, 100):
        publisher.trigger_batch(
            [{"channel": "burst", "name": "n", "data": str(start + index)} for index in range(100)])
    got = [int(second.until("n")[-1]["data"]) for _ in range(2000)]
    assert got == list(range(2000))
    assert metric(cluster.gateways[0], "tickwire_backplane_sent_total") - before < 500


def test_an_event_to_a_user_reaches_every_gateway(ports):
    clients = [Client(port) for port in ports]
    for client in clients:
        client.sign_in({"id": "carl"})
        client.until("pusher:signin_success")
        client.ask("#server-to-user-carl", auth="")
        client.until("pusher_internal:subscription_succeeded")

    def told():
        library(ports[0]).send_to_user("carl", "hello", {})
        return all("hello" in names(client.all()) for client in clients)

    wait_until(told, 5, "both connections to hear it")


# --- Line 11 ---


def test_a_user_on_two_nodes_is_one_member(ports):
    watchers = [Client(port) for port in ports]
    for number, watcher in enumerate(watchers):
        watcher.subscribe("presence-line11", f"watcher{number}")
    wait_until(lambda: len(get(ports[0], "/channels/presence-line11/users")["users"]) == 2, 5, "both watchers")
    for watcher in watchers:
        watcher.all()
    one = Client(ports[0])
    one.subscribe("presence-line11", "dora", {"name": "Dora"})
    for watcher in watchers:
        frame = watcher.until("pusher_internal:member_added")[-1]
        assert json.loads(frame["data"]) == {"user_id": "dora", "user_info": {"name": "Dora"}}
    two = Client(ports[1])
    members = two.subscribe("presence-line11", "dora", {"name": "Another"})["presence"]
    assert members["count"] == 3 and members["hash"]["dora"] == {"name": "Dora"}
    for port in ports:
        state = get(port, "/channels/presence-line11", info="user_count")
        assert state == {"occupied": True, "user_count": 3}
    # Nodes hear of changes in order: who knows this one knows of the second connection.
    two.subscribe("line11-known")
    wait_until(lambda: get(ports[0], "/channels/line11-known")["occupied"], 5, "the first node to know")
    one.subscribe("line11-first")
    one.close()
    # The second is still there: nothing is told until it goes, too.
    wait_until(lambda: not get(ports[1], "/channels/line11-first")["occupied"], 5, "the second node to know")
    for watcher in watchers:
        assert "pusher_internal:member_removed" not in names(watcher.all())
    two.close()
    for watcher in watchers:
        frames = watcher.until("pusher_internal:member_removed")
        assert json.loads(frames[-1]["data"]) == {"user_id": "dora"}
        assert names(frames).count("pusher_internal:member_added") == 0
    for port in ports:
        wait_until(lambda: get(port, "/channels/presence-line11", info="user_count")["user_count"] == 2, 5)
    assert all(not [f for f in w.all() if f["event"].startswith("pusher_internal:member")] for w in watchers)


def test_numbers_and_lists_are_those_of_the_cluster(ports):
    first = Client(ports[0], counts=True)
    first.subscribe("room")
    second = Client(ports[1])
    second.subscribe("room")
    while json.loads(first.until("pusher_internal:subscription_count")[-1]["data"])["subscription_count"] != 2:
        pass
    for port in ports:
        wait_until(
            lambda: get(port, "/channels/room", info="subscription_count")["subscription_count"] == 2, 5, "two")
        assert "room" in get(port, "/channels")["channels"]
        status, text = request(
            port, "POST", "/events",
            body=json.dumps({"name": "n", "channel": "room", "data": "x", "info": "subscription_count"}))
        assert (status, json.loads(text)["channels"]["room"]) == (200, {"subscription_count": 2})
    second.close()
    wait_until(lambda: get(ports[0], "/channels/room", info="subscription_count")["subscription_count"] == 1, 5)
    first.close()
    for port in ports:
        wait_until(lambda: not get(port, "/channels/room")["occupied"], 5, "nobody")


# --- Users: watchlists and line 22 ---


def test_watchers_hear_of_users_on_the_other_node(ports):
    watcher = Client(ports[0])
    watcher.sign_in({"id": "eve", "watchlist": ["fred"]})
    frame = watcher.until("pusher_internal:watchlist_events")[-1]
    assert json.loads(frame["data"])["events"] == [{"name": "offline", "user_ids": ["fred"]}]
    fred = Client(ports[1])
    fred.sign_in({"id": "fred"})
    frame = watcher.until("pusher_internal:watchlist_events")[-1]
    assert json.loads(frame["data"])["events"] == [{"name": "online", "user_ids": ["fred"]}]
    fred.close()
    frame = watcher.until("pusher_internal:watchlist_events")[-1]
    assert json.loads(frame["data"])["events"] == [{"name": "offline", "user_ids": ["fred"]}]


def test_a_user_is_ended_on_every_node_and_mere_members_stay(ports):
    signed = [Client(port) for port in ports]
    for client in signed:
        client.sign_in({"id": "gus"})
        client.until("pusher:signin_success")
    member = Client(ports[1])
    member.subscribe("presence-line22", "gus")
    status, _ = request(ports[0], "POST", "/users/gus/terminate_connections", body="{}")
    assert status == 200
    assert [client.close_code() for client in signed] == [4009, 4009]
    assert member.all() is not None  # It answers: it is open.


# --- What channels hold ---


def test_a_cache_channel_holds_the_same_on_every_node(ports):
    library(ports[0]).trigger("cache-rates", "rate", {"eur": 1})
    late = Client(ports[1])
    late.subscribe("cache-rates")
    frame = late.next()
    assert (frame["event"], json.loads(frame["data"])) == ("rate", {"eur": 1})
    # The newer one wins, wherever it was published; the older one is not told any more.
    library(ports[1]).trigger("cache-rates", "rate", {"eur": 2})
    for port in ports:
        assert json.loads(get(port, "/channels/cache-rates", info="cache")["cache"]["data"]) == {"eur": 2}
        client = Client(port)
        client.subscribe("cache-rates")
        assert json.loads(client.next()["data"]) == {"eur": 2}


def test_a_cache_channel_that_nobody_has_published_on_is_missed(cluster, ports):
    clients = [Client(port) for port in ports]
    for client in clients:
        client.subscribe("cache-empty")
        assert client.next()["event"] == "pusher:cache_miss"
    wait_until(lambda: "cache_miss" in cluster.hooks.names("cache-empty"), 5, "the webhook")
    for client in clients:
        client.close()
    wait_until(lambda: "channel_vacated" in cluster.hooks.names("cache-empty"), 10, "the end")
    assert cluster.hooks.names("cache-empty").count("cache_miss") == 1


def test_nothing_older_follows_something_newer_on_a_cache_channel(ports):
    """Clients join on one node while the other one publishes as fast as it can."""
    publisher = library(ports[0])
    for round_number in range(10):
        channel = f"cache-storm-{round_number}"
        publisher.trigger(channel, "n", "0")
        client = Client(ports[1])
        client.ask(channel)
        for number in range(1, 20):
            publisher.trigger(channel, "n", str(number))
        numbers = []
        while not numbers or numbers[-1] != 19:
            frame = client.until("n")[-1]
            numbers.append(int(frame["data"]))
        assert numbers == sorted(set(numbers)), numbers


# --- Webhooks ---


def test_webhooks_are_sent_once(cluster, ports):
    channels = [f"presence-hook-{number}" for number in range(6)]
    clients = []
    for number, channel in enumerate(channels):
        client = Client(ports[number % 2])
        client.subscribe(channel, "hal")
        other = Client(ports[(number + 1) % 2])
        other.subscribe(channel, "ida")
        clients += [client, other]
    for channel in channels:
        wait_until(lambda: cluster.hooks.names(channel).count("member_added") == 2, 5, "both members")
    for client in clients:
        client.close()
    for channel in channels:
        wait_until(lambda: "channel_vacated" in cluster.hooks.names(channel), 10, "the end")
        events = cluster.hooks.names(channel)
        assert sorted(events) == sorted(
            ["channel_occupied", "member_added", "member_added", "member_removed", "member_removed",
             "channel_vacated"])
        assert events[0] == "channel_occupied" and events[-1] == "channel_vacated"


# --- Malformed messages ---


def test_what_makes_no_sense_is_counted_and_dropped(cluster, ports):
    before = metric(cluster.gateways[0], "tickwire_backplane_malformed_total")
    with socket.create_connection(("127.0.0.1", cluster.nats.port)) as connection:
        connection.recv(4096)
        connection.sendall(b'CONNECT {"verbose":false}\r\n')
        payloads = [b"", b"T", b"nonsense" * 100, b"T\x01\x02" + b"\xff" * 8, b"T\x01\x03" + b"\x00" * 60,
                    b"T\x01\x03" + b"\x00" * 24 + b"\x01\x00\x01x\x00\x01y\xff\xff\xff\xff\xff\xff\xff\xff", b"T\x63\x02" + b"\0" * 30]
        for payload in payloads:
            for subject in (b"tickwire.dir", b"tickwire.ask"):
                connection.sendall(b"PUB %s %d\r\n%s\r\n" % (subject, len(payload), payload))
        connection.sendall(b"PING\r\n")
        assert b"PONG" in connection.recv(4096)
    wait_until(
        lambda: metric(cluster.gateways[0], "tickwire_backplane_malformed_total") - before >= 2 * len(payloads), 5,
        "the count")
    test_events_reach_the_clients_of_every_gateway_whoever_publishes(ports)


# --- Line 14 and the loss of NATS ---


def test_a_killed_node_takes_its_members_with_it_and_its_webhooks_are_taken_over(tmp_path, database):
    nats = Nats(tmp_path)
    with HookReceiver() as hooks:
        nodes = Nodes(tmp_path, database, nats, TICKWIRE_APP_WEBHOOKS=hooks.url)
        try:
            first = nodes.start("gateway").wait_ready()
            second = nodes.start("gateway").wait_ready()
            wait_until(lambda: peers(first) == 1 and peers(second) == 1, 10, "both")
            channels = [f"presence-line14-{number}" for number in range(8)]
            watcher = Client(first.port)
            watcher.sign_in({"id": "lisa", "watchlist": ["jim"]})
            for channel in channels[:4]:
                watcher.subscribe(channel, "kim")
            lost = Client(second.port)
            lost.sign_in({"id": "jim"})
            for channel in channels:
                lost.subscribe(channel, "jim")
                wait_until(lambda: "member_added" in hooks.names(channel), 5, "the member")
            for _ in channels[:4]:
                watcher.until("pusher_internal:member_added")
            second.process.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            removed = {watcher.until("pusher_internal:member_removed")[-1]["channel"] for _ in channels[:4]}
            assert removed == set(channels[:4]) and time.monotonic() - killed < LEASE + 1
            assert not get(first.port, f"/channels/{channels[7]}")["occupied"]
            for channel in channels:
                wait_until(lambda: "member_removed" in hooks.names(channel), 10, "the webhook")
                assert hooks.names(channel).count("member_removed") == 1
            for channel in channels[4:]:
                assert hooks.names(channel)[-1] == "channel_vacated"
            # It comes back as a new node and is told who is there.
            third = nodes.start("gateway").wait_ready()
            again = Client(third.port)
            assert again.subscribe(channels[0], "jim")["presence"]["count"] == 2
            watcher.until("pusher_internal:member_added")
        finally:
            for service in nodes.services:
                if service.process.poll() is None:
                    service.stop()
            nats.remove()


def ticker(client, symbol="BTC-USD", event="tick", timeout=20):
    """The next event of a symbol's ticker, decoded."""
    while True:
        frame = client.until(event, timeout)[-1]
        if frame.get("channel", "").startswith(f"ticker-{symbol}"):
            return json.loads(frame["data"])


def test_prices_reach_every_gateway_and_survive_the_loss_of_nats(tmp_path, database):
    nats = Nats(tmp_path)
    nodes = Nodes(tmp_path, database, nats)
    try:
        ingester = nodes.start("ingest", "--demo", TICKWIRE_SIMULATOR_RATE=60).wait_ready()
        gateways = [nodes.start("gateway").wait_ready() for _ in range(2)]
        wait_until(
            lambda: all("BTC-USD" in gateway.get("/v1/symbols") for gateway in gateways), 20, "the symbols")
        wait_until(lambda: all(peers(gateway) == 2 for gateway in gateways), 10, "all nodes")
        clients = [Client(gateway.port) for gateway in gateways]
        for client in clients:
            client.ask("ticker-BTC-USD")
            client.until("pusher_internal:subscription_succeeded")
            # The first subscriber of this gateway: the snapshot is the ingester's.
            frame = client.next()
            assert frame["event"] == "snapshot", frame
            sequence = json.loads(frame["data"])["sequence"]
            for _ in range(5):
                tick = ticker(client)
                assert sequence < tick["sequence"] <= sequence + 1, "a hole, or something older"
                sequence = tick["sequence"]
        derived = Client(gateways[1].port)
        derived.ask("market;100ms")
        assert [frame["event"] for frame in (derived.next(), derived.next())] == [
            "pusher_internal:subscription_succeeded", "snapshot"]
        derived.until("market")
        slow = Client(gateways[0].port)
        slow.ask("ticker-ETH-USD;100ms;delta")
        assert slow.until("snapshot")[-1]["channel"] == "ticker-ETH-USD;100ms;delta"

        presence = [Client(gateway.port) for gateway in gateways]
        for number, client in enumerate(presence):
            client.subscribe("presence-split", str(number))
        for gateway in gateways:
            wait_until(lambda: len(get(gateway.port, "/channels/presence-split/users")["users"]) == 2, 5, "both")
        nats.kill()
        killed = time.monotonic()
        for client in clients:
            stale = json.loads(client.until("stale")[-1]["data"])
            assert stale["symbol"] == "BTC-USD" and stale["reason"] == "disconnected"
        for client in presence:
            client.until("pusher_internal:member_removed", LEASE + 3)
        assert time.monotonic() - killed < LEASE + 4
        # What one node has goes on.
        for gateway in gateways:
            local = Client(gateway.port)
            local.subscribe("local")
            library(gateway.port).trigger("local", "said", "x")
            local.until("said")
        assert ingester.process.poll() is None and "alone" in gateways[0].get("/readyz")

        nats.start()
        for client in clients:
            fresh = json.loads(client.until("snapshot", 15)[-1]["data"])
            assert ticker(client)["sequence"] > fresh["sequence"] - 1
        for client in presence:
            client.until("pusher_internal:member_added", 15)
        late = Client(gateways[0].port)
        assert late.subscribe("presence-split", "late")["presence"]["count"] == 3
        # The ingester ends: its prices are not current any more.
        ingester.process.send_signal(signal.SIGKILL)
        for client in clients:
            client.until("stale", LEASE + 5)
    finally:
        for service in nodes.services:
            if service.process.poll() is None:
                service.stop()
        nats.remove()


# --- Settings ---


@pytest.mark.parametrize("url", ["http://x", "nats://", "nats://h:99999", "nats://user:geheim@:1"])
def test_a_bad_address_ends_the_start_with_one_line_without_its_password(url, tmp_path):
    result = tickwire("gateway", "--nats", url, TICKWIRE_DATA_DIR=tmp_path, **APP)
    assert result.returncode == 78 and "nats.url" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1 and "geheim" not in result.stderr
