"""Webhooks as an application's own server sees them, checked with pusher's library."""
import contextlib
import json
import time

import pusher
import pytest
from websockets.sync.client import connect

from conftest import APP, sign, wait_until
from hooks import HookReceiver

KEY, SECRET, APP_ID = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], APP["TICKWIRE_APP_ID"]


@contextlib.contextmanager
def client(port, key=KEY):
    with connect(f"ws://127.0.0.1:{port}/app/{key}?protocol=7&client=test&version=1.0") as connection:
        greeting = json.loads(json.loads(connection.recv(5))["data"])
        yield connection, greeting["socket_id"]


def subscribe(connection, channel, socket_id="", data=None, key=KEY, secret=SECRET):
    fields = {"channel": channel}
    if channel.startswith(("private-", "presence-")):
        text = f"{socket_id}:{channel}" + (f":{data}" if data else "")
        fields["auth"] = f"{key}:{sign(text, secret)}"
        if data:
            fields["channel_data"] = data
    connection.send(json.dumps({"event": "pusher:subscribe", "data": fields}))
    while (frame := json.loads(connection.recv(5)))["event"] != "pusher_internal:subscription_succeeded":
        assert frame["event"] != "pusher:error", frame


def unsubscribe(connection, channel):
    connection.send(json.dumps({"event": "pusher:unsubscribe", "data": {"channel": channel}}))


@pytest.fixture
def hooked(database, start, tmp_path):
    """Starts a gateway whose app has these webhooks."""

    def run(webhooks, **extra):
        settings = tmp_path / "hooks.yaml"
        settings.write_text(json.dumps({"app": {"webhooks": webhooks}, "webhooks": {"allowPrivate": True}, **extra}))
        return start("gateway", "--config", settings, DATABASE_URL=database)

    return run


def test_occupied_and_vacated_are_signed_and_one_event_a_request(hooked):
    with HookReceiver() as hook:
        service = hooked([hook.url])
        with client(service.port) as (connection, _):
            subscribe(connection, "room-1")
            subscribe(connection, "room-2")
            wait_until(lambda: len(hook.requests) == 2, what="both occupied")
        left = time.monotonic()
        wait_until(lambda: len(hook.requests) == 4, what="both vacated")
        assert hook.requests[2][0] - left > 2.5, "vacated must wait about 3 s"
        verifier = pusher.Pusher(app_id=APP_ID, key=KEY, secret=SECRET)
        for _, headers, body in hook.requests:
            assert headers["Content-Type"] == "application/json" and headers["X-Pusher-Key"] == KEY
            message = verifier.validate_webhook(headers["X-Pusher-Key"], headers["X-Pusher-Signature"], body.decode())
            assert message and len(message["events"]) == 1 and abs(message["time_ms"] - time.time() * 1000) < 60_000
        assert hook.names("room-1") == ["channel_occupied", "channel_vacated"]
        assert hook.names("room-2") == ["channel_occupied", "channel_vacated"]


def test_who_is_back_within_three_seconds_was_never_away(hooked):
    with HookReceiver() as hook:
        service = hooked([{"url": hook.url, "batched": True}])
        with client(service.port) as (connection, _):
            subscribe(connection, "room")
            wait_until(lambda: hook.names("room"), what="occupied")
            for _ in range(5):
                unsubscribe(connection, "room")
                subscribe(connection, "room")
            subscribe(connection, "marker")
            unsubscribe(connection, "marker")
            wait_until(lambda: "channel_vacated" in hook.names("marker"), what="the marker's end")
        assert hook.names("room") == ["channel_occupied"]


def test_filters_hold_inside_a_batch(hooked):
    with HookReceiver() as everything, HookReceiver() as some:
        service = hooked([
            {"url": everything.url, "batched": True},
            {"url": some.url, "batched": True, "events": ["channel_occupied"], "prefix": "chat-"},
        ])
        with client(service.port) as (connection, _):
            for channel in ("chat-1", "other", "chat-2"):
                subscribe(connection, channel)
            wait_until(lambda: len(everything.events) == 3, what="all events")
            wait_until(lambda: len(some.events) == 2, what="the filtered events")
        assert [event["channel"] for event in some.events] == ["chat-1", "chat-2"]
        wait_until(lambda: len(everything.events) == 6, what="the vacated ones")
        assert {event["name"] for event in some.events} == {"channel_occupied"}


