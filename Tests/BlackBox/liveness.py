"""Clients that are silent in different ways, and what the server makes of them (protocol sections 5 and 15.5).

test_liveness.py runs it with short times. By hand, for ten minutes with the times that a server comes with:
`TICKWIRE_TEST_DATABASE_URL=… python Tests/BlackBox/liveness.py`.
"""
import argparse
import dataclasses
import json
import pathlib
import select
import socket
import sys
import tempfile
import time

from conftest import APP, Service, environment, free_port, new_database

MASK = b"\0\0\0\0"


class RawClient:
    """A WebSocket that answers nothing by itself."""

    def __init__(self, port, key=APP["TICKWIRE_APP_KEY"], query="protocol=7"):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.sendall(
            f"GET /app/{key}?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self.bytes += self._receive()
        self.bytes = self.bytes.split(b"\r\n\r\n", 1)[1]
        while not (first := self.frames()):
            self.bytes += self._receive()
        self.greeting = json.loads(first[0][1]) if first[0][0] == 1 else None

    def _receive(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        return more

    def frames(self):
        """The frames that have come whole, as opcode and payload."""
        found = []
        while len(self.bytes) >= 2:
            size, head = self.bytes[1], 2
            if size == 126:
                size, head = int.from_bytes(self.bytes[2:4], "big"), 4
            if len(self.bytes) < head + size:
                break
            found.append((self.bytes[0] & 15, self.bytes[head:head + size]))
            self.bytes = self.bytes[head + size:]
        return found

    def send(self, opcode, payload=b""):
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + MASK + payload)


@dataclasses.dataclass
class Outcome:
    """What became of a client: the close code and after how many seconds, or `None` while it is connected."""
    code: int | None = None
    seconds: float | None = None
    asked: list = dataclasses.field(default_factory=list)
    pongs: int = 0


def watch(port, seconds, ping_every):
    """Lets four clients be for some seconds; their outcomes by name."""
    started = time.monotonic()
    clients = {name: RawClient(port) for name in ["pings", "answers control pings", "answers pusher:ping", "dead"]}
    outcomes = {name: Outcome() for name in clients}
    next_ping = started + ping_every
    while (now := time.monotonic()) < started + seconds:
        open_ones = {client.socket: name for name, client in clients.items() if outcomes[name].code is None}
        for readable in select.select(list(open_ones), [], [], max(0, min(next_ping, started + seconds) - now))[0]:
            name = open_ones[readable]
            client, outcome = clients[name], outcomes[name]
            more = readable.recv(65536)
            client.bytes += more
            for opcode, payload in client.frames():
                now = time.monotonic()
                if opcode == 8:
                    outcome.code, outcome.seconds = int.from_bytes(payload[:2], "big"), now - started
                elif opcode == 9 or opcode == 1 and json.loads(payload)["event"] == "pusher:ping":
                    outcome.asked.append(round(now - started, 2))
                    if opcode == 9 and name == "answers control pings":
                        client.send(10, payload)
                    elif opcode == 1 and name == "answers pusher:ping":
                        client.send(1, b'{"event":"pusher:pong"}')
                elif opcode == 10 and payload == b"alive":
                    outcome.pongs += 1
            if not more and outcome.code is None:
                outcome.code, outcome.seconds = 1006, time.monotonic() - started
        if time.monotonic() >= next_ping:
            next_ping += ping_every
            clients["pings"].send(9, b"alive")
    for client in clients.values():
        client.socket.close()
    return outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--ping-every", type=float, default=120, help="what the greeting says: 120 s")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickwire-liveness-"))
    with new_database() as database:
        port = free_port()
        service = Service(
            ["gateway", "--port", port], environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=folder, **APP), port, folder / "log")
        try:
            service.wait_ready()
            outcomes = watch(port, arguments.seconds, arguments.ping_every)
        finally:
            service.stop()
    for name, outcome in outcomes.items():
        print(f"{name}: {outcome}")
    dead = outcomes.pop("dead")
    is_good = all(outcome.code is None for outcome in outcomes.values()) and dead.code == 4201 and 205 < dead.seconds < 220
    print("as promised" if is_good else "NOT as promised")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
