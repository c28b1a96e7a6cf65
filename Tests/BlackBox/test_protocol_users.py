"""Presence, client events, sign-in, watchlists and termination: protocol sections 5, 6.2 and 7."""
import json
import threading
import time

import pysher
import pytest

from conftest import wait_until
from conftest import sign
from protocol import KEY, SECRET, Client, get, library, request, run_gateway


@pytest.fixture(scope="module")
def port(module_database, tmp_path_factory):
    for gateway in run_gateway(module_database, tmp_path_factory.mktemp("gateway")):
        yield gateway.port


def members(frames, kind):
    return [json.loads(f["data"]) for f in frames if f["event"] == f"pusher_internal:member_{kind}"]


def test_a_user_on_several_connections_comes_and_goes_once(port):
    channel = "presence-several"
    with Client(port) as watcher:
        assert watcher.subscribe(channel, "w") == {"presence": {"count": 1, "ids": ["w"], "hash": {"w": {}}}}
        # Six connections are on all event loops.
        same = [Client(port) for _ in range(6)]
        for number, client in enumerate(same):
            data = client.subscribe(channel, 10, {"name": "Ann", "number": number})["presence"]
            assert data["count"] == 2 and data["ids"] == ["w", "10"]
            assert data["hash"] == {"w": {}, "10": {"name": "Ann", "number": 0}}, "the first connection's user_info holds"
            assert client.all() == [], "the joiner hears of nobody's coming"
        wait_until(lambda: get(port, f"/channels/{channel}", info="user_count") == {"occupied": True, "user_count": 2})
        assert get(port, f"/channels/{channel}/users") == {"users": [{"id": "w"}, {"id": "10"}]}
        assert get(port, "/channels", filter_by_prefix="presence-se", info="user_count") == {"channels": {channel: {"user_count": 2}}}
        added = watcher.until("pusher_internal:member_added") + watcher.all()
        assert members(added, "added") == [{"user_id": "10", "user_info": {"name": "Ann", "number": 0}}]
        for client in same[:3]:
            client.close()
        for client in same[3:5]:
            client.unsubscribe(channel)
        assert same[4].all() == [] and watcher.all() == []
        same[5].close()
        assert members(watcher.until("pusher_internal:member_removed"), "removed") == [{"user_id": "10"}]
        assert watcher.all() == []
        assert library(port).users_info(channel) == {"users": [{"id": "w"}]}
        for client in same:
            client.close()


