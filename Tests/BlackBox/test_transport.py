"""The gateway's sockets from outside: TLS, compression, limits, and input that no client library would send."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import pusher
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from conftest import APP, Service, environment, free_port, new_database, wait_until

KEY, SECRET, APP_ID = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], APP["TICKWIRE_APP_ID"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, module_database):
    """Starts gateways; those with the same settings are one."""
    running = {}

    def start(**extra):
        name = repr(sorted(extra.items()))
        if name not in running:
            port = free_port()
            folder = tmp_path_factory.mktemp("gateway")
            env = environment(DATABASE_URL=module_database, TICKWIRE_DATA_DIR=folder, **APP, **extra)
            service = Service(["gateway", "--port", port], env, port, folder / "log")
            running[name] = service
            wait_until(lambda: "Tickwire is running" in service.text(), 30, "the start")
        return running[name]

    yield start
    for service in running.values():
        service.stop()


def url(service, key=KEY, scheme="ws"):
    return f"{scheme}://127.0.0.1:{service.port}/app/{key}?protocol=7&client=test&version=1.0"


@contextlib.contextmanager
def opened(service, **options):
    """A WebSocket behind its greeting."""
    with connect(url(service), **options) as connection:
        assert json.loads(connection.recv(10))["event"] == "pusher:connection_established"
        yield connection


def close_code(connection, timeout=10):
    """The code of the server's close frame."""
    with pytest.raises(ConnectionClosed):
        while True:
            connection.recv(timeout)
    return connection.close_code


def subscribe(connection, channel):
    connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}))
    return json.loads(connection.recv(10))


def publisher(service, **options):
    return pusher.Pusher(app_id=APP_ID, key=KEY, secret=SECRET, host="127.0.0.1", port=service.port, **{"ssl": False, **options})


def metric(service, name):
    return next(int(line.split()[1]) for line in service.get("/metrics").splitlines() if line.startswith(f"tickwire_gateway_{name} "))


def is_alive(service):
    with opened(service) as connection:
        connection.send('{"event":"pusher:ping"}')
        return json.loads(connection.recv(10))["event"] == "pusher:pong"


# Compression

def test_a_client_that_offers_compression_gets_it_when_it_is_switched_on(gateway):
    service = gateway(TICKWIRE_GATEWAY_COMPRESSION="true")
    with opened(service) as packed, opened(service, compression=None) as plain:
        assert "permessage-deflate" in packed.response.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in plain.response.headers
        for connection in (packed, plain):
            assert subscribe(connection, "my-channel")["event"] == "pusher_internal:subscription_succeeded"
        before = metric(service, "sent_bytes_total")
        data = {"text": "the same words again and again " * 200}
        publisher(service).trigger("my-channel", "hello", data)
        frames = [json.loads(connection.recv(10)) for connection in (packed, plain)]
        assert frames[0] == frames[1] and json.loads(frames[0]["data"]) == data
        sent = wait_until(lambda: metric(service, "sent_bytes_total") - before, what="the bytes")
        assert 6000 < sent < 8000, "one of the two frames must be small"


def test_compression_is_not_accepted_by_default(gateway):
    with opened(gateway()) as connection:
        assert "Sec-WebSocket-Extensions" not in connection.response.headers


def test_a_message_that_unpacks_to_too_much_is_closed_with_1009(gateway):
    service = gateway(TICKWIRE_GATEWAY_COMPRESSION="true")
    with opened(service) as connection:
        connection.send('{"event":"pusher:ping","data":"' + "x" * 60_000 + '"}')
        assert json.loads(connection.recv(10))["event"] == "pusher:pong"
        connection.send("x" * 30_000_000)  # about 30 kB on the wire
        assert close_code(connection) == 1009
    assert is_alive(service)


# TLS

def make_certificate(folder, name):
    """Writes a certificate for 127.0.0.1 and its key, each in one step."""
    new = folder / "new"
    new.mkdir(exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", new / "key.pem", "-out", new / "cert.pem"],
        check=True, capture_output=True)
    for file in ("key.pem", "cert.pem"):
        os.replace(new / file, folder / file)


