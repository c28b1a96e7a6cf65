"""One mocked provider: a WebSocket and HTTP server on a port of its own that enforces the provider's rules."""
import asyncio
import collections
import dataclasses
import json
import time

from aiohttp import WSMsgType, web

from .market import Market, defaults


class Closed(Exception):
    """The client has left."""


class Session:
    """One WebSocket connection from the provider's side."""

    def __init__(self, provider, socket, request):
        self.provider = provider
        self.socket = socket
        self.request = request
        self.opened = time.monotonic()
        self.last_sign = self.opened
        self.longest_silence = 0.0
        self.arrivals = []
        self.pings = 0
        self.expects_close = False

    async def send(self, message):
        """Sends JSON, or a text or bytes as they are."""
        if self.socket.closed:
            raise Closed
        try:
            if isinstance(message, bytes):
                await self.socket.send_bytes(message)
            else:
                await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))
        except (ConnectionError, RuntimeError) as error:
            raise Closed from error

    async def receive(self):
        """The next message: JSON where it is some, else the text. Answers pings on the way."""
        while True:
            message = await self.socket.receive()
            now = time.monotonic()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                raise Closed
            self._note_sign(now)
            if message.type == WSMsgType.PING:
                self.pings += 1
                self.provider.reach("ping")
                await self.socket.pong(message.data)
                continue
            if message.type == WSMsgType.PONG:
                continue
            self._check_rate(now)
            if message.type == WSMsgType.BINARY:
                self.provider.violate("sent a binary frame")
                continue
            try:
                return json.loads(message.data)
            except ValueError:
                return message.data

    async def expect_within(self, seconds, what):
        """The next message, which must come in time."""
        try:
            return await asyncio.wait_for(self.receive(), seconds)
        except asyncio.TimeoutError:
            self.provider.violate(f"{what} did not come within {seconds} s")
            raise Closed from None

    async def close(self, code=1000):
        """Ends the connection from our side."""
        self.expects_close = True
        await self.socket.close(code=code)
        raise Closed

    def end(self):
        """The connection is over: judge how it was kept alive."""
        self._note_sign(time.monotonic())
        limit = self.provider.silence_limit
        if limit and self.longest_silence > limit:
            self.provider.violate(f"was silent for {self.longest_silence:.1f} s, the limit is {limit} s")

    def _note_sign(self, now):
        self.longest_silence = max(self.longest_silence, now - self.last_sign)
        self.last_sign = now

    def _check_rate(self, now):
        self.arrivals = [at for at in self.arrivals if at > now - 1] + [now]
        if len(self.arrivals) > self.provider.messages_per_second:
            self.provider.violate(f"sent {len(self.arrivals)} messages in one second")


