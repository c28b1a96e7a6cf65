"""Korean and Japanese venues, and those that need one class each: Poloniex, Hyperliquid, Bitget."""
import json
import re

from aiohttp import web

from .base import Provider
from .crypto_large import joined, underscored
from .market import MS, iso


class Upbit(Provider):
    """JSON in binary frames; every request replaces the whole subscription; idle connections are cut after 120 s."""

    feed = "upbit"
    path = "/websocket/v1"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "pinged", "broke off", "asked for the history")
    silence_limit = 120

    @staticmethod
    def native(symbol):
        base, quote = symbol.split("-")
        return f"{quote}-{base}"

    async def play(self, session):
        self.subscribed = {}

        async def send(message):
            await session.send(json.dumps(message, ensure_ascii=False).encode())

        def subscribe(request):
            if not self.require(isinstance(request, list), f"sent {request}"):
                return
            self.require(re.fullmatch(r"[0-9a-fA-F-]{36}", str(request[0].get("ticket", ""))), f"the ticket of {request} is no UUID")
            self.require(request[-1] == {"format": "DEFAULT"}, f"the last part is {request[-1]}")
            self.subscribed = {part["type"]: part["codes"] for part in request[1:-1]}  # replaces what was there

        subscribe(await session.expect_within(5, "the subscription"))
        self.require(set(self.subscribed) == {"trade", "orderbook"}, f"wants {set(self.subscribed)}")
        for codes in self.subscribed.values():
            self.expect_symbols(codes, self.native)
        self.reach("subscribed")

        def item(trade, kind="REALTIME"):
            return {
                "type": "trade", "code": self.native(trade.symbol), "timestamp": trade.time // MS + 5, "trade_date": "2021-04-17",
                "trade_time": "16:51:02", "trade_timestamp": trade.time // MS, "trade_price": float(trade.price),
                "trade_volume": float(trade.size), "ask_bid": "BID" if trade.side == "buy" else "ASK",
                "sequential_id": int(trade.id), "stream_type": kind}

        for symbol in self.symbols[: self.traded]:
            if self.connections == 1:
                self.trade(symbol, age=8.0, snapshot=True)
            await send(item(self.replay(symbol)[0], "SNAPSHOT"))

        async def round(symbol):
            await send(item(self.trade(symbol)))
            quote = self.quote(symbol)
            # Microseconds have been seen where milliseconds are documented.
            stamp = quote.time // 1000 if symbol == self.symbols[1] else quote.time // MS
            await send({
                "type": "orderbook", "code": self.native(symbol), "timestamp": stamp, "total_ask_size": 1, "total_bid_size": 1,
                "orderbook_units": [{"ask_price": float(quote.ask), "bid_price": float(quote.bid),
                                     "ask_size": float(quote.ask_size), "bid_size": float(quote.bid_size)}],
                "stream_type": "REALTIME"})

        async def handle(message):
            if message == "PING":
                self.reach("pinged")
                await send({"status": "UP"})
            else:
                subscribe(message)

        await self.trade_rounds(session, round)
        if self.is_first_of_two:
            await self.break_off(session)
        await self.stay(session, handle)

    async def answer(self, request, body):
        if request.path == "/v1/market/all":
            return web.json_response([{"market": self.native(symbol), "english_name": symbol} for symbol in self.symbols])
        symbol = self.asked_for(request, self.native, count="500")
        if symbol is None or request.path != "/v1/trades/ticks":
            return web.json_response({"error": {"name": 404, "message": "Code not found"}}, status=404)
        cursor = int(request.query.get("cursor", 2**62))
        return web.json_response([
            {"market": self.native(symbol), "timestamp": tick.time // MS, "trade_price": float(tick.price),
             "trade_volume": float(tick.size), "ask_bid": "BID" if tick.side == "buy" else "ASK", "sequential_id": int(tick.id)}
            for tick in self.before(symbol, lambda tick: int(tick.id) < cursor)])


class Bithumb(Upbit):
    feed = "bithumb"
    connections_wanted = 1
    milestones = ("subscribed", "ticks", "pinged")