def served_name(port):
    """The common name of the certificate that a new connection gets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as secure:
        text = subprocess.run(
            ["openssl", "x509", "-noout", "-subject"], input=ssl.DER_cert_to_PEM_cert(secure.getpeercert(True)).encode(),
            check=True, capture_output=True).stdout.decode()
    return text.strip().split("CN")[1].strip(" =")


def test_wss_and_https_with_a_certificate_that_is_replaced_while_clients_stay(gateway, tmp_path):
    make_certificate(tmp_path, "first")
    service = gateway(TICKWIRE_TLS_CERTIFICATE=tmp_path / "cert.pem", TICKWIRE_TLS_KEY=tmp_path / "key.pem")
    trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    with connect(url(service, scheme="wss"), ssl=trusted) as connection:
        assert json.loads(connection.recv(10))["event"] == "pusher:connection_established"
        assert subscribe(connection, "my-channel")["event"] == "pusher_internal:subscription_succeeded"
        api = publisher(service, ssl=True)
        api._pusher_client.http.options["verify"] = str(tmp_path / "cert.pem")  # the library knows public authorities only
        api.trigger_batch([{"channel": "my-channel", "name": "hello", "data": {"n": n}} for n in range(10)])
        assert [json.loads(json.loads(connection.recv(10))["data"])["n"] for _ in range(10)] == list(range(10))
        assert served_name(service.port) == "first"

        (tmp_path / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        wait_until(lambda: "New TLS files refused, the old certificate stays" in service.text(), what="the warning")
        assert any("cert.pem" in line for line in service.text().splitlines() if "New TLS files refused" in line)
        assert served_name(service.port) == "first"

        make_certificate(tmp_path, "second")
        wait_until(lambda: served_name(service.port) == "second", what="the new certificate")
        # What is open stays open.
        connection.send('{"event":"pusher:ping"}')
        assert json.loads(connection.recv(10))["event"] == "pusher:pong"
        connection.close()
    with socket.create_connection(("127.0.0.1", service.port), 10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"200" not in plain.recv(100)


def test_a_key_of_another_certificate_stops_the_start(tmp_path, module_database):
    make_certificate(tmp_path, "one")
    os.rename(tmp_path / "key.pem", tmp_path / "other.pem")
    make_certificate(tmp_path, "two")
    for key, words in [("other.pem", "does not belong to"), ("none.pem", "No such file"), (None, "tls.key")]:
        extra = {"TICKWIRE_TLS_KEY": tmp_path / key} if key else {}
        result = subprocess.run(
            [os.environ.get("TICKWIRE_PROGRAM", pathlib.Path(__file__).resolve().parents[2] / ".build/debug/tickwire"), "gateway", "--port", str(free_port())],
            env=environment(DATABASE_URL=module_database, TICKWIRE_DATA_DIR=tmp_path, TICKWIRE_TLS_CERTIFICATE=tmp_path / "cert.pem", **APP, **extra),
            capture_output=True, text=True, timeout=60)
        assert result.returncode == 78 and words in result.stderr.strip().splitlines()[-1], result.stderr


# Who may connect

def test_web_pages_of_other_origins_are_closed_with_4009(gateway):
    service = gateway(TICKWIRE_GATEWAY_ORIGINS="https://shop.example,*.pages.example")
    for origin, code in [("https://shop.example", None), ("https://a.pages.example", None), (None, None),
                         ("https://evil.example", 4009), ("null", 4009)]:
        with connect(url(service), origin=origin) as connection:
            if code:
                assert close_code(connection) == code
            else:
                assert json.loads(connection.recv(10))["event"] == "pusher:connection_established"


def test_an_address_with_too_many_connections_gets_4100_and_503_until_one_has_gone(gateway):
    service = gateway(TICKWIRE_GATEWAY_CONNECTIONS_PER_ADDRESS="3")
    with contextlib.ExitStack() as stack:
        first = [stack.enter_context(opened(service)) for _ in range(3)]
        with connect(url(service)) as refused:
            assert close_code(refused) == 4100
        with pytest.raises(urllib.error.HTTPError) as error:
            service.get("/healthz")
        assert error.value.code == 503 and "too many connections" in error.value.read().decode()
        first[0].close()
        wait_until(lambda: is_alive_or_refused(service), what="room for another")


def is_alive_or_refused(service):
    try:
        return is_alive(service)
    except ConnectionClosed:
        return False


def test_more_connections_than_the_server_takes_get_4100(gateway):
    service = gateway(TICKWIRE_GATEWAY_CONNECTIONS="5")
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(opened(service))
        with connect(url(service)) as refused:
            assert close_code(refused) == 4100


# Input that no library sends

def frame(payload, opcode=1, fin=True, rsv=0, mask=b"\1\2\3\4", length=None):
    """A client's frame, rules broken as asked."""
    size = len(payload) if length is None else length
    bit = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (mask or b"") + bytes(byte ^ mask[i % 4] if mask else byte for i, byte in enumerate(payload))


