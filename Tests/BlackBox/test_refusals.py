"""Who is not let in and with which code (protocol sections 12 and 15.2), keys that change, and what pages may read."""
import contextlib
import http.client
import json
import time

import pusher
import pusher.errors
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from conftest import Service, environment, free_port, sign, wait_until

OLD, NEW = {"key": "old-key", "secret": "old-secret"}, {"key": "new-key", "secret": "new-secret"}


def app(number, key, **members):
    return {"id": str(number), "keys": [{"key": key, "secret": f"{key}-secret"}], **members}


@pytest.fixture(scope="module")
def gateway(module_database, tmp_path_factory):
    """Starts a gateway with the apps given, each time on the same port; the settings file may change in between."""
    folder = tmp_path_factory.mktemp("refusals")
    running = []

    @contextlib.contextmanager
    def start(apps, **extra):
        settings = folder / f"tickwire-{len(running)}.yaml"
        settings.write_text(json.dumps({"apps": apps}))
        port = free_port()
        env = environment(DATABASE_URL=module_database, TICKWIRE_DATA_DIR=folder / "data", **extra)
        service = Service(["gateway", "--port", port, "--config", settings], env, port, folder / f"log-{len(running)}")
        running.append(service)
        try:
            yield service.wait_ready()
        finally:
            service.stop()

    return start


def outcome(port, key, query="protocol=7", headers=None):
    """The close code, or the name of the first event."""
    with connect(f"ws://127.0.0.1:{port}/app/{key}?{query}", additional_headers=headers) as socket:
        try:
            return json.loads(socket.recv(10))["event"]
        except ConnectionClosed:
            return socket.close_code


GREETING = "pusher:connection_established"


def test_each_reason_has_its_code(gateway):
    apps = [
        app(1, "open"), app(2, "tls", tlsOnly=True), app(3, "disabled", enabled=False), app(4, "quota", connectionsMax=2),
        app(5, "both", tlsOnly=True, enabled=False),
    ]
    with gateway(apps, TICKWIRE_GATEWAY_REQUIRE_PROTOCOL="true") as service:
        port = service.port
        assert outcome(port, "open") == GREETING
        assert outcome(port, "none") == 4001
        assert outcome(port, "tls") == 4000
        assert outcome(port, "disabled") == 4003
        # A client that comes back with TLS hears the rest then.
        assert outcome(port, "both") == 4000
        assert outcome(port, "open", "") == 4008
        assert outcome(port, "open", "protocol=") == 4006
        assert outcome(port, "open", "protocol=4") == 4007

        # A quota counts what is open, for its app only.
        with contextlib.ExitStack() as stack:
            first = [stack.enter_context(connect(f"ws://127.0.0.1:{port}/app/quota?protocol=7")) for _ in range(2)]
            assert [json.loads(one.recv(10))["event"] for one in first] == [GREETING] * 2
            assert [outcome(port, "quota") for _ in range(3)] == [4004] * 3
            assert outcome(port, "open") == GREETING
            first[0].close()
            wait_until(lambda: outcome(port, "quota") == GREETING, what="room for another")

        api = pusher.Pusher(app_id="3", key="disabled", secret="disabled-secret", host="127.0.0.1", port=port, ssl=False)
        with pytest.raises(pusher.errors.PusherForbidden, match="disabled"):
            api.trigger("c", "e", {})

        # The fallback has the same codes, and the event stream a status.
        for key, code in [("tls", 4000), ("disabled", 4003), ("none", 4001)]:
            status, _, text = request(port, "POST", f"/pusher/app/{key}/1/01234567/xhr_streaming?protocol=7")
            assert status == 200 and f"c[{code}," in text, text
        assert request(port, "GET", "/v1/stream?channels=c&key=disabled")[0] == 403


def test_a_proxy_is_believed_and_nobody_else_when_it_says_that_there_was_tls(gateway):
    secure = {"X-Forwarded-Proto": "https"}
    with gateway([app(1, "tls", tlsOnly=True)]) as service:
        assert outcome(service.port, "tls", headers=secure) == GREETING
        assert outcome(service.port, "tls", headers={"X-Forwarded-Proto": "http"}) == 4000
        assert outcome(service.port, "tls") == 4000
    for proxies in ("10.0.0.0/8,fd00::/8", "none"):
        with gateway([app(1, "tls", tlsOnly=True)], TICKWIRE_GATEWAY_TRUSTED_PROXIES=proxies) as service:
            assert outcome(service.port, "tls", headers=secure) == 4000
            assert request(service.port, "GET", "/v1/stream?channels=c", headers=secure)[0] == 403


