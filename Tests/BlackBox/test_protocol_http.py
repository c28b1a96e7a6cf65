"""Every endpoint of the HTTP API, and how a connection is greeted or refused: protocol sections 1, 8, 9 and 12."""
import hashlib
import json
import time

import pusher.errors
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from protocol import APP_ID, KEY, SECRET, Client, get, library, request, run_gateway


@pytest.fixture(scope="module")
def port(module_database, tmp_path_factory):
    for gateway in run_gateway(module_database, tmp_path_factory.mktemp("gateway")):
        yield gateway.port


def post(port, path, body, **parameters):
    return request(port, "POST", path, parameters, json.dumps(body))


def test_greetings_have_unique_socket_ids_of_the_agreed_form(port):
    clients = [Client(port) for _ in range(50)]
    ids = {client.id for client in clients}
    for client in clients:
        client.close()
    assert len(ids) == 50 and all(len(i) <= 30 and [p.isdigit() for p in i.split(".")] == [True, True] for i in ids)


@pytest.mark.parametrize("key, query, code", [
    ("nope", "protocol=7", 4001), (KEY, "protocol=3", 4007), (KEY, "protocol=8", 4007), (KEY, "protocol=x", 4006),
    (KEY + "/more", "protocol=7", 4005), ("nope/more", "protocol=7", 4001),
])
def test_a_refused_connection_gets_a_close_code_and_no_frame(port, key, query, code):
    with connect(f"ws://127.0.0.1:{port}/app/{key}?{query}") as socket:
        with pytest.raises(ConnectionClosed):
            print(socket.recv(10))
        assert socket.close_code == code


@pytest.mark.parametrize("query", ["protocol=5", "protocol=6", "protocol=7", "", "flash=false&protocol=7&client=js&version=8.6.0"])
def test_older_protocols_and_none_are_served(port, query):
    with Client(port, query) as client:
        client.subscribe("c")


def test_publishing_with_info(port):
    with Client(port) as client, Client(port) as other:
        client.subscribe("info-a")
        other.subscribe("info-a")
        client.subscribe("presence-info", "1")
        other.subscribe("presence-info", "1")
        body = {"name": "e", "channels": ["info-a", "info-b", "presence-info", "info-a"], "data": "{}"}
        assert post(port, "/events", body) == (200, "{}")
        status, text = post(port, "/events", {**body, "info": "subscription_count,user_count"})
        assert status == 200 and json.loads(text) == {"channels": {
            "info-a": {"subscription_count": 2}, "info-b": {"subscription_count": 0}, "presence-info": {"user_count": 1}}}
        batch = [{"name": "e", "channel": "info-a", "data": "1", "info": "subscription_count"},
                 {"name": "e", "channel": "info-a", "data": "2"},
                 {"name": "e", "channel": "presence-info", "data": "3", "info": "user_count"}]
        status, text = post(port, "/batch_events", {"batch": batch})
        assert status == 200 and json.loads(text) == {"batch": [{"subscription_count": 2}, {}, {"user_count": 1}]}
        assert post(port, "/batch_events", {"batch": batch[1:2]}) == (200, "{}")
        assert post(port, "/batch_events", {"batch": []}) == (200, "{}")


def test_exclusion_by_socket_id(port):
    with Client(port) as client, Client(port) as other:
        for connection in (client, other):
            connection.subscribe("excluding")
            connection.all()
        client.all()
        api = library(port)
        api.trigger("excluding", "e", {}, socket_id=client.id)
        assert other.next()["event"] == "e" and client.all() == []
        api.trigger("excluding", "f", {}, socket_id="1.1")
        assert client.next()["event"] == "f"
        assert post(port, "/events", {"name": "e", "channel": "c", "data": "", "socket_id": "nonsense"})[0] == 400


