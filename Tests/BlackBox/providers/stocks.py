"""Stock services: keys, the order of signing in, one connection for each key."""

from aiohttp import web

from .base import Provider
from .market import MS, SECOND, iso


class Alpaca(Provider):
    """Lists only; sign in within 10 s; one connection; the keys are checked."""

    feed = "alpaca"
    path = "/v2/iex"
    environment = {"APCA_API_KEY_ID": "PKMOCKKEY0001", "APCA_API_SECRET_KEY": "mock-secret-of-alpaca"}
    connections_wanted = 2
    milestones = ("refused the connection limit", "authenticated", "subscribed", "ticks", "ping")
    resolution = 1000

    async def play(self, session):
        await session.send([{"T": "success", "msg": "connected"}])
        request = await session.expect_within(10, "the sign-in")
        key, secret = self.environment.values()
        if not self.require(request == {"action": "auth", "key": key, "secret": secret}, f"signed in with {sorted(request)}"):
            await session.send([{"T": "error", "code": 402, "msg": "auth failed"}])
            await session.close()
        if self.connections == 1:
            # Some earlier connection still holds the only place. This must not end the feed.
            self.reach("refused the connection limit")
            await session.send([{"T": "error", "code": 406, "msg": "connection limit exceeded"}])
            await session.close()
        await session.send([{"T": "success", "msg": "authenticated"}])
        self.reach("authenticated")
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("action") == "subscribe", f"sent {request}")
        for kind in ("trades", "quotes", "statuses"):
            self.expect_symbols(request.get(kind, []), str, kind)
        await session.send([{"T": "subscription", "bars": [], **{
            kind: request.get(kind) for kind in ("trades", "quotes", "statuses")}}])
        self.reach("subscribed")

        async def round(symbol):
            trades = [self.trade(symbol, side="unknown"), self.trade(symbol, side="unknown")]
            quote = self.quote(symbol)
            frame = [{"T": "t", "i": int(trade.id), "S": symbol, "x": "V", "p": float(trade.price), "s": float(trade.size),
                      "t": iso(trade.time, 9), "c": ["@"], "z": "C"} for trade in trades]
            frame.append({"T": "q", "S": symbol, "bx": "V", "bp": float(quote.bid), "bs": float(quote.bid_size), "ax": "V",
                          "ap": float(quote.ask), "as": float(quote.ask_size), "t": iso(quote.time, 6), "c": ["R"], "z": "C"})
            # An average-price print and a status message: no ticks.
            frame.append({"T": "t", "i": 1, "S": symbol, "x": "V", "p": 55, "s": 1, "t": iso(quote.time, 6), "c": ["@", "W"]})
            frame.append({"T": "s", "S": symbol, "sc": "2", "sm": "Trading Halt", "rc": "", "rm": "", "t": iso(quote.time, 6), "z": "A"})
            await session.send(frame)

        await self.trade_rounds(session, round)
        await self.stay(session)


    async def answer(self, request, body):
        sent = tuple(request.headers.get(name) for name in ("APCA-API-KEY-ID", "APCA-API-SECRET-KEY"))
        self.require(sent == tuple(self.environment.values()), "asks without the keys")
        self.require(request.path == "/v2/assets" and request.query.get("asset_class") == "us_equity", f"asks {request.path_qs}")
        return web.json_response([
            {"class": "us_equity", "symbol": symbol, "status": "active", "tradable": True} for symbol in self.symbols])


