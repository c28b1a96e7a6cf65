"""Subscribing, names, cache channels and the numbers of subscribers: protocol sections 2, 3, 6.3 and 6.4."""
import base64
import hashlib
import json
import threading

import nacl.secret
import pytest

from conftest import wait_until
from protocol import KEY, Client, get, library, request, run_gateway


@pytest.fixture(scope="module")
def port(module_database, tmp_path_factory):
    for gateway in run_gateway(module_database, tmp_path_factory.mktemp("gateway")):
        yield gateway.port


KINDS = ["x", "cache-x", "private-x", "private-cache-x", "private-encrypted-x", "private-encrypted-cache-x", "presence-x",
         "presence-cache-x"]


def user_for(channel):
    return "1" if channel.startswith("presence-") else None


@pytest.mark.parametrize("channel", KINDS)
def test_each_kind_succeeds_and_is_refused_without_a_good_signature(port, channel):
    channel += "-signed"
    with Client(port) as client:
        if channel.startswith(("private-", "presence-")):
            user = user_for(channel)
            assert "Missing auth" in client.refused(channel, user, auth="")
            assert "Invalid signature" in client.refused(channel, user, auth=f"{KEY}:{'0' * 64}")
            assert "Invalid key" in client.refused(channel, user, auth=f"nope:{'0' * 64}")
            assert "Invalid subscription auth data" in client.refused(channel, user, auth="nonsense")
        data = client.subscribe(channel, user_for(channel))
        assert data == ({"presence": {"count": 1, "ids": ["1"], "hash": {"1": {}}}} if user_for(channel) else {})


@pytest.mark.parametrize("name", ["private", "privateer", "presence", "x-private-y", "x-presence-y", "cached", "Private-x", "server-to-user-1"])
def test_a_prefix_counts_at_the_start_and_with_its_dash_only(port, name):
    with Client(port) as client:
        assert client.subscribe(name, auth="") == {}
        assert not [frame for frame in client.all() if frame["event"] == "pusher:cache_miss"]


def test_names(port):
    api = library(port)
    every = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;"
    with Client(port) as client:
        for name in [every, *every, "n" * 164, "n" * 165, "n" * 200]:
            assert client.subscribe(name) == {}
        client.all()
        for name in ["n" * 201, "", "a b", "a/b", "a:b", "a#b", "#", "#x", "ä", "a\n"]:
            assert "Invalid channel name" in client.refused(name)
        client.all()
        for name in ["n" * 164, "n" * 200]:  # of what the library itself lets through
            api.trigger(name, "e", {})
            assert client.until("e")[-1]["channel"] == name
        body = json.dumps({"name": "e", "channel": "n" * 201, "data": ""})
        assert request(port, "POST", "/events", body=body)[0] == 400


def test_subscribing_and_leaving_twice(port):
    with Client(port) as client, Client(port) as other:
        other.subscribe("twice")
        other.all()
        assert client.subscribe("twice") == {}
        client.all()
        assert client.subscribe("twice") == {}
        library(port).trigger("twice", "e", {})
        assert [frame["event"] for frame in client.until("e")] == ["e"]
        assert get(port, "/channels/twice", info="subscription_count")["subscription_count"] == 2
        client.unsubscribe("twice")
        client.unsubscribe("twice")
        error = client.next()
        assert error["event"] == "pusher:error" and "No current subscription to channel twice" in error["data"]["message"]
        for _ in range(5):
            client.ask("twice")
            client.unsubscribe("twice")
        client.ask("twice")
        events = [frame["event"] for frame in client.all()]
        assert events.count("pusher_internal:subscription_succeeded") == 6 and "pusher:error" not in events
        assert get(port, "/channels/twice", info="subscription_count")["subscription_count"] == 2


def test_an_unknown_event_and_bad_frames_are_errors_with_an_object(port):
    with Client(port) as client:
        for frame in ['{"event":"pusher:nope"}', "{", "[]", '{"event":1}', '{"event":"pusher:subscribe","data":{}}']:
            client.socket.send(frame)
            error = client.next()
            assert error["event"] == "pusher:error" and set(error["data"]) == {"code", "message"}, error
        assert client.subscribe("still-there") == {}


