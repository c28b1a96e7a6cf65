"""Clients that cannot open a WebSocket: pusher-js's xhr_streaming and xhr_polling, and the event stream for curl."""
import hashlib
import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time

import pusher
import pytest

from conftest import APP, PROGRAM, Service, environment, free_port, sign, wait_until
from exchanges import PriceExchange
from xhr import XHRSocket

KEY, SECRET, APP_ID = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], APP["TICKWIRE_APP_ID"]
TRANSPORTS = ["xhr_streaming", "xhr_polling"]


@pytest.fixture(scope="module")
def market(module_database, tmp_path_factory):
    """One service for the file, fed by an exchange that the tests play."""
    folder = tmp_path_factory.mktemp("fallback")
    with PriceExchange(free_port()) as exchange:
        port = free_port()
        env = environment(TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=module_database, TICKWIRE_APP_CLIENT_EVENTS="true", **APP)
        arguments = ["up", "--port", port, "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD,AAPL"]
        service = Service(arguments, env, port, folder / "up.log").wait_ready()
        wait_until(exchange.subscribed, what="the feed's subscription")
        ended = threading.Event()

        def beat():
            # The feed gives a connection up that is silent for 10 s, and some tests here take that long.
            while not ended.wait(2):
                exchange.send('{"type":"heartbeat"}')

        heart = threading.Thread(target=beat)
        heart.start()
        yield service, exchange
        ended.set()
        heart.join()
        if service.process.poll() is None:
            service.stop()


@pytest.fixture
def port(market):
    return market[0].port


@pytest.fixture
def api(port):
    return pusher.Pusher(app_id=APP_ID, key=KEY, secret=SECRET, host="127.0.0.1", port=port, ssl=False)


@pytest.fixture
def connect(port):
    """Opens sessions and drops them at the end."""
    opened = []

    def run(transport, key=KEY, **options):
        opened.append(XHRSocket(port, transport, key, **options))
        return opened[-1]

    yield run
    for session in opened:
        session.close()


def greeted(session):
    greeting = session.receive()
    assert greeting["event"] == "pusher:connection_established"
    return json.loads(greeting["data"])


def request(port, method, path, body=None, headers={}):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def publish_unescaped(connection, batch):
    """Publishes with the characters as they are, where the library escapes whatever is not ASCII; one connection keeps the order."""
    body = json.dumps({"batch": batch}, ensure_ascii=False).encode()
    path = f"/apps/{APP_ID}/batch_events"
    query = f"auth_key={KEY}&auth_timestamp={int(time.time())}&auth_version=1.0&body_md5={hashlib.md5(body).hexdigest()}"
    signature = sign(f"POST\n{path}\n{query}")
    connection.request("POST", f"{path}?{query}&auth_signature={signature}", body)
    answer = connection.getresponse()
    assert answer.read() == b"{}" and answer.status == 200


def price_is_known(service, exchange, symbol, price):
    """Trades, and waits until the trade has come through."""
    stream = EventStream(service.port, f"/v1/stream?channels=ticker-{symbol}")
    stream.head()
    exchange.trade(symbol, price)
    while json.loads(stream.event().get("data", "{}")).get("price") != price:
        pass
    stream.close()


def sessions(service):
    return {name: int(count) for name, count in re.findall(r'tickwire_gateway_sessions\{transport="(\w+)"\} (\d+)', service.get("/metrics"))}


