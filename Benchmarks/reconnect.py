#!/usr/bin/env python3
"""Kills a gateway with many clients, starts it again, and says when all are back and how late steady traffic was meanwhile.

Usage: reconnect.py TICKWIRE PORT [CLIENTS]

All clients come back at once: at the moment their connection ends and, as long as it is refused, every 0.1 to 0.5 s.
Fifty further clients hear a hundred events a second. The delay of each event, from before its publish to its arrival, is
counted in three windows: before the kill, from the return of the first of the fifty until the last of all clients is back,
and afterwards. The two halves are processes of their own.
"""
import errno
import hashlib
import heapq
import hmac
import json
import multiprocessing
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import time

APP, KEY, SECRET = "app", "key", "secret"
STEADY, PER_SECOND = 50, 100


def upgrade(channel):
    """The upgrade and the subscription in one piece, as an eager client sends them."""
    text = json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}).encode()
    frame = bytes([0x81, 0x80 | len(text)]) + bytes(4) + text
    return (
        f"GET /app/{KEY}?protocol=7&client=bench HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode() + frame


class Clients:
    """Connections of one process, each of which comes back when it is lost."""

    def __init__(self, port, count, channel, heard):
        self.port, self.count, self.heard = port, count, heard
        self.hello = upgrade(channel)
        self.poll = select.epoll()
        self.sockets, self.seen, self.back = {}, {}, set()
        self.due = [(0.0, number) for number in range(count)]
        self.refused = 0

    def connect(self, number):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", self.port))
        self.sockets[client.fileno()] = (client, number)
        self.poll.register(client.fileno(), select.EPOLLOUT)

    def lost(self, descriptor, wait):
        client, number = self.sockets.pop(descriptor)
        self.seen.pop(descriptor, None)
        self.back.discard(number)
        client.close()
        heapq.heappush(self.due, (time.monotonic() + wait, number))

    def run(self, until):
        """Goes on until `until` says so, which is asked every few milliseconds."""
        while not until():
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                self.connect(heapq.heappop(self.due)[1])
            for descriptor, events in self.poll.poll(0.005, 512):
                client, number = self.sockets[descriptor]
                try:
                    if events & select.EPOLLOUT:
                        failure = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                        if failure:
                            raise OSError(failure, "connect")
                        client.send(self.hello)
                        self.poll.modify(descriptor, select.EPOLLIN)
                        continue
                    data = client.recv(65536)
                    if not data:
                        raise OSError(errno.ECONNRESET, "closed")
                except OSError as error:
                    wasRefused = error.errno == errno.ECONNREFUSED
                    self.refused += not wasRefused and number not in self.back
                    self.lost(descriptor, random.uniform(0.1, 0.5) if number not in self.back else 0)
                    continue
                if number in self.back:
                    self.heard(data)
                    continue
                self.seen[descriptor] = self.seen.get(descriptor, b"") + data
                if b"pusher_internal:subscription_succeeded" in self.seen[descriptor]:
                    del self.seen[descriptor]
                    self.back.add(number)
                elif b"pusher:error" in self.seen[descriptor]:
                    sys.exit(f"A client was refused: {self.seen[descriptor]!r}")


class Publisher:
    """Publishes on time, whatever becomes of the answers; tries again where the connection was lost."""

    def __init__(self, port):
        self.port, self.socket, self.next = port, None, time.monotonic()

    def tick(self):
        now = time.monotonic()
        if now < self.next:
            return
        # What could not be sent in time is not sent later: it would measure the sender.
        self.next = max(self.next + 1 / PER_SECOND, now - 0.1)
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=0.2)
                self.socket.setblocking(False)
            self.socket.send(self.request())
            self.socket.recv(65536)
        except BlockingIOError:
            pass
        except OSError:
            self.socket = None

    @staticmethod
    def request():
        body = json.dumps({"name": "e", "channel": "steady", "data": f"@{time.monotonic_ns()}@"}).encode()
        path = f"/apps/{APP}/events"
        query = f"auth_key={KEY}&auth_timestamp={int(time.time())}&auth_version=1.0&body_md5={hashlib.md5(body).hexdigest()}"
        code = hmac.new(SECRET.encode(), f"POST\n{path}\n{query}".encode(), hashlib.sha256).hexdigest()
        head = f"POST {path}?{query}&auth_signature={code} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


