"""Opens a hundred thousand connections, a few hundred at a time, and looks whether a socket id came twice (protocol section 15.1).

By hand, a minute or two with a release build: `TICKWIRE_TEST_DATABASE_URL=… python Tests/BlackBox/socket_ids.py`.
"""
import argparse
import asyncio
import json
import pathlib
import re
import sys
import tempfile
import time

from conftest import APP, Service, environment, free_port, new_database

REQUEST = (
    f"GET /app/{APP['TICKWIRE_APP_KEY']}?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()


async def socket_id(port):
    """Connects, reads the greeting, and leaves without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(REQUEST)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        head = await reader.readexactly(2)
        assert head[0] == 0x81, head
        size = int.from_bytes(await reader.readexactly(2), "big") if head[1] == 126 else head[1]
        frame = json.loads(await reader.readexactly(size))
        assert frame["event"] == "pusher:connection_established", frame
        return json.loads(frame["data"])["socket_id"]
    finally:
        # An abort: a hundred thousand orderly ends would use up the ports of this machine.
        writer.transport.abort()


async def collect(port, count, at_once):
    """The ids of `count` connections."""
    left = iter(range(count))
    ids = []

    async def worker():
        for _ in left:
            ids.append(await socket_id(port))

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return ids


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=200)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickwire-ids-"))
    with new_database() as database:
        port = free_port()
        service = Service(
            ["gateway", "--port", port], environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=folder, **APP), port, folder / "log")
        try:
            service.wait_ready()
            started = time.monotonic()
            ids = asyncio.run(collect(port, arguments.count, arguments.at_once))
            seconds = time.monotonic() - started
            alive = service.get("/healthz")
        finally:
            service.stop()
    assert alive and len(ids) == arguments.count
    wrong = [text for text in ids if not re.fullmatch(r"\d+\.\d+", text)]
    print(f"{len(ids)} connections in {seconds:.0f} s, {len(set(ids))} different ids, {len(wrong)} of another form")
    sys.exit(0 if len(set(ids)) == len(ids) and not wrong else 1)


if __name__ == "__main__":
    main()
