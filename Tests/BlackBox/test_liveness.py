"""Silent clients (protocol section 15, line 5) with short times; liveness.py has the ten minutes with the default."""
import contextlib
import json
import socket

import pytest

from liveness import RawClient, watch
from protocol import KEY, library, run_gateway
from xhr import XHRSocket


@pytest.fixture(scope="module")
def port(module_database, tmp_path_factory):
    settings = {"TICKWIRE_GATEWAY_ACTIVITY_TIMEOUT": "1", "TICKWIRE_GATEWAY_PONG_TIMEOUT": "2"}
    for gateway in run_gateway(module_database, tmp_path_factory.mktemp("gateway"), **settings):
        yield gateway.port


def test_the_greeting_says_the_time_that_was_set(port):
    client = RawClient(port)
    assert client.greeting["event"] == "pusher:connection_established"
    assert json.loads(client.greeting["data"])["activity_timeout"] == 1
    client.socket.close()


@contextlib.contextmanager
def others(port):
    """Clients without a WebSocket, which say nothing by themselves; they must be there at the end."""
    sessions = [XHRSocket(port, transport, KEY) for transport in ("xhr_streaming", "xhr_polling")]
    for session in sessions:
        session.subscribe("quiet")
    with socket.create_connection(("127.0.0.1", port), 10) as stream:
        stream.sendall(b"GET /v1/stream?channels=quiet HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while b"retry:" not in received:
            received += stream.recv(65536)
        yield
        library(port).trigger("quiet", "hello", {})
        while b"event: hello" not in received:
            received += stream.recv(65536)
            assert b"event: close" not in received, received
        for session in sessions:
            assert session.receive_event("hello") and session.close_code is None
            session.close()


def test_who_pings_or_answers_lives_and_who_is_dead_is_closed_with_4201(port):
    with others(port):
        outcomes = watch(port, seconds=12, ping_every=1)
    dead = outcomes.pop("dead")
    # 1.5 times the activity time-out, the time for an answer, and up to a second for each of the two looks.
    assert dead.code == 4201 and 3.4 < dead.seconds < 7.5, dead
    # A ping of either kind, once.
    assert len(dead.asked) == 2, dead
    assert all(outcome.code is None for outcome in outcomes.values()), outcomes
    assert outcomes["pings"].pongs >= 10 and not outcomes["pings"].asked, outcomes
    assert all(len(outcomes[name].asked) >= 4 for name in ("answers control pings", "answers pusher:ping")), outcomes