def test_every_view_agrees_after_a_storm_of_joins_and_leaves(port):
    channel = "presence-storm"
    views, failures = {}, []

    def play(number):
        try:
            client = Client(port)
            for turn in range(8):
                view = set(client.subscribe(channel, f"{(number * 7 + turn) % 9}")["presence"]["ids"])
                if turn == 7:
                    break
                for frame in client.all():
                    follow(view, frame)
                client.unsubscribe(channel)
                client.all()
            views[number] = (client, view)
        except Exception as error:  # for the test's own thread
            failures.append(error)

    def follow(view, frame):
        user = json.loads(frame["data"]).get("user_id")
        if frame["event"].endswith("member_added"):
            assert user not in view, "told twice"
            view.add(user)
        elif frame["event"].endswith("member_removed"):
            assert user in view, "removed though never told"
            view.remove(user)

    threads = [threading.Thread(target=play, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    truth = {user["id"] for user in get(port, f"/channels/{channel}/users")["users"]}
    for client, view in views.values():
        def settled():
            for frame in client.all():
                follow(view, frame)
            return view == truth
        wait_until(settled, what="the same view everywhere")
    for client, _ in views.values():
        client.close()


def test_presence_needs_a_user_and_has_limits(port):
    with Client(port) as client:
        assert "channel_data" in client.refused("presence-bad")
        for data in ["{}", "[]", '{"user_id":""}', "nonsense"]:
            assert "presence-bad" in client.refused("presence-bad", channel_data=data)
        assert "at most 1024" in client.refused("presence-bad", "1", {"about": "x" * 1024})
        assert client.subscribe("presence-good", "1", {"about": "x" * 900})["presence"]["count"] == 1
    clients = [Client(port) for _ in range(100)]
    try:
        for number, client in enumerate(clients):
            client.subscribe("presence-full", f"u{number}")
        with Client(port) as last:
            assert "100 users" in last.refused("presence-full", "one-too-many")
            assert last.subscribe("presence-full", "u7")["presence"]["count"] == 100
    finally:
        for client in clients:
            client.close()


def test_pysher_sees_members(port):
    joined, connected, got = threading.Event(), threading.Event(), []
    client = pysher.Pusher(KEY, custom_host="127.0.0.1", secure=False, port=port, secret=SECRET, user_data={"user_id": "py", "user_info": {"a": 1}})
    client.connection.bind("pusher:connection_established", lambda _: connected.set())
    client.connect()
    assert connected.wait(10)
    channel = client.subscribe("presence-pysher")
    channel.bind("pusher_internal:subscription_succeeded", lambda data: joined.set())
    channel.bind("pusher_internal:member_added", lambda data: got.append(json.loads(data)))
    assert joined.wait(10)
    with Client(port) as other:
        data = other.subscribe("presence-pysher", "raw")["presence"]
        assert data["hash"] == {"py": {"a": 1}, "raw": {}}
        wait_until(lambda: got, what="the other member")
        channel.trigger("client-hello", {"x": 1})
        frame = other.until("client-hello")[-1]
        assert json.loads(frame["data"]) == {"x": 1} and frame["user_id"] == "py"
    assert got == [{"user_id": "raw", "user_info": {}}]
    client.disconnect(timeout=1)


@pytest.mark.parametrize("channel, allowed", [
    ("private-e", True), ("private-cache-e", True), ("presence-e", True), ("presence-cache-e", True),
    ("e", False), ("cache-e", False), ("private-encrypted-e", False), ("private-encrypted-cache-e", False),
])
def test_client_events_by_kind(port, channel, allowed):
    presence = channel.startswith("presence-")
    with Client(port) as sender, Client(port) as other:
        sender.say("client-a", {"k": 1}, channel=channel)
        error = sender.next()
        assert error["event"] == "pusher:error" and "Cannot broadcast client event" in error["data"]["message"]
        sender.subscribe(channel, 5 if presence else None)
        other.subscribe(channel, "o" if presence else None)
        sender.all(), other.all()
        sender.say("client-a", {"k": "é"}, channel=channel, user_id="smuggled")
        if not allowed:
            assert sender.next()["event"] == "pusher:error"
            assert other.all() == []
            return
        expected = {"event": "client-a", "channel": channel}
        frame = other.next()
        assert json.loads(frame.pop("data")) == {"k": "é"}
        assert frame == ({**expected, "user_id": "5"} if presence else expected)
        sender.say("client-b", "text", channel=channel)
        assert other.next()["data"] == "text"
        assert sender.all() == [], "the sender gets nothing back"
        if "cache" in channel:
            assert get(port, f"/channels/{channel}", info="cache")["cache"] is None


def test_client_events_have_limits(port):
    with Client(port) as sender, Client(port) as other:
        for client in (sender, other):
            client.subscribe("private-limits")
        sender.all(), other.all()
        for number in range(30):
            sender.say("client-n", number, channel="private-limits")
        errors = sender.all()
        assert 15 <= len(errors) <= 20 and {error["data"]["code"] for error in errors} == {4301}
        got = [int(frame["data"]) for frame in (other.next() for _ in range(30 - len(errors)))]
        assert got[:10] == list(range(10))
        assert other.all() == []
        wait_until(lambda: (sender.say("client-again", 1, channel="private-limits"), sender.all() == [])[1], what="the next second")
        time.sleep(0.2)  # two more tokens
        sender.say("client-big", "x" * 10_241, channel="private-limits")
        assert "10241 bytes" in sender.next()["data"]["message"]
        sender.say("client-" + "n" * 194, 1, channel="private-limits")
        assert "longer than 200" in sender.next()["data"]["message"]
        assert sender.subscribe("private-other") == {}


def test_signing_in_opens_the_users_own_channel_and_no_other(port):
    with Client(port) as client, Client(port) as second, Client(port) as stranger:
        own = "#server-to-user-seven"
        assert "not signed in" in client.refused(own)
        client.sign_in({"id": "seven"}, auth=f"{KEY}:{'0' * 64}")
        assert "Invalid signature" in client.next()["data"]["message"]
        client.sign_in({"id": 7})
        assert client.next()["event"] == "pusher:error"
        data = client.sign_in({"id": "seven", "user_info": {"name": "Ann"}})
        assert client.next() == {"event": "pusher:signin_success", "data": {"user_data": data}}
        client.sign_in({"id": "eight"})
        assert "signed in as 'seven'" in client.next()["data"]["message"]
        client.sign_in({"id": "seven", "user_info": {"name": "Ann"}})
        assert client.next()["event"] == "pusher:signin_success"
        second.sign_in({"id": "seven"})
        second.next()
        stranger.sign_in({"id": "eight"})
        stranger.next()
        assert "not signed in" in stranger.refused(own)
        for connection in (client, second):
            assert connection.subscribe(own, auth="") == {}
        library(port).send_to_user("seven", "hello", {"a": 1}) if hasattr(library(port), "send_to_user") else \
            request(port, "POST", "/events", body=json.dumps({"name": "hello", "channel": own, "data": '{"a":1}'}))
        for connection in (client, second):
            frame = connection.next()
            assert frame["event"] == "hello" and frame["channel"] == own and json.loads(frame["data"]) == {"a": 1}
        assert not [name for name in get(port, "/channels")["channels"] if name.startswith("#")]
        presence = client.subscribe("presence-signed-in")["presence"]
        assert presence["hash"] == {"seven": {"name": "Ann"}}


def watchlist(frame):
    assert frame["event"] == "pusher_internal:watchlist_events" and "channel" not in frame
    return {event["name"]: set(event["user_ids"]) for event in json.loads(frame["data"])["events"]}


def test_a_watchlist_says_who_is_there_who_comes_and_who_goes(port):
    def signed_in(user, **more):
        client = Client(port)
        client.sign_in({"id": user, **more})
        assert client.next()["event"] == "pusher:signin_success"
        return client

    ann = signed_in("ann")
    watcher = signed_in("watcher", watchlist=["ann", "bob", "cid"])
    assert watchlist(watcher.next()) == {"online": {"ann"}, "offline": {"bob", "cid"}}
    others = [signed_in("bob"), signed_in("bob"), signed_in("cid")]
    assert watchlist(watcher.next()) == {"online": {"bob", "cid"}}, "one frame for what happens within a moment"
    others[0].close()
    ann.close()
    ann = signed_in("ann")  # was never gone
    others[2].close()
    assert watchlist(watcher.next()) == {"offline": {"cid"}}
    others[1].close()
    assert watchlist(watcher.next()) == {"offline": {"bob"}}
    assert watcher.all() == []
    for client in (ann, watcher):
        client.close()


def test_of_a_watchlist_of_101_the_first_100_are_watched(port):
    with Client(port) as client:
        client.sign_in({"id": "long", "watchlist": [f"u{n}" for n in range(101)]})
        assert client.next()["event"] == "pusher:signin_success"
        error = client.next()
        assert error["event"] == "pusher:error" and error["data"]["code"] == 4302
        assert watchlist(client.next()) == {"offline": {f"u{n}" for n in range(100)}}
        client.subscribe("still-open")


def test_terminating_a_user_closes_what_is_signed_in_and_nothing_else(port):
    signed_in, member = [Client(port) for _ in range(4)], Client(port)
    for client in signed_in:
        client.sign_in({"id": "bad@x"})
        client.next()
    member.subscribe("presence-t", "bad@x")
    assert request(port, "POST", "/users/nobody/terminate_connections", body="{}") == (200, "{}")
    # The Python library leaves the app out of this path, which no server answers.
    assert request(port, "POST", "/users/bad%40x/terminate_connections", body="{}") == (200, "{}")
    assert [client.close_code() for client in signed_in] == [4009] * 4
    assert member.all() == []
    member.close()