def test_limits_of_publishing(port):
    channels = [f"c{n}" for n in range(101)]
    assert post(port, "/events", {"name": "e", "channels": channels[:100], "data": ""})[0] == 200
    assert post(port, "/events", {"name": "e", "channels": channels, "data": ""})[0] == 400
    assert post(port, "/events", {"name": "e", "channels": [], "data": ""})[0] == 400
    event = {"name": "e", "channel": "c", "data": "x"}
    limit = 100 * 1024
    assert post(port, "/events", {**event, "data": "x" * limit})[0] == 200
    status, text = post(port, "/events", {**event, "data": "x" * (limit + 1)})
    assert status == 413 and str(limit) in text
    for name in ["pusher:x", "pusher_internal:member_added", "n" * 201, ""]:
        assert post(port, "/events", {**event, "name": name})[0] == 400
    encrypted = {"name": "e", "channels": ["private-encrypted-a", "b"], "data": "{}"}
    assert post(port, "/events", encrypted)[0] == 400


def test_data_may_be_an_object_and_parameters_may_stand_in_the_query(port):
    with Client(port) as client:
        client.subscribe("query")
        client.all()
        assert post(port, "/events", {"name": "e", "channel": "query", "data": {"a": [1]}})[0] == 200
        assert json.loads(client.next()["data"]) == {"a": [1]}
        assert request(port, "POST", "/events", {"name": "q", "channels[]": "query", "data": "d"})[0] == 200
        assert client.next()["data"] == "d"


def test_the_deprecated_way_of_publishing(port):
    with Client(port) as client, Client(port) as other:
        for connection in (client, other):
            connection.subscribe("old")
        client.all(), other.all()
        body = '{"raw": "é\\n"}'
        assert request(port, "POST", "/channels/old/events", {"name": "e", "socket_id": client.id}, body)[0] == 202
        assert other.next() == {"event": "e", "channel": "old", "data": body}
        assert client.all() == []
        assert request(port, "POST", "/channels/old/events", body=body)[0] == 400


def test_questions_about_channels(port):
    api = library(port)
    assert get(port, "/channels", filter_by_prefix="q-") == {"channels": {}}
    assert get(port, "/channels/q-a") == {"occupied": False}
    assert get(port, "/channels/presence-q/users") == {"users": []}
    with Client(port) as client:
        for channel in ["q-a", "q-b", "presence-q"]:
            client.subscribe(channel, "1" if channel == "presence-q" else None)
        client.all()
        assert get(port, "/channels", filter_by_prefix="q-") == {"channels": {"q-a": {}, "q-b": {}}}
        assert api.channels_info("presence-q", ["user_count"]) == {"channels": {"presence-q": {"user_count": 1}}}
        assert api.channel_info("presence-q", ["user_count"]) == {"occupied": True, "user_count": 1}
        assert api.channel_info("q-a", ["subscription_count"]) == {"occupied": True, "subscription_count": 1}
        assert get(port, "/channels/q-a/stats") == {"occupied": True}
        assert api.users_info("presence-q") == {"users": [{"id": "1"}]}
    for path, parameters in [
        ("/channels", {"info": "user_count"}), ("/channels", {"info": "user_count", "filter_by_prefix": "q-"}),
        ("/channels/q-a", {"info": "user_count"}), ("/channels/q-a", {"info": "cache"}), ("/channels/q-a/users", {}),
        ("/channels/a%20b", {}),
    ]:
        assert request(port, "GET", path, parameters)[0] == 400, (path, parameters)
    for method, path in [("GET", "/nope"), ("GET", "/events"), ("POST", "/channels/a"), ("POST", "/users/a")]:
        assert request(port, method, path, body="{}" if method == "POST" else "")[0] == 404


def test_signatures_have_a_time_and_cover_the_body(port):
    now = int(time.time())
    for offset, status in [(-590, 200), (590, 200), (-610, 401), (610, 401)]:
        assert request(port, "GET", "/channels", {"auth_timestamp": str(now + offset)})[0] == status
    assert request(port, "GET", "/channels", key="nope")[0] == 401
    assert request(port, "GET", "/channels", secret="nope")[0] == 401
    assert request(port, "GET", "/channels", {"auth_version": "2.0"})[0] == 401
    body = '{"name":"e","channel":"c","data":""}'
    wrong = {"body_md5": hashlib.md5(b"other").hexdigest()}
    assert request(port, "POST", "/events", body=body)[0] == 200
    query = {"auth_timestamp": str(now), **wrong}
    assert request(port, "GET", "/channels", query)[0] == 401
    with pytest.raises(pusher.errors.PusherBadAuth):
        api = library(port)
        api._pusher_client._secret = "wrong"
        api.trigger("c", "e", {})