class Massive(Provider):
    """Status messages in lists; channels in one comma-joined text."""

    feed = "massive"
    path = "/stocks"
    environment = {"MASSIVE_API_KEY": "mock-key-of-massive"}
    milestones = ("authenticated", "T", "Q", "ticks", "ping")

    async def play(self, session):
        await session.send([{"ev": "status", "status": "connected", "message": "Connected Successfully"}])
        request = await session.expect_within(10, "the sign-in")
        if not self.require(request == {"action": "auth", "params": self.environment["MASSIVE_API_KEY"]}, "signed in wrongly"):
            await session.send([{"ev": "status", "status": "auth_failed", "message": "authentication failed"}])
            await session.close()
        await session.send([{"ev": "status", "status": "auth_success", "message": "authenticated"}])
        self.reach("authenticated")
        for _ in range(2):
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("action") == "subscribe", f"sent {request}")
            channels = request.get("params", "").split(",")
            kinds = {channel[:2] for channel in channels}
            self.require(kinds in ({"T."}, {"Q."}), f"subscribes to {channels}")
            self.expect_symbols([channel[2:] for channel in channels], str)
            self.reach(channels[0][0])
            await session.send([
                {"ev": "status", "status": "success", "message": f"subscribed to: {channel}"} for channel in channels])

        async def round(symbol):
            trades = [self.trade(symbol, side="unknown"), self.trade(symbol, side="unknown")]
            quote = self.quote(symbol)
            await session.send([{
                "ev": "T", "sym": symbol, "x": 4, "i": trade.id, "z": 3, "p": float(trade.price), "s": float(trade.size),
                "c": [0, 12], "t": trade.time // MS, "q": int(trade.id) * 3} for trade in trades] + [{
                    "ev": "Q", "sym": symbol, "bx": 4, "bp": float(quote.bid), "bs": float(quote.bid_size), "ax": 7,
                    "ap": float(quote.ask), "as": float(quote.ask_size), "c": 0, "t": quote.time // MS, "q": quote.time // MS}])

        await self.trade_rounds(session, round)
        await self.stay(session)


    async def answer(self, request, body):
        self.require(request.query.get("apiKey") == self.environment["MASSIVE_API_KEY"], "asks without the key")
        self.require(request.path == "/v3/reference/tickers" and request.query.get("sort") == "ticker", f"asks {request.path_qs}")
        page = [symbol for symbol in sorted(self.symbols) if symbol > request.query.get("ticker.gt", "")][: self.page_size]
        return web.json_response({"status": "OK", "results": [{"ticker": symbol, "active": True} for symbol in page]})


class Finnhub(Provider):
    """The key stands in the address; one symbol a message; trades without ids, several at one time."""

    feed = "finnhub"
    environment = {"FINNHUB_API_KEY": "mock-key-of-finnhub"}
    query = {"token": "mock-key-of-finnhub"}
    milestones = ("subscribed", "ticks")
    native_names = {"BTC-USDT": "BINANCE:BTCUSDT"}

    async def play(self, session):
        named = []
        while len(named) < len(self.symbols):
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("type") == "subscribe", f"sent {request}")
            named.append(request.get("symbol"))
        self.expect_symbols(named, lambda symbol: self.native_names.get(symbol, symbol))
        self.reach("subscribed")
        await session.send({"type": "ping"})

        async def round(symbol):
            first = self.trade(symbol, side="unknown", id=None)
            second = self.trade(symbol, side="unknown", id=None, time=first.time)
            await session.send({"type": "trade", "data": [
                {"c": ["1"], "p": float(trade.price), "s": self.native_names.get(symbol, symbol), "t": trade.time // MS,
                 "v": float(trade.size)} for trade in (first, second)]})

        await self.trade_rounds(session, round)
        await self.stay(session)


    async def answer(self, request, body):
        self.require(request.headers.get("X-Finnhub-Token") == self.environment["FINNHUB_API_KEY"], "asks without the key")
        self.require(request.path == "/api/v1/stock/symbol" and request.query.get("exchange") == "US", f"asks {request.path_qs}")
        return web.json_response([
            {"symbol": symbol, "displaySymbol": symbol, "type": "Common Stock"} for symbol in self.symbols if "-" not in symbol])


class Tiingo(Provider):
    """Reference prices in positional lists; lower-case tickers; New York's offset."""

    feed = "tiingo"
    path = "/iex"
    environment = {"TIINGO_API_KEY": "mock-key-of-tiingo"}
    milestones = ("subscribed", "ticks")
    resolution = 1000

    async def play(self, session):
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("authorization") == self.environment["TIINGO_API_KEY"], "has a wrong key")
        self.require(request.get("eventName") == "subscribe", f"sent {sorted(request)}")
        self.require(request.get("eventData", {}).get("thresholdLevel") == 6, f"wants {request.get('eventData')}")
        self.expect_symbols(request.get("eventData", {}).get("tickers", []), lambda s: s.lower().replace(".", "-"))
        await session.send({"messageType": "I", "response": {"code": 200, "message": "Success"}, "data": {"subscriptionId": 61}})
        self.reach("subscribed")
        await session.send({"messageType": "H", "response": {"code": 200, "message": "HeartBeat"}})

        async def round(symbol):
            trade = self.trade(symbol, side="unknown", id=None, size=None)
            stamp = iso(trade.time - 5 * 3600 * SECOND, 6, "-05:00")
            await session.send({"service": "iex", "messageType": "A", "data": [stamp, symbol.lower(), float(trade.price)]})

        await self.trade_rounds(session, round)
        await self.stay(session)


class TwelveData(Provider):
    """The key stands in the address; symbols in one text; seconds; what failed is listed."""

    feed = "twelve-data"
    path = "/v1/quotes/price"
    environment = {"TWELVEDATA_API_KEY": "mock-key-of-twelve"}
    query = {"apikey": "mock-key-of-twelve"}
    milestones = ("subscribed", "ticks", "heartbeat")
    silence_limit = 15
    resolution = SECOND
    rounds = 2

    async def play(self, session):
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("action") == "subscribe", f"sent {request}")
        names = request.get("params", {}).get("symbols", "").split(",")
        self.expect_symbols(names, lambda symbol: symbol.replace("-", "/"))
        await session.send({"event": "subscribe-status", "status": "ok", "success": [{"symbol": n} for n in names], "fails": None})
        self.reach("subscribed")

        async def round(symbol):
            trade = self.trade(symbol, side="unknown", id=None, size=None)
            await session.send({"event": "price", "symbol": symbol.replace("-", "/"), "timestamp": trade.time // SECOND,
                                "price": float(trade.price)})

        async def heartbeat(message):
            self.require(message == {"action": "heartbeat"}, f"said {message}")
            self.reach("heartbeat")
            await session.send({"event": "heartbeat", "status": "ok"})

        await self.trade_rounds(session, round, pause=1.1)
        await self.stay(session, heartbeat)


PROVIDERS = [Alpaca, Massive, Finnhub, Tiingo, TwelveData]