class RawSocket:
    """A WebSocket whose frames the test makes byte by byte."""

    def __init__(self, service):
        self.socket = socket.create_connection(("127.0.0.1", service.port), 10)
        self.socket.sendall(
            f"GET /app/{KEY}?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self.bytes += self.socket.recv(65536)
        self.bytes = self.bytes.split(b"\r\n\r\n", 1)[1]
        assert b"connection_established" in self.read()[1]

    def _need(self, count):
        while len(self.bytes) < count:
            more = self.socket.recv(65536)
            if not more:
                return False
            self.bytes += more
        return True

    def read(self):
        """The next frame's opcode and payload, or `None` at the end."""
        if not self._need(2):
            return None
        size, head = self.bytes[1], 2
        if size == 126:
            self._need(4)
            size, head = int.from_bytes(self.bytes[2:4], "big"), 4
        if not self._need(head + size):
            return None
        opcode, payload = self.bytes[0] & 15, self.bytes[head:head + size]
        self.bytes = self.bytes[head + size:]
        return opcode, payload

    def answer(self):
        """What comes of it: a close code, or the event."""
        while (found := self.read()) is not None:
            opcode, payload = found
            if opcode == 8:
                return int.from_bytes(payload[:2], "big")
            if opcode == 1:
                return json.loads(payload)["event"]
        return "end"


@pytest.mark.parametrize(
    "sent, answer",
    [
        (frame(b"{}", opcode=2), "pusher:error"),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"\xce", fin=False) + frame(b"\x20", opcode=0, fin=False), 1007),
        (frame(b"x" * 65_537), 1009),
        (frame(b"", length=2 ** 40), 1009),
        (frame(b"x" * 40_000, fin=False) + frame(b"x" * 40_000, opcode=0), 1009),
        (frame(b"{}", mask=None), 1002),
        (frame(b"{}", rsv=4), 1002),
        (frame(b"{}", rsv=1), 1002),
        (frame(b"{}", opcode=3), 1002),
        (frame(b"{}", opcode=0), 1002),
        (frame(b"{}", opcode=9, fin=False), 1002),
        (frame(b"x" * 126, opcode=9), 1002),
        (frame(b"\3\xed", opcode=8), 1002),
        (frame(b"\3", opcode=8), 1002),
        (frame(b"\3\xe8\xff", opcode=8), 1007),
        (frame(b"not json"), "pusher:error"),
        (frame(b"[1]"), "pusher:error"),
        (frame(b"{}"), "pusher:error"),
        (frame(b'{"event":5}'), "pusher:error"),
        (frame(b'{"event":"pusher:unknown"}'), "pusher:error"),
        (frame(b'{"event":"something"}'), "pusher:error"),
        (frame(b'{"event":"pusher:subscribe"}'), "pusher:error"),
        (frame(b'{"event":"pusher:subscribe","data":{"channel":"' + b"a" * 201 + b'"}}'), "pusher:error"),
        (frame(b'{"event":"pusher:subscribe","data":{"channel":"a b"}}'), "pusher:error"),
        (frame(b'{"event":"' + b"e" * 5000 + b'"}'), "pusher:error"),
        (frame(b"[" * 60_000), "pusher:error"),
        (frame(b'{"event":"pusher:ping"}'), "pusher:pong"),
    ],
    ids=["binary", "wrong UTF-8", "wrong UTF-8 before the end", "oversized", "oversized by its header", "oversized in fragments",
         "unmasked", "reserved bit 1", "reserved bit 3", "reserved opcode", "continuation of nothing", "fragmented ping",
         "long ping", "reserved close code", "half a close code", "close reason not UTF-8", "no JSON", "no object", "no event",
         "numeric event", "unknown pusher event", "unknown event", "no channel", "201 characters", "bad character",
         "long event name", "deep nesting", "nothing wrong"])
def test_a_malformed_frame_has_a_defined_answer(gateway, sent, answer):
    service = gateway()
    raw = RawSocket(service)
    with raw.socket:
        raw.socket.sendall(sent)
        assert raw.answer() == answer
        if isinstance(answer, str):
            raw.socket.sendall(frame(b'{"event":"pusher:ping"}'))
            while (event := raw.answer()) == "pusher:subscription_error":
                pass
            assert event == "pusher:pong"
        else:
            raw.socket.sendall(frame(b"", opcode=8))
            assert raw.read() is None  # the server ends the TCP connection