# Sessions


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_connects_subscribes_receives_pings_and_unsubscribes(connect, api, transport):
    session = connect(transport)
    details = greeted(session)
    assert re.fullmatch(r"\d+\.\d+", details["socket_id"]) and details["activity_timeout"] > 0
    assert session.subscribe("news")["data"] == "{}"
    api.trigger("news", "hello", {"n": 1, "text": 'é "quoted" \n 😀'})
    assert json.loads(session.receive_event("hello")["data"]) == {"n": 1, "text": 'é "quoted" \n 😀'}
    assert session.ping() == 204
    assert session.send({"event": "pusher:ping", "data": {}}) == 204
    assert session.receive() == {"event": "pusher:pong", "data": "{}"}
    assert session.send({"event": "pusher:unsubscribe", "data": {"channel": "news"}}) == 204
    wait_until(lambda: "news" not in api.channels_info()["channels"], what="the empty channel")
    assert session.opens == 1 and session.state == "open"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_private_channel_and_a_snapshot_with_every_tick_behind_it(market, connect, api, transport):
    _, exchange = market
    price_is_known(market[0], exchange, "AAPL", "100.5")
    session = connect(transport)
    socket_id = greeted(session)["socket_id"]
    auth = api.authenticate("private-alerts-ann", socket_id)["auth"]
    assert session.subscribe("private-alerts-ann", auth=auth)["channel"] == "private-alerts-ann"
    session.subscribe("ticker-AAPL")
    sequence = json.loads(session.receive_event("snapshot")["data"])["sequence"]
    for step in range(50):
        exchange.trade("AAPL", f"100.{step + 10}")
    ticks = [json.loads(session.receive_event("tick")["data"]) for _ in range(50)]
    assert [tick["sequence"] for tick in ticks] == list(range(sequence + 1, sequence + 51))
    assert ticks[-1]["price"] == "100.59"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_more_than_a_megabyte_crosses_the_reopenings_without_loss(port, connect, transport):
    session = connect(transport)
    greeted(session)
    session.subscribe("bulk")
    # Of 9 KB and of 200 bytes, in batches, so that the limit falls anywhere; not only ASCII.
    sizes = [200 if number % 2 else 9_000 for number in range(320)]
    publisher = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def publish():
        for first in range(0, len(sizes), 8):
            publish_unescaped(publisher, [
                {"channel": "bulk", "name": "part", "data": json.dumps({"n": n, "pad": "é" * (sizes[n] // 2)}, ensure_ascii=False)}
                for n in range(first, first + 8)
            ])
    thread = threading.Thread(target=publish)
    thread.start()
    # The client speaks while it receives.
    parts = []
    while len(parts) < len(sizes):
        frame = session.receive(20)
        if frame["event"] == "part":
            parts.append(json.loads(frame["data"]))
            if len(parts) % 20 == 0:
                assert session.ping() == 204
    thread.join()
    publisher.close()
    assert [part["n"] for part in parts] == list(range(len(sizes)))
    assert all(len(part["pad"]) == sizes[part["n"]] // 2 for part in parts)
    assert session.opens == 1 and session.state == "open"
    # 1.4 MB are two bytes a character on the wire and one in a browser's count.
    assert session.reopened >= 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_close_codes_are_those_of_the_websocket(connect, transport):
    for options, code in [({"key": "nope"}, 4001), ({"query": "protocol=3&client=js"}, 4007), ({"query": "protocol=x"}, 4006)]:
        session = connect(transport, **options)
        assert session.closed.wait(10)
        assert (session.opens, session.close_code) == (1, code) and session.close_reason
        assert session.send_raw("[]") in (204, 404) and session.messages.empty()


def test_errors_arrive_as_frames_and_leave_the_session_open(connect):
    session = connect("xhr_streaming")
    greeted(session)
    session.send("not json")
    assert session.receive()["event"] == "pusher:error"
    session.send({"event": "pusher:subscribe", "data": {"channel": "ticker-BTC-USE"}})
    assert "BTC-USE" in session.receive_event("pusher:error")["data"]["message"]
    session.send({"event": "pusher:ping"})
    session.receive_event("pusher:pong")


def test_client_events_reach_the_others_or_are_refused_with_a_word(connect, api):
    first, second = connect("xhr_streaming"), connect("xhr_polling")
    for session in (first, second):
        socket_id = greeted(session)["socket_id"]
        session.subscribe("private-room", auth=api.authenticate("private-room", socket_id)["auth"])
    first.send({"event": "client-typing", "channel": "private-room", "data": {"who": "ann"}})
    first.send({"event": "pusher:ping"})
    answer = first.receive()
    if answer["event"] == "pusher:error":
        pytest.skip("this server has no client events: " + answer["data"]["message"])
    assert answer["event"] == "pusher:pong"  # not told its own event
    event = second.receive_event("client-typing")
    assert event["channel"] == "private-room" and json.loads(event["data"]) == {"who": "ann"}


def test_a_lost_receiver_resumes_and_gets_what_came_meanwhile(connect, api):
    session = connect("xhr_streaming")
    greeted(session)
    session.subscribe("news")
    session.stream.abort()
    for n in range(3):
        api.trigger("news", "hello", {"n": n})
    session._open()
    assert [json.loads(session.receive_event("hello")["data"])["n"] for _ in range(3)] == [0, 1, 2]
    assert session.opens == 1


def test_a_second_receiver_takes_the_place_of_the_first(connect, api):
    session = connect("xhr_streaming")
    greeted(session)
    session.subscribe("news")
    first = session.stream
    first.aborted = True  # Its end is not the session's.
    session._open()
    api.trigger("news", "hello", {"n": 1})
    assert json.loads(session.receive_event("hello")["data"]) == {"n": 1}
    first.thread.join(10)
    assert not first.thread.is_alive() and session.state == "open"


def test_a_dead_session_is_cleaned_up(market, connect, api):
    service, _ = market
    session = connect("xhr_streaming")
    greeted(session)
    session.subscribe("lonely")
    assert sessions(service)["xhr_streaming"] >= 1
    session.close()
    wait_until(lambda: "lonely" not in api.channels_info()["channels"], 15, "the session's end")
    wait_until(lambda: not any(sessions(service).values()), 15, "no session")
    assert session.send_raw("[]") == 404 and session.session in session.send_answer
    # The same name means a new session, which a client takes for the loss of the old one.
    session.state, session.opens = "connecting", 0
    session._open()
    greeted(session)
    assert session.opens == 1


def test_metrics_count_sessions_by_transport(market, connect):
    service, _ = market
    wait_until(lambda: not any(sessions(service).values()), 15, "no session")
    for transport in TRANSPORTS:
        greeted(connect(transport))
    stream = EventStream(service.port, "/v1/stream?channels=ticker-AAPL")
    stream.head()
    assert sessions(service) == {"websocket": 0, "xhr_streaming": 1, "xhr_polling": 1, "sse": 1}
    stream.close()
    wait_until(lambda: sessions(service)["sse"] == 0, what="the end of the event stream")


# Requests


def test_everything_may_be_read_by_pages_of_any_origin(port, connect):
    path = f"/pusher/app/{KEY}/1/01234567/xhr_send"
    status, headers, _ = request(port, "OPTIONS", path, headers={
        "Origin": "http://page.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
    assert status == 204 and headers["access-control-allow-origin"] == "*" and "content-length" not in headers
    assert "POST" in headers["access-control-allow-methods"] and "content-type" in headers["access-control-allow-headers"]
    session = connect("xhr_streaming")
    greeted(session)
    head = session.stream.head.decode().lower()
    for field in ("access-control-allow-origin: *", "x-accel-buffering: no", "cache-control: no-cache", "transfer-encoding: chunked", "no-transform"):
        assert field in head
    for method, path, body, expected, word in [
        ("POST", path, "[]", 404, "1/01234567"), ("POST", path, "{", 400, "JSON"), ("POST", path, '["' + "x" * 70_000 + '"]', 413, "65536"),
        ("POST", path, "x" * 200_000, 413, "bytes"), ("POST", f"/pusher/app/{KEY}/1/0123/xhr", "", 404, "/1/0123/xhr"),
        ("GET", f"/pusher/app/{KEY}/1/01234567/xhr", None, 404, "GET"),
    ]:
        status, headers, text = request(port, method, path, body)
        assert status == expected and word in text and headers["access-control-allow-origin"] == "*", (path, status, text)


def test_requests_on_one_connection_one_after_the_other(port):
    """A polling browser asks again on the same connection, and may have sent the next request early."""
    session = f"/pusher/app/{KEY}/5/0000000{int(time.time()) % 10}"
    poll = f"POST {session}/xhr?protocol=7&client=js HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    send = '["{\\"event\\":\\"pusher:ping\\"}"]'
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall((poll + poll + f"POST {session}/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: {len(send)}\r\n\r\n{send}" + poll).encode())
        connection.settimeout(10)
        received = b""
        while b"pusher:pong" not in received:
            received += connection.recv(65536)
    order = [received.index(part) for part in (b"o\n", b"connection_established", b"HTTP/1.1 204", b"pusher:pong")]
    assert order == sorted(order)


def test_a_client_of_http_1_0_gets_its_response_without_chunks(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"POST /pusher/app/{KEY}/6/0000000a/xhr?protocol=7 HTTP/1.0\r\n\r\n".encode())
        connection.settimeout(10)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.endswith(b"\r\n\r\no\n") and b"chunked" not in received


# The event stream


class EventStream:
    """`GET` of an event stream on a socket; yields its events as dictionaries."""

    def __init__(self, port, path, headers=""):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(10)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{headers}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.text = ""

    def head(self):
        lines = []
        while line := self.file.readline().strip():
            lines.append(line.decode().lower())
        return lines

    def block(self):
        """The next block of lines, without its empty line."""
        while "\n\n" not in self.text:
            size = int(self.file.readline(), 16)
            self.text += self.file.read(size).decode()
            self.file.readline()
            if size == 0:
                return None
        block, _, self.text = self.text.partition("\n\n")
        return block

    def event(self, name=None):
        """The next event, or the next of this name; None when the response has ended."""
        while (block := self.block()) is not None:
            fields = {}
            for line in block.split("\n"):
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                fields[field] = fields[field] + "\n" + value if field in fields else value
            if name is None or fields.get("event") == name:
                return fields
        return None

    def close(self):
        self.file.close()
        self.socket.close()


def test_the_event_stream_begins_with_a_snapshot_and_goes_on_in_sequence(market):
    service, exchange = market
    price_is_known(service, exchange, "BTC-USD", "64000.1")
    stream = EventStream(service.port, "/v1/stream?channels=ticker-BTC-USD,trades-BTC-USD", "Last-Event-ID: ticker-BTC-USD:17\r\n")
    head = stream.head()
    assert head[0] == "http/1.1 200 ok" and "content-type: text/event-stream; charset=utf-8" in head
    assert "x-accel-buffering: no" in head and "access-control-allow-origin: *" in head
    assert stream.event() == {"retry": "1000"}
    snapshot = stream.event("snapshot")
    sequence = json.loads(snapshot["data"])["sequence"]
    assert snapshot["id"] == f"ticker-BTC-USD:{sequence}"
    for step in range(10):
        exchange.trade("BTC-USD", 65000 + step)
    seen = {"tick": [], "trade": []}
    while any(len(events) < 10 for events in seen.values()):
        event = stream.event()
        seen[event["event"]].append(event)
    assert [tick["id"] for tick in seen["tick"]] == [f"ticker-BTC-USD:{sequence + n}" for n in range(1, 11)]
    assert all(trade["id"].startswith("trades-BTC-USD:") for trade in seen["trade"])
    assert json.loads(seen["tick"][-1]["data"])["price"] == "65009"
    stream.close()


def test_an_applications_own_channel_and_data_of_several_lines(port, api):
    stream = EventStream(port, f"/v1/stream?channels=my-channel&key={KEY}")
    stream.head()
    stream.event()
    api.trigger("my-channel", "hello", "one\ntwo")
    assert stream.event() == {"event": "hello", "id": "my-channel", "data": "one\ntwo"}
    stream.close()


def test_private_channels_need_a_signed_request(port, api):
    from pusher.http import Request
    signed = Request(api._pusher_client, "GET", "/v1/stream", {"channels": "private-alerts-ann,ticker-AAPL"})
    query = "&".join(f"{name}={value}" for name, value in signed.query_params.items())
    stream = EventStream(port, f"/v1/stream?{query}")
    assert stream.head()[0] == "http/1.1 200 ok"
    stream.event()
    api.trigger("private-alerts-ann", "alert", {"n": 1})
    assert stream.event("alert")["data"] == '{"n": 1}'
    stream.close()
    for query, word in [("channels=private-alerts-ann", "private-alerts-ann"), (query.replace("-ann", "-bob"), "signature")]:
        status, headers, text = request(port, "GET", f"/v1/stream?{query}")
        assert status == 401 and word in json.loads(text)["error"].lower() and headers["content-type"] == "application/json"


@pytest.mark.parametrize("query,status,word", [
    ("", 400, "channels="), ("channels=", 400, "channels="), ("channels=a%2Fb", 400, "a/b"), ("channels=ticker-AAPL&key=nope", 401, "nope"),
    ("channels=ticker-BTC-USE", 404, "BTC-USE"), ("channels=presence-room", 400, "presence-room"), ("channels=a,b,ticker-AAPX", 404, "AAPX"),
    ("channels=" + ",".join(f"c{n}" for n in range(101)), 400, "101"),
])
def test_a_refused_event_stream_names_the_value(port, query, status, word):
    answer = request(port, "GET", f"/v1/stream?{query}")
    assert answer[0] == status and word in json.loads(answer[2])["error"], answer
    assert answer[1]["access-control-allow-origin"] == "*"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_shows_events_as_they_come(market):
    service, exchange = market
    url = f"http://localhost:{service.port}/v1/stream?channels=ticker-AAPL"
    curl = subprocess.Popen(["curl", "-N", "-s", "--ipv4", url], stdout=subprocess.PIPE, text=True)
    assert curl.stdout.readline() == "retry: 1000\n"
    exchange.trade("AAPL", "100.775")
    timer = threading.Timer(10, curl.kill)
    timer.start()
    assert any('"price":"100.775"' in line for line in iter(curl.stdout.readline, ""))
    timer.cancel()
    curl.kill()
    curl.wait(10)


# The server's end; keep it last


def test_a_graceful_end_tells_everybody_and_does_not_wait_for_the_lost(market, connect):
    service, _ = market
    streaming, polling, lost = connect("xhr_streaming"), connect("xhr_polling"), connect("xhr_streaming")
    for session in (streaming, polling, lost):
        greeted(session)
    stream = EventStream(service.port, "/v1/stream?channels=news")
    stream.head()
    stream.event()
    lost.close()
    took = service.stop()
    assert streaming.closed.wait(10) and streaming.close_code == 4200
    assert polling.closed.wait(10) and polling.close_code == 4200
    assert json.loads(stream.event("close")["data"])["code"] == 4200 and stream.event() is None
    assert took < 8 and service.process.returncode == 0