def test_two_keys_of_an_app_work_side_by_side_until_the_old_one_is_taken_away(gateway):
    def library(port, pair):
        return pusher.Pusher(app_id="7", key=pair["key"], secret=pair["secret"], host="127.0.0.1", port=port, ssl=False)

    def join(socket, channel, pair):
        socket_id = json.loads(json.loads(socket.recv(10))["data"])["socket_id"]
        auth = f"{pair['key']}:{sign(f'{socket_id}:{channel}', pair['secret'])}"
        socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}}))
        return json.loads(socket.recv(10))["event"]

    def url(port, pair):
        return f"ws://127.0.0.1:{port}/app/{pair['key']}?protocol=7"

    with gateway([{"id": "7", "keys": [OLD, NEW]}]) as service:
        port = service.port
        # Each way round: who connects with the one may be let in with the other.
        for connected, signed in [(OLD, OLD), (OLD, NEW), (NEW, OLD), (NEW, NEW)]:
            with connect(url(port, connected)) as socket:
                assert join(socket, "private-room", signed) == "pusher_internal:subscription_succeeded"
                for publisher in (OLD, NEW):
                    library(port, publisher).trigger("private-room", "hello", {"by": publisher["key"]})
                    assert json.loads(json.loads(socket.recv(10))["data"]) == {"by": publisher["key"]}
    with gateway([{"id": "7", "keys": [NEW]}]) as service:
        port = service.port
        assert outcome(port, OLD["key"]) == 4001
        with pytest.raises(pusher.errors.PusherBadAuth, match="old-key"):
            library(port, OLD).trigger("private-room", "hello", {})
        with connect(url(port, NEW)) as socket:
            assert join(socket, "private-room", OLD) == "pusher:error"
            assert json.loads(socket.recv(10))["event"] == "pusher:subscription_error"
        with connect(url(port, NEW)) as socket:
            assert join(socket, "private-room", NEW) == "pusher_internal:subscription_succeeded"
            library(port, NEW).trigger("private-room", "hello", {})
            assert json.loads(socket.recv(10))["event"] == "hello"


def test_the_rate_of_client_events_and_the_path_of_the_fallback_can_be_set(gateway):
    limits = {"TICKWIRE_GATEWAY_CLIENT_EVENTS_PER_SECOND": "2", "TICKWIRE_GATEWAY_HTTP_PATH": "/live/pusher"}
    with gateway([app(1, "key", clientEvents=True)], **limits) as service:
        with connect(f"ws://127.0.0.1:{service.port}/app/key?protocol=7") as socket:
            socket_id = json.loads(json.loads(socket.recv(10))["data"])["socket_id"]
            auth = f"key:{sign(f'{socket_id}:private-room', 'key-secret')}"
            socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "private-room", "auth": auth}}))
            assert json.loads(socket.recv(10))["event"] == "pusher_internal:subscription_succeeded"
            for _ in range(3):
                socket.send(json.dumps({"event": "client-x", "channel": "private-room", "data": {}}))
            error = json.loads(socket.recv(10))
            assert error["event"] == "pusher:error" and error["data"]["code"] == 4301, error
            # Dropped, not closed: the next second has room again.
            time.sleep(1.1)
            socket.send(json.dumps({"event": "client-x", "channel": "private-room", "data": {}}))
            socket.send(json.dumps({"event": "pusher:ping"}))
            assert json.loads(socket.recv(10))["event"] == "pusher:pong"
        assert "c[4001," in request(service.port, "POST", "/live/pusher/app/none/1/01234567/xhr_streaming?protocol=7")[2]
        assert request(service.port, "POST", "/pusher/app/none/1/01234567/xhr_streaming?protocol=7")[0] == 404


def request(port, method, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def test_pages_that_may_connect_may_read_what_is_public(gateway):
    with gateway([app(1, "key")], TICKWIRE_GATEWAY_ORIGINS="https://shop.example") as service:
        for path in ("/v1/symbols", "/v1/ticks/BTC-USD?since=1"):
            _, fields, _ = request(service.port, "GET", path, {"Origin": "https://shop.example"})
            assert fields["access-control-allow-origin"] == "https://shop.example" and fields["vary"] == "Origin"
            _, fields, _ = request(service.port, "GET", path, {"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in fields
        status, fields, _ = request(service.port, "OPTIONS", "/v1/symbols", {
            "Origin": "https://shop.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "cache-control"})
        assert status == 204 and "cache-control" in fields["access-control-allow-headers"]
        # What is signed is for servers.
        assert "access-control-allow-origin" not in request(service.port, "GET", "/v1/connections", {"Origin": "https://shop.example"})[1]
    with gateway([app(1, "key")]) as service:
        assert request(service.port, "GET", "/v1/symbols", {"Origin": "https://any.example"})[1]["access-control-allow-origin"] == "*"