def storm(port, count, window, done):
    clients = Clients(port, count, "crowd", lambda data: None)
    clients.run(lambda: len(clients.back) == count)
    window.value = 1
    clients.run(lambda: window.value >= 2)
    # The kernel tells of the lost connections in its own time.
    clients.run(lambda: len(clients.back) < count)
    clients.run(lambda: len(clients.back) == count)
    done.value = time.monotonic()
    window.value = 4
    print(f"storm: {count} clients back, connections that were taken and then lost: {clients.refused}", flush=True)
    clients.run(lambda: window.value >= 5)


def steady(port, window, results):
    delays = {1: [], 3: [], 4: []}

    def heard(data):
        now = time.monotonic_ns()
        for part in data.split(b"@")[1::2]:
            if window.value in delays:
                delays[window.value].append((now - int(part)) / 1e6)

    clients = Clients(port, STEADY, "steady", heard)
    publisher = Publisher(port)

    def step():
        publisher.tick()
        if window.value == 2 and clients.killed and clients.back:
            window.value = 3
        if len(clients.back) < STEADY and window.value == 2:
            clients.killed = True
        return window.value >= 5

    clients.killed = False
    clients.run(step)
    results.put(delays)


def start(tickwire, port):
    return subprocess.Popen(
        [tickwire, "gateway", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        env=dict(os.environ, TICKWIRE_APP_ID=APP, TICKWIRE_APP_KEY=KEY, TICKWIRE_APP_SECRET=SECRET,
                 TICKWIRE_LOG_LEVEL="warning", TICKWIRE_GATEWAY_CONNECTIONS="20000"))


def main():
    tickwire, port, count = sys.argv[1], int(sys.argv[2]), int((sys.argv[3:] or ["10000"])[0])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    window = multiprocessing.Value("i", 0)  # 1 before, 2 killed, 3 coming back, 4 afterwards, 5 the end
    done = multiprocessing.Value("d", 0)
    results = multiprocessing.Queue()
    gateway = start(tickwire, port)
    halves = [
        multiprocessing.Process(target=storm, args=(port, count, window, done)),
        multiprocessing.Process(target=steady, args=(port, window, results)),
    ]
    for half in halves:
        half.start()

    def wait(number, seconds):
        deadline = time.monotonic() + seconds
        while window.value < number:
            if time.monotonic() > deadline or not all(half.is_alive() for half in halves):
                sys.exit(f"Stuck before step {number}")
            if gateway.poll() is not None and window.value != 2:
                sys.exit(f"The gateway ended by itself: {tickwire} gateway --port {port}")
            time.sleep(0.01)

    try:
        wait(1, 120)
        time.sleep(5)
        window.value = 2
        gateway.send_signal(signal.SIGKILL)
        gateway.wait()
        killed = time.monotonic()
        gateway = start(tickwire, port)
        wait(4, 120)
        time.sleep(5)
        window.value = 5
        delays = results.get(timeout=30)
        print(f"all back {done.value - killed:.1f} s after the kill")
        for number, name in [(1, "before"), (3, "while they come back"), (4, "afterwards")]:
            list_ = sorted(delays[number])
            at = lambda share: list_[min(len(list_) - 1, int(share * len(list_)))] if list_ else float("nan")
            print(f"{name}: {len(list_)} deliveries, p50 {at(.5):.1f} ms, p99 {at(.99):.1f} ms, longest {at(1):.1f} ms")
    finally:
        gateway.kill()
        for half in halves:
            half.join(1)
            half.terminate()


if __name__ == "__main__":
    main()