class Provider:
    """Subclasses say how the venue speaks; `play` is one connection, `answer` one HTTP request."""

    feed = ""
    path = "/"
    query = {}
    environment = {}
    #: What must have happened by the end.
    milestones = ()
    #: The longest the client may be silent, in seconds; None where the venue does not mind.
    silence_limit = None
    messages_per_second = 30
    resolution = 1_000_000
    #: How many connections a client makes that leaves us only when we want it to.
    connections_wanted = 1
    rounds = 4
    traded = 2
    #: Rewrites in the test's copy of the feed file: shorter intervals, no trading hours.
    edits = ()
    #: Symbols beside the file's default ones, where a limit needs more of them to show.
    more_symbols = ()
    #: How exactly the history tells times, in nanoseconds; None where it tells them as the stream does.
    history_resolution = None
    #: What one answer of the history holds at most: less than the venue's own limit, so that pages follow each other.
    page_size = 4
    #: A trade's id by its number.
    name_id = staticmethod(str)

    def __init__(self):
        self.violations = []
        self.reached = set()
        self.expected = []
        self.history = collections.defaultdict(list)
        self.withheld = []
        self.history_requests = 0
        self.connections = 0
        self.open_sessions = set()
        self.asked = []
        self.port = None
        self.market = Market(self.resolution, name_id=self.name_id)
        self.symbols = [*defaults(self.feed), *self.more_symbols]

    # What a subclass provides.

    async def play(self, session):
        """One connection, until it closes."""
        raise NotImplementedError

    async def answer(self, request, body):
        """One HTTP request's answer."""
        self.violate(f"asked for {request.method} {request.path_qs}")
        return web.Response(status=404)

    # What it uses.

    def violate(self, what):
        if what not in self.violations:
            self.violations.append(what)

    def require(self, condition, what):
        if not condition:
            self.violate(what)
        return condition

    def reach(self, milestone):
        self.reached.add(milestone)

    @property
    def paths(self):
        """Where connections may come."""
        return (self.path,)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/"

    def trade(self, symbol, **changes):
        tick = self.market.trade(symbol, **changes)
        self.expected.append(tick)
        self.history[symbol].append(tick)
        return tick

    # Trades that are in the history only.

    def withhold(self, symbol, count=6):
        """Trades that the stream never tells of; they must be stored all the same, as the history has them."""
        for _ in range(count):
            tick = self.market.trade(symbol)
            self.history[symbol].append(tick)
            self.withheld.append(tick)
            self.expected.append(self.told(tick))

    def told(self, tick):
        """A trade as the history tells it."""
        unit = self.history_resolution
        return dataclasses.replace(tick, time=tick.time // unit * unit) if unit else tick

    def replay(self, symbol, count=1, snapshot=True):
        """The newest trades, which the venue sends again after subscribing: for withheld ones it is the first time."""
        ticks = self.history[symbol][-count:]
        for tick in ticks:
            if tick in self.withheld:
                self.withheld.remove(tick)
                self.expected[self.expected.index(self.told(tick))] = dataclasses.replace(tick, snapshot=snapshot)
        return ticks

    @property
    def is_first_of_two(self):
        """Whether this is the connection that breaks off, where one does."""
        return self.connections == 1 and self.connections_wanted == 2

    async def break_off(self, session):
        """The line breaks, and trading goes on."""
        for symbol in self.symbols[: self.traded]:
            self.withhold(symbol)
        self.reach("broke off")
        await session.close(1011)

    def asked_for(self, request, spell, **parameters):
        """The symbol whose history a request asks for; it must have these parameters. None where it names none of ours."""
        self.reach("asked for the history")
        self.history_requests += 1
        for name, value in parameters.items():
            self.require(request.query.get(name) == value, f"asks {request.path_qs} without {name}={value}")
        return next((symbol for symbol in self.symbols if spell(symbol) in self.named(request)), None)

    @staticmethod
    def named(request):
        """What in a request may name a symbol: its path's parts and its parameters."""
        return [*request.path.split("/"), *request.query.values()]

    def since(self, symbol, holds):
        """The first trades for which `holds`, oldest first."""
        return [tick for tick in self.history[symbol] if holds(tick)][: self.page_size]

    def before(self, symbol, holds=lambda tick: True):
        """The last trades for which `holds`, newest first."""
        return [tick for tick in reversed(self.history[symbol]) if holds(tick)][: self.page_size]

    def quote(self, symbol, **changes):
        tick = self.market.quote(symbol, **changes)
        self.expected.append(tick)
        return tick

    def expect_symbols(self, named, native, what="the subscription"):
        """Checks that exactly the default symbols are named, each once."""
        wanted = sorted(native(symbol) for symbol in self.symbols)
        self.require(sorted(named) == wanted, f"{what} names {sorted(named)}, not {wanted}")

    async def trade_rounds(self, session, send, rounds=None, pause=0.15):
        """Calls `send(symbol)` for the traded symbols, round after round."""
        for _ in range(rounds or self.rounds):
            for symbol in self.symbols[: self.traded]:
                await send(symbol)
            await asyncio.sleep(pause)
        self.reach("ticks")

    # Serving.

    async def handle(self, request):
        if request.headers.get("Upgrade", "").lower() != "websocket":
            body = await request.text()
            self.asked.append((time.monotonic(), request.path_qs))
            return await self.answer(request, body)
        self.require("Origin" not in request.headers, "sent an Origin header")
        self.require(request.path in self.paths, f"connected to {request.path}, not {' or '.join(self.paths)}")
        for key, value in self.query.items():
            self.require(request.query.get(key) == value, f"the address lacks {key}={value}")
        socket = web.WebSocketResponse(autoping=False, autoclose=True, compress=False)
        await socket.prepare(request)
        session = Session(self, socket, request)
        self.connections += 1
        self.open_sessions.add(session)
        try:
            await self.play(session)
        except Closed:
            pass
        finally:
            session.end()
            self.open_sessions.discard(session)
            await socket.close()
        return socket

    async def stay(self, session, handle=None):
        """Keeps the connection until the client leaves, passing on what it says."""
        while True:
            message = await session.receive()
            if handle:
                await handle(message)
            else:
                self.violate(f"said {json.dumps(message)[:200]}")