def test_a_failing_endpoint_gets_the_same_body_again_and_delays_nobody(hooked):
    with HookReceiver(statuses=[500, 302, 404]) as failing, HookReceiver() as healthy:
        service = hooked([failing.url, healthy.url])
        with client(service.port) as (connection, _):
            subscribe(connection, "a")
            subscribe(connection, "b")
            wait_until(lambda: len(healthy.requests) == 2, what="the healthy endpoint's events")
            wait_until(lambda: len(failing.requests) == 5, what="the repetitions")
            bodies = [body for _, _, body in failing.requests]
            assert len(set(bodies[:4])) == 1 and b'"a"' in bodies[0] and b'"b"' in bodies[4]
            times = [moment for moment, _, _ in failing.requests]
            assert 0.4 < times[1] - times[0] < 2 and 0.9 < times[2] - times[1] < 3 and 1.9 < times[3] - times[2] < 5
            metrics = service.get("/metrics")
            assert "tickwire_webhooks_retries_total 3" in metrics and "tickwire_webhooks_delivered_total 4" in metrics
            assert service.text().count("Webhook endpoint fails") == 1


def test_a_slow_endpoint_delays_no_delivery(hooked):
    with HookReceiver() as slow:
        slow.delay = 3
        service = hooked([slow.url])
        with client(service.port) as (connection, _):
            started = time.monotonic()
            for number in range(50):
                subscribe(connection, f"room-{number}")
            assert time.monotonic() - started < 2


def test_private_addresses_are_refused_unless_allowed(database, start, tmp_path):
    with HookReceiver() as hook:
        settings = tmp_path / "hooks.yaml"
        settings.write_text(json.dumps({"app": {"webhooks": [hook.url]}}))
        service = start("gateway", "--config", settings, DATABASE_URL=database)
        with client(service.port) as (connection, _):
            subscribe(connection, "room")
            wait_until(lambda: "webhooks.allowPrivate" in service.text(), what="the refusal in the log")
        assert not hook.requests


def test_each_app_has_its_own_endpoints_and_its_oldest_key_signs(hooked):
    with HookReceiver() as first, HookReceiver() as second:
        service = hooked([first.url], apps=[{
            "id": "22", "keys": [{"key": "old", "secret": "so"}, {"key": "new", "secret": "sn"}],
            "webhooks": [second.url]}])
        with client(service.port, "new") as (connection, _):
            subscribe(connection, "room")
            wait_until(lambda: second.requests, what="the second app's webhook")
        assert not first.requests
        _, headers, body = second.requests[0]
        assert pusher.Pusher(app_id="22", key="old", secret="so").validate_webhook("old", headers["X-Pusher-Signature"], body.decode())


def test_members_of_presence_channels_count_once_each(hooked):
    with HookReceiver() as hook:
        service = hooked([{"url": hook.url, "events": ["member_added", "member_removed"]}])
        with client(service.port) as (one, one_id), client(service.port) as (two, two_id):
            subscribe(one, "presence-room", one_id, json.dumps({"user_id": 7}))
            subscribe(two, "presence-room", two_id, json.dumps({"user_id": 7}))
            wait_until(lambda: hook.events, what="member_added")
        wait_until(lambda: len(hook.events) == 2, what="member_removed")
        assert hook.events == [
            {"name": "member_added", "channel": "presence-room", "user_id": "7"},
            {"name": "member_removed", "channel": "presence-room", "user_id": "7"},
        ]


def test_client_events_carry_their_data_as_a_string(hooked):
    with HookReceiver() as hook:
        service = hooked([{"url": hook.url, "events": ["client_event"]}], apps=[{
            "id": "chat", "keys": [{"key": "chat", "secret": "s"}], "clientEvents": True,
            "webhooks": [{"url": hook.url, "events": ["client_event"]}]}])
        with client(service.port, "chat") as (connection, socket_id):
            subscribe(connection, "private-room", socket_id, key="chat", secret="s")
            connection.send(json.dumps({"event": "client-typing", "channel": "private-room", "data": {"on": True}}))
            wait_until(lambda: hook.events, what="the client event")
        event = hook.events[0]
        assert json.loads(event.pop("data")) == {"on": True}
        assert event == {"name": "client_event", "channel": "private-room", "event": "client-typing", "socket_id": socket_id}


def test_a_cache_miss_is_told_once_for_a_burst(hooked):
    with HookReceiver() as hook:
        service = hooked([{"url": hook.url, "events": ["cache_miss"]}])
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                connection, _ = stack.enter_context(client(service.port))
                subscribe(connection, "cache-room")
            wait_until(lambda: hook.events, what="the cache miss")
        assert hook.events == [{"name": "cache_miss", "channel": "cache-room"}]


def test_subscription_counts(hooked):
    with HookReceiver() as hook:
        service = hooked([], apps=[{
            "id": "count", "keys": [{"key": "count", "secret": "s"}], "subscriptionCounts": True,
            "webhooks": [{"url": hook.url, "events": ["subscription_count"]}]}])
        with client(service.port, "count") as (one, _), client(service.port, "count") as (two, _):
            subscribe(one, "room")
            subscribe(two, "room")
            wait_until(lambda: hook.events and hook.events[-1]["subscription_count"] == 2, what="the count")
        assert hook.events[0]["name"] == "subscription_count" and hook.events[0]["channel"] == "room"
