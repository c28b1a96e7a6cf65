"""Exchanges mocked on the wire: real WebSocket servers that speak a provider's dialect."""
import asyncio
import contextlib
import json
import threading

import websockets

from conftest import free_port, wait_until


class MockExchange:
    """A WebSocket server on its own thread. `script(connection)` is a coroutine that plays the exchange's part.

    `process_request(connection, request)` answers HTTP requests and may refuse handshakes; None goes on with the handshake.
    """

    def __init__(self, port, script, process_request=None):
        self.port = port
        self.script = script
        self.process_request = process_request
        self.received = []
        self.connections = 0
        self.open = set()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/"

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def call(self, coroutine):
        """Runs a coroutine on the server's loop and waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._stop = asyncio.Event()

        async def handle(connection):
            self.connections += 1
            self.open.add(connection)
            try:
                await self.script(self, connection)
            except websockets.ConnectionClosed:
                pass
            finally:
                self.open.discard(connection)

        async with websockets.serve(handle, "127.0.0.1", self.port, process_request=self.process_request):
            self._started.set()
            await self._stop.wait()


def received_frames(path):
    """The payloads of a recording's received frames, in order."""
    frames = []
    for line in open(path):
        head, _, payload = line.rstrip("\n").partition(": ")
        if payload and not head.startswith(("ws://", "wss://", "http")):
            frames.append(payload)
    return frames


def playback(path):
    """Plays a recording to whoever subscribes, then keeps the connection open."""
    async def script(exchange, connection):
        exchange.received.append(await connection.recv())
        for frame in received_frames(path):
            await connection.send(frame)
        async for message in connection:
            exchange.received.append(message)

    return script


class PriceExchange(MockExchange):
    """Speaks the simulator's dialect (Feeds/sim.yaml) and sends the trades a test asks for."""

    def __init__(self, port):
        self._clients = set()
        self._id = 0
        super().__init__(port, PriceExchange._play)

    @staticmethod
    async def _play(self, connection):
        request = json.loads(await connection.recv())
        self.received.append(request)
        await connection.send(json.dumps({"type": "subscribed", "symbols": request["symbols"]}))
        self._clients.add(connection)
        try:
            async for message in connection:
                self.received.append(json.loads(message))
        finally:
            self._clients.discard(connection)

    def subscribed(self):
        return bool(self._clients)

    def disconnect(self):
        """Ends all connections."""
        async def close():
            for client in list(self._clients):
                await client.close()

        self.call(close())

    def trade(self, symbol, price, size="1", side="buy", identifier=None):
        import datetime

        self._id += 1
        frame = {
            "type": "trade", "symbol": symbol, "price": str(price), "size": size, "side": side,
            "id": identifier or str(self._id), "seq": self._id,
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z"),
        }
        self.send(json.dumps(frame))
        return frame

    def send(self, text):
        async def send():
            for client in list(self._clients):
                await client.send(text)

        self.call(send())


@contextlib.contextmanager
def fed_gateway(start, database):
    """A gateway, and an exchange whose prices an ingester of its own brings to it; BTC-USD stands at 100."""
    gateway = start("gateway", DATABASE_URL=database)
    with PriceExchange(free_port()) as exchange:
        start("ingest", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD",
              "--publish-to", f"http://127.0.0.1:{gateway.port}", DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the feed's subscription")
        exchange.trade("BTC-USD", "100")
        wait_until(lambda: "BTC-USD" in gateway.get("/v1/symbols"), what="the symbol at the gateway")
        yield gateway, exchange