class BitFlyer(Provider):
    """JSON-RPC; seven fractional digits; no side in an auction."""

    feed = "bitflyer"
    path = "/json-rpc"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "ping", "broke off", "asked for the history")
    resolution = 1000
    history_resolution = MS

    @staticmethod
    def native(symbol):
        return underscored(symbol)

    async def play(self, session):
        named = []
        while len(named) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("jsonrpc") == "2.0" and request.get("method") == "subscribe", f"sent {request}")
            named.append(request.get("params", {}).get("channel", ""))
            await session.send({"jsonrpc": "2.0", "id": request.get("id"), "result": True})
        for kind in ("lightning_executions_", "lightning_ticker_"):
            self.expect_symbols([n.removeprefix(kind) for n in named if n.startswith(kind)], self.native, kind)
        self.reach("subscribed")

        async def push(channel, message):
            await session.send({"jsonrpc": "2.0", "method": "channelMessage", "params": {"channel": channel, "message": message}})

        def item(trade):
            side = "" if trade.side == "unknown" else trade.side.upper()
            return {"id": int(trade.id), "side": side, "price": float(trade.price), "size": float(trade.size),
                    "exec_date": iso(trade.time, 7)}

        async def round(symbol):
            name = self.native(symbol)
            trades = [self.trade(symbol), self.trade(symbol, side="unknown")]
            await push(f"lightning_executions_{name}", [item(trade) for trade in trades])
            quote = self.quote(symbol, last="100.007")
            await push(f"lightning_ticker_{name}", {
                "product_code": name, "state": "RUNNING", "timestamp": iso(quote.time, 7), "tick_id": 1,
                "best_bid": float(quote.bid), "best_ask": float(quote.ask), "best_bid_size": float(quote.bid_size),
                "best_ask_size": float(quote.ask_size), "ltp": float(quote.last)})

        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await self.stay(session)

    async def answer(self, request, body):
        if request.path == "/v1/getmarkets":
            return web.json_response([{"product_code": self.native(symbol), "market_type": "Spot"} for symbol in self.symbols])
        symbol = self.asked_for(request, self.native, count="500")
        if symbol is None or request.path != "/v1/getexecutions":
            return web.json_response({"status": -100, "error_message": "Invalid product"}, status=400)
        before = int(request.query.get("before", 2**62))
        return web.json_response([
            {"id": int(tick.id), "side": "" if tick.side == "unknown" else tick.side.upper(), "price": float(tick.price),
             "size": float(tick.size), "exec_date": iso(tick.time, 3, "")}
            for tick in self.before(symbol, lambda tick: int(tick.id) < before)])