@pytest.mark.parametrize("channel", ["cache-a", "private-cache-a", "private-encrypted-cache-a", "presence-cache-a"])
def test_a_cache_channel_replays_its_last_event_also_when_nobody_was_there(port, channel):
    user = user_for(channel)
    with Client(port) as client:
        client.subscribe(channel, user)
        assert client.next() == {"event": "pusher:cache_miss", "channel": channel, "data": "{}"}
    assert get(port, f"/channels/{channel}", info="cache") == {"occupied": False, "cache": None}
    api = library(port)
    # What the library would encrypt goes out as it would have made it.
    for name, data in [("first", "1"), ("second", '{"nonce":"n","ciphertext":"c"}')]:
        body = json.dumps({"name": name, "channel": channel, "data": data})
        assert request(port, "POST", "/events", body=body) == (200, "{}")
    info = get(port, f"/channels/{channel}", info="cache")
    assert info["cache"]["data"] == '{"nonce":"n","ciphertext":"c"}' and 1795 <= info["cache"]["ttl"] <= 1800
    for _ in range(4):  # on more than one event loop
        with Client(port) as client:
            client.subscribe(channel, user)
            assert client.next() == {"event": "second", "channel": channel, "data": '{"nonce":"n","ciphertext":"c"}'}
    assert api.channel_info("my-" + channel)["occupied"] is False
    assert request(port, "GET", "/channels/my-cache-x", {"info": "cache"})[0] == 400


@pytest.mark.parametrize("channel", ["private-encrypted-secret", "private-encrypted-cache-secret"])
def test_what_the_library_encrypts_arrives_as_it_was_and_opens_with_the_shared_secret(port, channel):
    master = bytes(range(32))
    api = library(port, encryption_master_key_base64=base64.b64encode(master).decode())
    with Client(port) as client:
        answer = api.authenticate(channel, client.id)
        client.subscribe(channel, auth=answer["auth"])
        client.all()
        api.trigger(channel, "e", {"price": "1"})
        frame = client.next()
        if "cache" in channel:
            with Client(port) as late:
                late.subscribe(channel)
                assert late.next() == frame
    box = json.loads(frame["data"])
    secret = base64.b64decode(answer["shared_secret"])
    assert secret == hashlib.sha256(channel.encode() + master).digest()
    opened = nacl.secret.SecretBox(secret).decrypt(base64.b64decode(box["ciphertext"]), base64.b64decode(box["nonce"]))
    assert json.loads(opened) == {"price": "1"}


def test_names_that_contain_cache_do_not_cache(port):
    api = library(port)
    for name in ["my-cache-x", "caches"]:
        api.trigger(name, "e", {})
        with Client(port) as client:
            client.subscribe(name)
            assert client.all() == []


def test_no_cached_event_comes_after_a_newer_live_one_in_a_storm(port):
    api, stop = library(port), threading.Event()

    def storm():
        number = 0
        while not stop.is_set():
            api.trigger_batch([{"channel": "cache-storm", "name": "n", "data": number + k} for k in range(10)])
            number += 10

    thread = threading.Thread(target=storm)
    thread.start()
    try:
        for _ in range(60):
            with Client(port) as client:
                client.ask("cache-storm")
                numbers = []
                while len(numbers) < 5:
                    frame = client.next()
                    if frame["event"] == "n":
                        numbers.append(int(frame["data"]))
                assert numbers == list(range(numbers[0], numbers[0] + 5))
    finally:
        stop.set()
        thread.join()


def test_subscribers_are_told_how_many_they_are(port):
    clients = [Client(port, counts=True) for _ in range(4)]
    try:
        for number, client in enumerate(clients, 1):
            client.subscribe("counted")
            for member in clients[:number]:
                frame = member.until("pusher_internal:subscription_count")[-1]
                assert frame["channel"] == "counted" and json.loads(frame["data"]) == {"subscription_count": number}
        clients[3].close()
        clients[2].unsubscribe("counted")
        for member in clients[:2]:
            wait_until(lambda: json.loads(member.next()["data"])["subscription_count"] == 2, what="the smaller number")
        for channel in ["presence-counted", "private-encrypted-counted"]:
            for client in clients[:2]:
                client.subscribe(channel, user_for(channel))
            assert not [f for f in clients[0].all() if f["event"].endswith("subscription_count")]
    finally:
        for client in clients:
            client.close()


def test_above_a_hundred_subscribers_the_number_is_told_every_five_seconds(port):
    clients = [Client(port, counts=True) for _ in range(106)]
    try:
        for client in clients:
            client.subscribe("many")

        def counts(frames):
            return [json.loads(f["data"])["subscription_count"] for f in frames if f["event"].endswith("subscription_count")]

        wait_until(lambda: get(port, "/channels/many", info="subscription_count")["subscription_count"] == 106)
        told = counts(clients[0].all())
        assert told[:100] == list(range(1, 101)) and len(told) <= 102, told[99:]
        if told[-1] != 106:
            assert json.loads(clients[0].next(10)["data"]) == {"subscription_count": 106}
    finally:
        for client in clients:
            client.close()