def test_a_flood_is_closed_with_1008_and_others_do_not_notice(gateway):
    service = gateway(TICKWIRE_GATEWAY_MESSAGES_PER_SECOND="50")
    with opened(service) as other:
        raw = RawSocket(service)
        with raw.socket, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            raw.socket.sendall(frame(b'{"event":"pusher:ping"}') * 1000)
            answers = []
            while (answer := raw.answer()) == "pusher:pong":
                answers.append(answer)
            assert answer == 1008 and 200 <= len(answers) < 300
        other.send('{"event":"pusher:ping"}')
        assert json.loads(other.recv(10))["event"] == "pusher:pong"


def test_a_publish_to_101_channels_is_refused_and_one_to_100_is_not(gateway):
    import pusher.http
    service = gateway()
    api = publisher(service)
    api.trigger([f"channel-{n}" for n in range(100)], "e", {})
    body = {"name": "e", "channels": [f"channel-{n}" for n in range(101)], "data": "{}"}
    request = pusher.http.Request(api._pusher_client, "POST", f"/apps/{APP_ID}/events", body)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{service.port}{request.path}?{request.query_string}", request.body,
            {"Content-Type": "application/json"}))
    assert error.value.code == 400 and "100" in error.value.read().decode()


def test_slow_headers_and_bodies_are_cut_off_and_many_of_them_keep_nobody_out(gateway):
    service = gateway()
    with contextlib.ExitStack() as stack:
        sockets = []
        starts = [b"GET /app/x HTTP/1.1\r\nHost: x\r\nX-Slow: ", *(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode() for path in ("/apps/3/events", "/pusher/auth"))]
        for start in (*starts, b""):
            for _ in range(100):
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 10))
                slow.sendall(start)
                sockets.append(slow)
        started = time.monotonic()
        assert is_alive(service)
        ended = set()

        def drip():
            """One byte more for each; notes who was cut off."""
            for number, slow in enumerate(sockets):
                if number in ended:
                    continue
                try:
                    slow.setblocking(False)
                    if number < 300:
                        slow.send(b"a")
                    if slow.recv(1000) == b"":
                        ended.add(number)
                except BlockingIOError:
                    pass
                except OSError:
                    ended.add(number)
            return len(ended) == len(sockets)

        wait_until(drip, 25, "the end of all slow connections")
        assert 8 < time.monotonic() - started < 20


def test_request_heads_that_do_not_end_are_refused_with_431(gateway):
    service = gateway()
    with socket.create_connection(("127.0.0.1", service.port), 10) as raw:
        with contextlib.suppress(OSError):
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 4000)
        with contextlib.suppress(ConnectionResetError):
            assert b" 431 " in raw.recv(1000)
    assert is_alive(service)


@pytest.mark.parametrize(
    "head",
    ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: -1\r\n",
     "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Transfer-Encoding: chunked, identity\r\n", "Content-Length : 5\r\n"])
def test_a_request_whose_length_is_ambiguous_is_refused_and_nothing_behind_it_is_read(gateway, head):
    service = gateway()
    with socket.create_connection(("127.0.0.1", service.port), 10) as raw:
        raw.sendall(f"POST /apps/3/events HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while more := raw.recv(65536):
                answer += more
    assert answer.startswith(b"HTTP/1.1 4") and answer.count(b"HTTP/1.1") == 1, answer


# The end

def test_a_thousand_clients_are_told_to_reconnect_spread_over_the_drain_window(gateway):
    service = gateway(TICKWIRE_GATEWAY_DRAIN_SECONDS="3")
    sockets = [RawSocket(service) for _ in range(1000)]
    times, codes = [], []

    def listen(part):
        for raw in part:
            raw.socket.setblocking(False)
        waiting = list(part)
        deadline = time.monotonic() + 15
        while waiting and time.monotonic() < deadline:
            for raw in list(waiting):
                try:
                    code = raw.answer()
                except BlockingIOError:
                    continue
                times.append(time.monotonic())
                codes.append(code)
                raw.socket.setblocking(True)
                with contextlib.suppress(OSError):
                    raw.socket.sendall(frame(b"\x10\x68", opcode=8))
                raw.socket.close()
                waiting.remove(raw)

    listener = threading.Thread(target=listen, args=(sockets,))
    listener.start()
    started = time.monotonic()
    service.stop(signal.SIGTERM)
    listener.join()
    assert codes == [4200] * 1000
    times = sorted(moment - started for moment in times)
    assert times[-1] < 6
    # Evenly: no half second has more than twice its share.
    for step in range(6):
        assert sum(step / 2 <= moment < (step + 1) / 2 for moment in times) < 1000 / 3, times[::50]
    assert times[900] - times[100] > 1.5