class Poloniex(Provider):
    """One channel a message; `amount` is in the quote currency; cut after 30 s of silence."""

    feed = "poloniex"
    path = "/ws/public"
    connections_wanted = 2
    milestones = ("trades", "book", "ticks", "pinged", "broke off", "asked for the history")
    silence_limit = 30
    page_size = 1000

    async def play(self, session):
        for _ in range(2):
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("event") == "subscribe" and len(request.get("channel", [])) == 1, f"sent {request}")
            self.expect_symbols(request.get("symbols", []), underscored)
            self.reach(request["channel"][0])
            await session.send({"channel": request["channel"][0], "event": "subscribe", "symbols": request["symbols"]})

        async def round(symbol):
            trade = self.trade(symbol)
            await session.send({"channel": "trades", "data": [{
                "symbol": underscored(symbol), "amount": "70", "quantity": trade.size, "takerSide": trade.side,
                "createTime": trade.time // MS, "price": trade.price, "id": trade.id, "ts": trade.time // MS + 4}]})
            quote = self.quote(symbol)
            await session.send({"channel": "book", "data": [{
                "symbol": underscored(symbol), "createTime": quote.time // MS, "asks": [[quote.ask, quote.ask_size], ["999", "1"]],
                "bids": [[quote.bid, quote.bid_size]], "id": quote.time // MS, "ts": quote.time // MS}]})

        async def pong(message):
            self.require(message == {"event": "ping"}, f"said {message}")
            self.reach("pinged")
            await session.send({"event": "pong"})

        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await self.stay(session, pong)

    async def answer(self, request, body):
        if request.path == "/markets":
            return web.json_response([
                {"symbol": underscored(symbol), "baseCurrencyName": symbol.split("-")[0],
                 "quoteCurrencyName": symbol.split("-")[1], "state": "NORMAL"} for symbol in self.symbols])
        symbol = self.asked_for(request, underscored, limit="1000")
        if symbol is None or request.path != f"/markets/{underscored(symbol)}/trades":
            return web.json_response({"code": 21309, "message": "Invalid symbol"}, status=400)
        return web.json_response([
            {"id": tick.id, "price": tick.price, "quantity": tick.size, "amount": "70", "takerSide": tick.side.upper(),
             "ts": tick.time // MS + 4, "createTime": tick.time // MS} for tick in self.before(symbol)])


class Hyperliquid(Provider):
    """One subscription a message; a coin's name is the whole symbol; cut after 60 s of silence."""

    feed = "hyperliquid"
    path = "/ws"
    milestones = ("subscribed", "ticks", "pinged")
    silence_limit = 60
    messages_per_second = 30

    @staticmethod
    def native(symbol):
        return symbol.removesuffix("-USD")

    async def play(self, session):
        wanted = {"trades": [], "bbo": []}
        while sum(map(len, wanted.values())) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("method") == "subscribe", f"sent {request}")
            subscription = request.get("subscription", {})
            wanted.setdefault(subscription.get("type"), []).append(subscription.get("coin"))
            await session.send({"channel": "subscriptionResponse", "data": request})
        for kind, coins in wanted.items():
            self.expect_symbols(coins, self.native, kind)
        self.reach("subscribed")

        def item(trade):
            return {"coin": self.native(trade.symbol), "side": "B" if trade.side == "buy" else "A", "px": trade.price,
                    "sz": trade.size, "time": trade.time // MS, "hash": "0x0", "tid": int(trade.id)}

        async def round(symbol):
            await session.send({"channel": "trades", "data": [item(self.trade(symbol)), item(self.trade(symbol))]})
            quote = self.quote(symbol, ask=None, ask_size=None)
            await session.send({"channel": "bbo", "data": {
                "coin": self.native(symbol), "time": quote.time // MS, "bbo": [{"px": quote.bid, "sz": quote.bid_size, "n": 1}, None]}})

        async def pong(message):
            self.require(message == {"method": "ping"}, f"said {message}")
            self.reach("pinged")
            await session.send({"channel": "pong"})

        for symbol in self.symbols[: self.traded]:
            old = [item(self.trade(symbol, age=30.0 - n, snapshot=True)) for n in range(3)]
            await session.send({"channel": "trades", "data": old})
        await self.trade_rounds(session, round)
        await self.stay(session, pong)


    async def answer(self, request, body):
        asked = request.method, request.path, body
        self.require(asked == ("POST", "/info", '{"type":"meta"}'), f"asks {asked}")
        self.require(request.headers.get("Content-Type") == "application/json", "does not say that it sends JSON")
        coins = [*map(self.native, self.symbols), "SOMETHING-ELSE"]
        return web.json_response({"universe": [{"name": coin, "szDecimals": 5, "maxLeverage": 40} for coin in coins]})


class Bitget(Provider):
    """Arguments are objects; text pings; old trades come first and say so."""

    feed = "bitget"
    path = "/v3/ws/public"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "pinged", "broke off", "asked for the history")
    silence_limit = 30
    page_size = 100

    async def play(self, session):
        named = {"publicTrade": [], "books1": []}
        while sum(map(len, named.values())) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscription")
            self.require(request.get("op") == "subscribe", f"sent {request}")
            for entry in request.get("args", []):
                self.require(entry.get("instType") == "spot", f"asks for {entry}")
                named.setdefault(entry.get("topic"), []).append(entry.get("symbol"))
                await session.send({"event": "subscribe", "arg": entry})
        for topic, symbols in named.items():
            self.expect_symbols(symbols, joined, topic)
        self.reach("subscribed")

        async def push(action, topic, symbol, data):
            await session.send({"action": action, "arg": {"instType": "spot", "topic": topic, "symbol": joined(symbol)},
                                "data": data, "ts": self.market.now() // MS})

        def item(trade):
            return {"i": trade.id, "p": trade.price, "v": trade.size, "S": trade.side, "T": str(trade.time // MS), "L": "1"}

        async def round(symbol):
            await push("update", "publicTrade", symbol, [item(self.trade(symbol)), item(self.trade(symbol))])
            quote = self.quote(symbol)
            await push("snapshot", "books1", symbol, [{
                "a": [[quote.ask, quote.ask_size]], "b": [[quote.bid, quote.bid_size]], "checksum": 0, "seq": quote.time // MS,
                "pseq": 1, "ts": str(quote.time // MS)}])

        async def pong(message):
            self.require(message == "ping", f"said {message}")
            self.reach("pinged")
            await session.send("pong")

        if self.connections == 1:
            for n in range(3):
                self.trade(self.symbols[0], age=20.0 - n, snapshot=True)
        old = self.replay(self.symbols[0], 3 if self.connections == 1 else 1)
        await push("snapshot", "publicTrade", self.symbols[0], [item(trade) for trade in old])
        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await self.stay(session, pong)

    async def answer(self, request, body):
        self.require(request.query.get("category") == "SPOT", f"asks {request.path_qs}")
        if request.path == "/api/v3/market/instruments":
            return web.json_response({"code": "00000", "msg": "success", "data": [
                {"symbol": joined(symbol), "baseCoin": symbol.split("-")[0], "quoteCoin": symbol.split("-")[1],
                 "status": "online"} for symbol in self.symbols]})
        symbol = self.asked_for(request, joined, limit="100")
        if symbol is None or request.path != "/api/v3/market/fills":
            return web.json_response({"code": "40034", "msg": "Parameter does not exist", "data": None}, status=400)
        return web.json_response({"code": "00000", "msg": "success", "data": [
            {"execId": tick.id, "price": tick.price, "size": tick.size, "side": tick.side, "ts": str(tick.time // MS)}
            for tick in self.before(symbol)]})


PROVIDERS = [Upbit, Bithumb, BitFlyer, Poloniex, Hyperliquid, Bitget]
