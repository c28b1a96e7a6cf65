"""pusher-js's HTTP transports, xhr_streaming and xhr_polling, over plain sockets: the same requests at the same moments."""
import http.client
import itertools
import json
import queue
import random
import socket
import threading
import time

MAX_BUFFER_LENGTH = 256 * 1024
ALPHABET = "0123456789abcdefghijklmnopqrstuv"


class Receive:
    """One receive request: calls `on_text(whole text so far)` as a browser reports progress, then `on_end(status)`."""

    def __init__(self, port, path, on_text, on_end):
        self.aborted = False
        self.head = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://page.example\r\nContent-Length: 0\r\n\r\n".encode())
        self.thread = threading.Thread(target=self._read, args=(on_text, on_end), daemon=True)

    def abort(self):
        self.aborted = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def _read(self, on_text, on_end):
        raw, body, is_complete = b"", b"", False
        try:
            while b"\r\n\r\n" not in raw:
                raw += self._more()
            self.head, _, raw = raw.partition(b"\r\n\r\n")
            status = int(self.head.split()[1])
            length = next((int(line.split(b":")[1]) for line in self.head.split(b"\r\n") if line.lower().startswith(b"content-length")), None)
            while not is_complete and not self.aborted:
                if length is None:
                    raw, part, is_complete = self._chunks(raw)
                    body += part
                else:
                    body, is_complete = raw, len(raw) >= length
                if body:
                    # What ends inside a character is not there yet.
                    on_text(status, body.decode(errors="ignore") if not is_complete else body.decode())
                if not is_complete and not self.aborted:
                    raw += self._more()
        except OSError:
            status = 0
        if not self.aborted:
            on_end(status)
            self.socket.close()

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise OSError("the connection ended")
        return data

    @staticmethod
    def _chunks(raw):
        """Takes whole chunks off: the rest, their content, whether the last one was among them."""
        content = b""
        while b"\r\n" in raw:
            size, _, rest = raw.partition(b"\r\n")
            count = int(size, 16)
            if len(rest) < count + 2:
                break
            content += rest[:count]
            raw = rest[count + 2:]
            if count == 0:
                return raw, content, True
        return raw, content, False


class XHRSocket:
    """A connection over `xhr_streaming` or `xhr` (polling) that does what pusher-js's HTTPSocket does."""

    numbers = itertools.count(1)

    def __init__(self, port, transport, key, base="/pusher", query="protocol=7&client=js&version=8.6.0"):
        self.port, self.transport, self.query = port, transport, query
        self.session = f"{random.randrange(1000)}/{''.join(random.choice(ALPHABET) for _ in range(8))}"
        self.location = f"{base}/app/{key}"
        self.messages = queue.Queue()
        self.state = "connecting"
        self.closed = threading.Event()
        self.close_code = self.close_reason = None
        self.reopened = self.opens = self.heartbeats = 0
        self.raw = ""
        self._open()

    def send(self, frame):
        return self.send_raw(json.dumps([json.dumps(frame) if not isinstance(frame, str) else frame]))

    def ping(self):
        return self.send_raw("[]")

    def send_raw(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", f"{self.location}/{self.session}/xhr_send?{self._unique()}", body.encode(), {"Content-Type": "text/plain;charset=UTF-8"})
        answer = connection.getresponse()
        self.send_answer = answer.read().decode()
        connection.close()
        return answer.status

    def receive(self, timeout=10):
        return json.loads(self.messages.get(timeout=timeout))

    def receive_event(self, name, timeout=10):
        deadline = time.monotonic() + timeout
        while True:
            frame = self.receive(max(0.01, deadline - time.monotonic()))
            if frame["event"] == name:
                return frame

    def subscribe(self, channel, **data):
        assert self.send({"event": "pusher:subscribe", "data": {"auth": "", "channel": channel, **data}}) == 204
        return self.receive_event("pusher_internal:subscription_succeeded")

    def close(self):
        self.state = "closed"
        self.stream.abort()

    def _unique(self):
        return f"t={int(time.time() * 1000)}&n={next(self.numbers)}"

    def _open(self):
        name = {"xhr_streaming": "xhr_streaming", "xhr_polling": "xhr"}[self.transport]
        self.position = 0
        self.stream = Receive(self.port, f"{self.location}/{self.session}/{name}?{self.query}&{self._unique()}", self._text, self._ended)
        self.stream.thread.start()
        if self.state == "closed":  # meanwhile, by another thread
            self.stream.abort()

    def _reconnect(self):
        self.stream.abort()
        self.reopened += 1
        self._open()

    def _text(self, status, text):
        if status != 200:
            return
        while (end := text.find("\n", self.position)) >= 0:
            line, self.position = text[self.position:end], end + 1
            self._line(line)
            if self.state == "closed":
                return
        units = len(text.encode("utf-16-le")) // 2
        if self.position == len(text) and units > MAX_BUFFER_LENGTH:
            self._reconnect()

    def _line(self, line):
        kind, rest = line[:1], line[1:]
        if kind == "o":
            self.opens += 1
            if self.state != "connecting":
                return self._close(1006, "Server lost session")
            self.state = "open"
        elif kind == "m":
            self.messages.put(json.loads(rest))
        elif kind == "a":
            for frame in json.loads(rest):
                self.messages.put(frame)
        elif kind == "h":
            self.heartbeats += 1
            if self.transport == "xhr_streaming":
                threading.Thread(target=self.ping, daemon=True).start()
        elif kind == "c":
            self._close(*json.loads(rest))
        else:
            raise AssertionError(f"unknown line {line!r}")

    def _ended(self, status):
        if self.state == "closed":
            return
        if self.transport == "xhr_polling" and status == 200:
            return self._reconnect()
        self._close(1006, f"Connection interrupted ({status})")

    def _close(self, code, reason):
        self.state, self.close_code, self.close_reason = "closed", code, reason
        self.stream.abort()
        self.closed.set()
