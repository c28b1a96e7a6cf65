"""Venues with conversations of their own: tokens, pings to answer, channel names that carry the symbol."""
import asyncio
import gzip
import json
import uuid

from aiohttp import web

from .base import Provider
from .crypto_large import dashed, joined, underscored
from .market import MS, iso


class KrakenV1(Provider):
    """Arrays whose name and pair stand at the end."""

    feed = "kraken-v1"
    milestones = ("trade", "ticker", "ticks", "pinged")
    resolution = 1000
    silence_limit = 60

    @staticmethod
    def native(symbol):
        names = {"BTC": "XBT", "DOGE": "XDG"}
        return "/".join(names.get(leg, leg) for leg in symbol.split("-"))

    async def play(self, session):
        await session.send({"connectionID": 14545728493745856413, "event": "systemStatus", "status": "online", "version": "1.9"})
        channels = {}
        while set(channels) != {"trade", "ticker"}:
            request = await session.expect_within(5, "the subscriptions")
            name = request.get("subscription", {}).get("name")
            self.require(request.get("event") == "subscribe", f"sent {request}")
            channels[name] = request.get("pair", [])
            self.reach(name)
            self.expect_symbols(channels[name], self.native)
            for pair in channels[name]:
                await session.send({
                    "channelID": 1, "channelName": name, "event": "subscriptionStatus", "pair": pair, "status": "subscribed",
                    "subscription": {"name": name}})

        async def round(symbol):
            trades = [self.trade(symbol, id=None), self.trade(symbol, id=None)]
            await session.send([993, [
                [trade.price, trade.size, f"{trade.time // 10**9}.{trade.time // 1000 % 10**6:06d}", trade.side[0], "l", ""]
                for trade in trades], "trade", self.native(symbol)])
            quote = self.quote(symbol, last="100.004", time=None)
            await session.send([996, {
                "a": [quote.ask, 27, quote.ask_size], "b": [quote.bid, 6, quote.bid_size], "c": [quote.last, "1.2"]},
                "ticker", self.native(symbol)])

        async def pong(message):
            self.require(message.get("event") == "ping", f"said {message}")
            self.reach("pinged")
            await session.send({"event": "pong", "reqid": message.get("reqid")})

        async def heartbeats():
            while True:
                await session.send({"event": "heartbeat"})
                await asyncio.sleep(1)

        await self.trade_rounds(session, round)
        await asyncio.gather(self.stay(session, pong), heartbeats())


    async def answer(self, request, body):
        self.require(request.path == "/0/public/AssetPairs", f"asks {request.path_qs}")
        return web.json_response({"error": [], "result": {
            joined(symbol): {"wsname": self.native(symbol), "status": "online"} for symbol in self.symbols}})


class Bitstamp(Provider):
    """The symbol stands in the channel's name; the venue asks for a reconnect."""

    feed = "bitstamp"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "asked to reconnect", "came back", "pinged", "asked for the history")
    resolution = 1000
    history_resolution = 10**9
    page_size = 10**6
    silence_limit = 60

    async def play(self, session):
        named = []
        while len(named) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("event") == "bts:subscribe", f"sent {request}")
            channel = request.get("data", {}).get("channel", "")
            named.append(channel)
            await session.send({"event": "bts:subscription_succeeded", "channel": channel, "data": {}})
        for kind in ("live_trades_", "order_book_"):
            symbols = [channel.removeprefix(kind) for channel in named if channel.startswith(kind)]
            self.expect_symbols(symbols, lambda symbol: joined(symbol).lower(), kind)
        self.reach("subscribed")

        async def round(symbol):
            trade = self.trade(symbol)
            name = joined(symbol).lower()
            await session.send({"event": "trade", "channel": f"live_trades_{name}", "data": {
                "id": int(trade.id), "timestamp": str(trade.time // 10**9), "amount": float(trade.size), "amount_str": trade.size,
                "price": float(trade.price) + 1e-13, "price_str": trade.price, "type": 0 if trade.side == "buy" else 1,
                "microtimestamp": str(trade.time // 1000)}})
            quote = self.quote(symbol)
            await session.send({"event": "data", "channel": f"order_book_{name}", "data": {
                "timestamp": str(quote.time // 10**9), "microtimestamp": str(quote.time // 1000),
                "bids": [[quote.bid, quote.bid_size], ["1", "1"]], "asks": [[quote.ask, quote.ask_size], ["999", "1"]]}})

        await self.trade_rounds(session, round)
        if self.connections == 1:
            for symbol in self.symbols[: self.traded]:
                self.withhold(symbol)
            await session.send({"event": "bts:request_reconnect", "channel": "", "data": ""})
            self.reach("asked to reconnect")
            await self.stay(session)
        self.reach("came back")

        async def pong(message):
            self.require(message.get("event") == "bts:heartbeat", f"said {message}")
            self.reach("pinged")
            await session.send({"event": "bts:heartbeat", "channel": "", "data": {"status": "success"}})

        await self.stay(session, pong)

    async def answer(self, request, body):
        if request.path == "/api/v2/trading-pairs-info/":
            return web.json_response([
                {"name": symbol.replace("-", "/"), "url_symbol": joined(symbol).lower(), "trading": "Enabled"}
                for symbol in self.symbols])
        symbol = self.asked_for(request, lambda symbol: joined(symbol).lower(), time="day")
        if symbol is None or request.path != f"/api/v2/transactions/{joined(symbol).lower()}/":
            return web.Response(status=404)
        return web.json_response([
            {"date": str(tick.time // 10**9), "tid": tick.id, "amount": tick.size, "type": "0" if tick.side == "buy" else "1",
             "price": tick.price} for tick in self.before(symbol)])


class GeminiHistory(Provider):
    """The last 500 trades over HTTP, and the list of symbols."""

    connections_wanted = 2
    history_resolution = MS
    page_size = 500

    async def answer(self, request, body):
        if request.path == "/v1/symbols":
            return web.json_response([joined(symbol).lower() for symbol in self.symbols])
        symbol = self.asked_for(request, lambda symbol: joined(symbol).lower(), limit_trades="500")
        if symbol is None or request.path != f"/v1/trades/{joined(symbol).lower()}":
            return web.json_response({"result": "error", "reason": "InvalidSymbol", "message": "Invalid symbol"}, status=400)
        return web.json_response([
            {"timestamp": tick.time // 10**9, "timestampms": tick.time // MS, "tid": int(tick.id), "price": tick.price,
             "amount": tick.size, "exchange": "gemini", "type": "block" if tick.side == "unknown" else tick.side}
            for tick in self.before(symbol)])


class Gemini(GeminiHistory):
    """Trades come with the order book's name; the first message nests the last ones."""

    feed = "gemini"
    path = "/v2/marketdata"
    milestones = ("subscribed", "ticks", "broke off", "asked for the history")

    async def play(self, session):
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("type") == "subscribe", f"sent {request}")
        entries = request.get("subscriptions", [])
        self.require([entry.get("name") for entry in entries] == ["l2"], f"wants {entries}")
        self.expect_symbols(entries[0].get("symbols", []), joined)
        self.reach("subscribed")

        def item(trade):
            return {
                "type": "trade", "symbol": joined(trade.symbol), "event_id": int(trade.id) * 7 % 10**6, "tid": int(trade.id),
                "timestamp": trade.time // MS,
                "price": trade.price, "quantity": trade.size, "side": "block" if trade.side == "unknown" else trade.side}

        for symbol in self.symbols[: self.traded]:
            if self.connections == 1:
                for n in range(5):
                    self.trade(symbol, age=60.0 - n, snapshot=True)
            old = self.replay(symbol, 5 if self.connections == 1 else 1)
            await session.send({
                "type": "l2_updates", "symbol": joined(symbol), "changes": [["buy", "99", "1"]],
                "trades": [item(trade) for trade in reversed(old)], "auction_events": []})

        async def round(symbol):
            await session.send(item(self.trade(symbol)))
            await session.send({"type": "l2_updates", "symbol": joined(symbol), "changes": [["sell", "101", "0"]]})

        await self.trade_rounds(session, round)
        await session.send(item(self.trade(self.symbols[0], side="unknown")))
        if self.connections == 1:
            await self.break_off(session)

        async def heartbeats():
            while True:
                await session.send({"type": "heartbeat", "timestamp": self.market.now() // MS})
                await asyncio.sleep(5)

        await asyncio.gather(self.stay(session), heartbeats())


class GeminiV3(GeminiHistory):
    """Messages without a type; nanoseconds."""

    feed = "gemini-v3"
    query = {"snapshot": "-1"}
    milestones = ("subscribed", "ticks", "ping", "broke off", "asked for the history")
    resolution = 1000

    async def play(self, session):
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("method") == "SUBSCRIBE", f"sent {request}")
        for kind in ("trade", "bookTicker"):
            named = [name.split("@")[0] for name in request.get("params", []) if name.endswith(f"@{kind}")]
            self.expect_symbols(named, lambda symbol: joined(symbol).lower(), kind)
        await session.send({"id": request.get("id"), "status": 200})
        self.reach("subscribed")
        await session.send({"e": "contractStatus", "E": self.market.now() // MS, "s": "x"})

        async def round(symbol):
            trade = self.trade(symbol)
            name = joined(symbol).lower()
            await session.send({
                "E": trade.time, "s": name, "t": int(trade.id), "p": trade.price, "q": trade.size, "m": trade.side == "sell"})
            quote = self.quote(symbol)
            await session.send({
                "u": quote.time // 1000, "E": quote.time, "s": name, "b": quote.bid, "B": quote.bid_size, "a": quote.ask,
                "A": quote.ask_size, "c": "1", "C": "2"})
            await session.send({"u": quote.time // 1000, "E": quote.time, "s": name})

        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await self.stay(session)


class KuCoin(Provider):
    """A token by HTTP for each connection, a welcome to wait for, the ping's pace by the server."""

    feed = "kucoin"
    path = "/endpoint"
    connections_wanted = 2
    milestones = ("asked for a token", "subscribed", "ticks", "pinged", "broke off", "came back", "asked for the history")
    silence_limit = 10
    page_size = 100
    tokens = ()

    async def answer(self, request, body):
        if request.path == "/api/v2/symbols":
            return web.json_response({"code": "200000", "data": [
                {"symbol": symbol, "baseCurrency": symbol.split("-")[0], "quoteCurrency": symbol.split("-")[1],
                 "enableTrading": True} for symbol in self.symbols]})
        if request.path == "/api/v1/market/histories":
            symbol = self.asked_for(request, dashed)
            return web.json_response({"code": "200000", "data": [
                {"sequence": tick.id, "price": tick.price, "size": tick.size, "side": tick.side, "time": tick.time}
                for tick in reversed(self.before(symbol))]})
        if not self.require(request.method == "POST" and request.path == "/api/v1/bullet-public", f"asked {request.path_qs}"):
            return web.Response(status=404)
        self.reach("asked for a token")
        token = uuid.uuid4().hex
        self.tokens = (*self.tokens, token)
        return web.json_response({"code": "200000", "data": {"token": token, "instanceServers": [{
            "endpoint": f"ws://127.0.0.1:{self.port}/endpoint", "encrypt": True, "protocol": "websocket",
            "pingInterval": 4000, "pingTimeout": 10000}]}})

    async def play(self, session):
        token = session.request.query.get("token")
        if not self.require(token in self.tokens, "came without a token of ours"):
            await session.close(4401)
        self.tokens = tuple(known for known in self.tokens if known != token)  # each opens one connection
        self.require(len(session.request.query.get("connectId", "")) > 8, "has no connectId")
        try:
            await asyncio.wait_for(session.receive(), 0.4)
            self.violate("spoke before the welcome")
        except asyncio.TimeoutError:
            pass
        await session.send({"id": session.request.query.get("connectId", ""), "type": "welcome"})
        topics = {}
        while len(topics) < 2:
            request = await session.expect_within(5, "the subscriptions")
            self.require(request.get("type") == "subscribe" and request.get("response") is True, f"sent {request}")
            kind, _, names = request.get("topic", "").partition(":")
            self.require(len(names.split(",")) <= 100, "more than 100 symbols in a topic")
            topics[kind] = names.split(",")
            await session.send({"id": request["id"], "type": "ack"})
        self.require(set(topics) == {"/market/match", "/market/ticker"}, f"wants {set(topics)}")
        for names in topics.values():
            self.expect_symbols(names, dashed)
        self.reach("subscribed")

        async def round(symbol):
            trade = self.trade(symbol)
            await session.send({"topic": f"/market/match:{symbol}", "type": "message", "subject": "trade.l3match", "data": {
                "symbol": symbol, "sequence": trade.id, "side": trade.side, "size": trade.size, "price": trade.price,
                "time": str(trade.time), "tradeId": trade.id, "type": "match"}})
            quote = self.quote(symbol, last=trade.price)
            await session.send({"topic": f"/market/ticker:{symbol}", "type": "message", "subject": "trade.ticker", "data": {
                "bestAsk": quote.ask, "bestAskSize": quote.ask_size, "bestBid": quote.bid, "bestBidSize": quote.bid_size,
                "price": quote.last, "sequence": str(quote.time // MS), "size": "1", "time": quote.time // MS}})

        async def pong(message):
            self.require(message.get("type") == "ping", f"said {message}")
            self.reach("pinged")
            await session.send({"id": message.get("id"), "type": "pong"})

        await self.trade_rounds(session, round)
        if self.connections == 1:
            # The next connection needs a new token.
            await self.break_off(session)
        self.reach("came back")
        await self.stay(session, pong)


class Gate(Provider):
    """Requests carry the time; results are one object or a list."""

    feed = "gate"
    path = "/ws/v4/"
    connections_wanted = 2
    milestones = ("spot.trades", "spot.book_ticker", "ticks", "pinged", "broke off", "asked for the history")
    silence_limit = 30

    async def play(self, session):
        for _ in range(2):
            request = await session.expect_within(5, "the subscriptions")
            self.check_time(request)
            self.require(request.get("event") == "subscribe", f"sent {request}")
            self.expect_symbols(request.get("payload", []), underscored)
            self.reach(request.get("channel"))
            await session.send({
                "time": 1, "time_ms": 1000, "channel": request.get("channel"), "event": "subscribe", "result": {"status": "success"}})

        def item(trade):
            return {
                "id": int(trade.id), "create_time": trade.time // 10**9, "create_time_ms": f"{trade.time // MS}.0",
                "side": trade.side, "currency_pair": underscored(trade.symbol), "amount": trade.size, "price": trade.price}

        async def round(symbol):
            await session.send({"time": 1, "channel": "spot.trades", "event": "update", "result": item(self.trade(symbol))})
            several = [item(self.trade(symbol)), item(self.trade(symbol))]
            await session.send({"time": 1, "channel": "spot.trades", "event": "update", "result": several})
            quote = self.quote(symbol)
            await session.send({"time": 1, "channel": "spot.book_ticker", "event": "update", "result": {
                "t": quote.time // MS, "u": quote.time // MS, "s": underscored(symbol), "b": quote.bid, "B": quote.bid_size,
                "a": quote.ask, "A": quote.ask_size}})

        async def pong(message):
            self.check_time(message)
            self.require(message.get("channel") == "spot.ping", f"said {message}")
            self.reach("pinged")
            await session.send({"time": 1, "channel": "spot.pong", "event": "", "result": None})

        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await self.stay(session, pong)

    async def answer(self, request, body):
        if request.path == "/api/v4/spot/currency_pairs":
            return web.json_response([
                {"id": underscored(symbol), "base": symbol.split("-")[0], "quote": symbol.split("-")[1],
                 "trade_status": "tradable"} for symbol in self.symbols])
        symbol = self.asked_for(request, underscored, limit="1000", reverse="true")
        if symbol is None or request.path != "/api/v4/spot/trades":
            return web.json_response({"label": "INVALID_CURRENCY_PAIR", "message": "Invalid currency pair"}, status=400)
        last = int(request.query.get("last_id", 2**62))
        return web.json_response([
            {"id": tick.id, "create_time": str(tick.time // 10**9), "create_time_ms": f"{tick.time // MS}.0", "side": tick.side,
             "role": "taker", "amount": tick.size, "price": tick.price, "sequence_id": tick.id,
             "currency_pair": underscored(symbol)} for tick in self.before(symbol, lambda tick: int(tick.id) < last)])

    def check_time(self, request):
        now = self.market.now() // 10**9
        stamp = request.get("time")
        self.require(isinstance(stamp, int) and abs(stamp - now) <= 5, f"the time {stamp!r} is not now")


class HTX(Provider):
    """Everything is gzip; pings must be answered with their number; one topic a message."""

    feed = "htx"
    path = "/ws"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "ponged", "broke off", "asked for the history")
    page_size = 2000

    async def play(self, session):
        self.awaited = []

        async def send(message):
            text = message if isinstance(message, str) else json.dumps(message)
            await session.send(gzip.compress(text.encode()))

        topics = []
        while len(topics) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscriptions")
            self.require(isinstance(request.get("id"), str), f"the id of {request} is not a text")
            topics.append(request.get("sub", ""))
            await send({"id": request.get("id"), "status": "ok", "subbed": request.get("sub"), "ts": self.market.now() // MS})
        for kind in (".trade.detail", ".bbo"):
            named = [topic.removeprefix("market.").removesuffix(kind) for topic in topics if topic.endswith(kind)]
            self.expect_symbols(named, lambda symbol: joined(symbol).lower(), kind)
        self.reach("subscribed")

        def trades(several):
            name = joined(several[0].symbol).lower()
            items = ",".join(
                f'{{"id":3263732932557572{trade.id}982681,"ts":{trade.time // MS},"tradeId":{trade.id},"amount":{trade.size},'
                f'"price":{float(trade.price):.6E},"direction":"{trade.side}"}}' for trade in several)
            return f'{{"ch":"market.{name}.trade.detail","ts":1,"tick":{{"id":1,"ts":1,"data":[{items}]}}}}'

        async def round(symbol):
            await send(trades([self.trade(symbol), self.trade(symbol)]))
            quote = self.quote(symbol)
            await send({"ch": f"market.{joined(symbol).lower()}.bbo", "ts": quote.time // MS, "tick": {
                "seqId": quote.time // MS, "ask": float(quote.ask), "askSize": float(quote.ask_size), "bid": float(quote.bid),
                "bidSize": float(quote.bid_size), "quoteTime": quote.time // MS, "symbol": joined(symbol).lower()}})

        async def pings():
            number = 1492420473027
            while True:
                self.awaited.append(number)
                await send({"ping": number})
                await asyncio.sleep(2)
                self.require(number not in self.awaited, f"did not answer ping {number} within 2 s")
                number += 2000

        async def pong(message):
            number = message.get("pong") if isinstance(message, dict) else None
            if self.require(number in self.awaited, f"said {message}"):
                self.awaited.remove(number)
                self.reach("ponged")

        for symbol in self.symbols[: self.traded]:
            if self.connections == 1:
                self.trade(symbol, age=40.0, snapshot=True)
            await send(trades(self.replay(symbol, snapshot=False)))
        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await asyncio.gather(self.stay(session, pong), pings())

    async def answer(self, request, body):
        if request.path == "/v1/common/symbols":
            return web.json_response({"status": "ok", "data": [
                {"base-currency": symbol.split("-")[0].lower(), "quote-currency": symbol.split("-")[1].lower(),
                 "symbol": joined(symbol).lower(), "state": "online"} for symbol in self.symbols]})
        symbol = self.asked_for(request, lambda symbol: joined(symbol).lower(), size="2000")
        if symbol is None or request.path != "/market/history/trade":
            return web.json_response({"status": "error", "err-code": "invalid-parameter", "err-msg": "invalid symbol"})
        items = ",".join(
            f'{{"id":{tick.id},"ts":{tick.time // MS},"data":[{{"id":3263732932557572{tick.id}982681,"ts":{tick.time // MS},'
            f'"trade-id":{tick.id},"amount":{tick.size},"price":{tick.price},"direction":"{tick.side}"}}]}}'
            for tick in self.before(symbol))
        return web.Response(text=f'{{"ch":"x","status":"ok","ts":1,"data":[{items}]}}', content_type="application/json")


class CryptoCom(Provider):
    """Wait a second first; answer heartbeats within 5 s with their id."""

    feed = "crypto-com"
    path = "/exchange/v1/market"
    connections_wanted = 2
    milestones = ("waited", "subscribed", "ticks", "answered a heartbeat", "broke off", "asked for the history")

    async def play(self, session):
        try:
            await asyncio.wait_for(session.receive(), 0.85)
            self.violate("spoke within a second of connecting")
        except asyncio.TimeoutError:
            self.reach("waited")
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("method") == "subscribe", f"sent {request}")
        nonce = request.get("nonce")
        self.require(isinstance(nonce, int) and abs(nonce - self.market.now() // MS) < 5000, f"the nonce {nonce!r} is not now")
        channels = request.get("params", {}).get("channels", [])
        for kind in ("trade", "ticker"):
            named = [name.removeprefix(kind + ".") for name in channels if name.startswith(kind + ".")]
            self.expect_symbols(named, underscored, kind)
        await session.send({"id": request.get("id"), "method": "subscribe", "code": 0})
        self.reach("subscribed")

        async def data(channel, symbol, items):
            name = underscored(symbol)
            await session.send({"id": -1, "code": 0, "method": "subscribe", "result": {
                "instrument_name": name, "subscription": f"{channel}.{name}", "channel": channel, "data": items}})

        def item(trade):
            return {"d": trade.id, "s": trade.side.upper(), "p": trade.price, "q": trade.size, "t": trade.time // MS,
                    "i": underscored(trade.symbol)}

        async def round(symbol):
            await data("trade", symbol, [item(self.trade(symbol)), item(self.trade(symbol))])
            quote = self.quote(symbol, last="100.006")
            await data("ticker", symbol, [{
                "h": "1", "l": "1", "a": quote.last, "c": "0.1", "b": quote.bid, "bs": quote.bid_size, "k": quote.ask,
                "ks": quote.ask_size, "i": underscored(symbol), "v": "1", "vv": "1", "oi": "1", "t": quote.time // MS}])

        async def heartbeats():
            number = 1587523073344
            while True:
                self.awaited = number
                await session.send({"id": number, "method": "public/heartbeat", "code": 0})
                await asyncio.sleep(5)
                self.require(self.awaited is None, f"did not answer heartbeat {number} within 5 s")
                number += 1

        async def answered(message):
            if self.require(message == {"id": self.awaited, "method": "public/respond-heartbeat"}, f"said {message}"):
                self.awaited = None
                self.reach("answered a heartbeat")

        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await asyncio.gather(self.stay(session, answered), heartbeats())

    async def answer(self, request, body):
        if request.path == "/exchange/v1/public/get-instruments":
            return web.json_response({"id": 1, "method": "public/get-instruments", "code": 0, "result": {"data": [
                {"symbol": underscored(symbol), "inst_type": "CCY_PAIR", "tradable": True} for symbol in self.symbols]}})
        symbol = self.asked_for(request, underscored, count="150")
        if symbol is None or request.path != "/exchange/v1/public/get-trades":
            return web.json_response({"id": -1, "code": 40004, "message": "Invalid instrument_name"}, status=400)
        end = int(request.query.get("end_ts", 2**62))
        return web.json_response({"id": -1, "method": "public/get-trades", "code": 0, "result": {"data": [
            {"s": tick.side.upper(), "p": tick.price, "q": tick.size, "t": tick.time // MS, "tn": str(tick.time), "d": tick.id,
             "i": underscored(symbol)} for tick in self.before(symbol, lambda tick: tick.time // MS < end)]}})


class Deribit(Provider):
    """JSON-RPC; a heartbeat is asked for, and its test requests must be answered."""

    feed = "deribit"
    path = "/ws/api/v2"
    milestones = ("heartbeat set", "subscribed", "ticks", "answered a test request", "asked for the history")

    @staticmethod
    def native(symbol):
        return symbol if symbol.endswith("-PERPETUAL") else underscored(symbol)

    async def play(self, session):
        request = await session.expect_within(5, "set_heartbeat")
        self.require(request.get("method") == "public/set_heartbeat", f"began with {request}")
        self.require(request.get("params", {}).get("interval", 0) >= 10, "wants heartbeats more often than every 10 s")
        await session.send({"jsonrpc": "2.0", "id": request.get("id"), "result": "ok"})
        self.reach("heartbeat set")
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("jsonrpc") == "2.0" and request.get("method") == "public/subscribe", f"sent {request}")
        channels = request.get("params", {}).get("channels", [])
        self.expect_symbols([name[7:-6] for name in channels if name.startswith("trades.")], self.native, "trades")
        self.expect_symbols([name[6:] for name in channels if name.startswith("quote.")], self.native, "quote")
        await session.send({"jsonrpc": "2.0", "id": request.get("id"), "result": channels})
        self.reach("subscribed")

        def notify(channel, data):
            return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}

        async def round(symbol):
            trades = [self.trade(symbol), self.trade(symbol)]
            name = self.native(symbol)
            await session.send(notify(f"trades.{name}.100ms", [{
                "timestamp": trade.time // MS, "price": float(trade.price), "amount": float(trade.size), "direction": trade.side,
                "instrument_name": name, "trade_seq": int(trade.id), "trade_id": trade.id} for trade in trades]))
            quote = self.quote(symbol, ask=None, ask_size=None)
            await session.send(notify(f"quote.{name}", {
                "timestamp": quote.time // MS, "instrument_name": name, "best_bid_price": float(quote.bid),
                "best_bid_amount": float(quote.bid_size), "best_ask_price": 0, "best_ask_amount": 0}))

        async def heartbeats():
            while True:
                await session.send({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "heartbeat"}})
                self.awaited = True
                await session.send({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}})
                await asyncio.sleep(5)
                self.require(not self.awaited, "did not answer a test request within 5 s")

        async def answered(message):
            self.require(message.get("method") == "public/test" and "id" in message, f"said {message}")
            self.awaited = False
            self.reach("answered a test request")
            await session.send({"jsonrpc": "2.0", "id": message.get("id"), "result": {"version": "1.2.26"}})

        await self.trade_rounds(session, round)
        self.withhold(self.symbols[0], 9)  # the numbers show it
        await self.trade_rounds(session, round)
        await asyncio.gather(self.stay(session, answered), heartbeats())

    async def answer(self, request, body):
        if request.path == "/api/v2/public/get_instruments":
            return web.json_response({"jsonrpc": "2.0", "result": [
                {"instrument_name": self.native(symbol), "kind": "future", "is_active": True} for symbol in self.symbols]})
        symbol = self.asked_for(request, self.native, count="1000", sorting="asc")
        if symbol is None or request.path != "/api/v2/public/get_last_trades_by_instrument":
            return web.json_response(
                {"jsonrpc": "2.0", "error": {"message": "Invalid params", "code": -32602}}, status=400)
        start = int(request.query["start_timestamp"])
        page = self.since(symbol, lambda tick: tick.time // MS >= start)
        return web.json_response({"jsonrpc": "2.0", "result": {"has_more": page[-1:] != self.history[symbol][-1:], "trades": [
            {"trade_seq": int(tick.id), "trade_id": tick.id, "timestamp": tick.time // MS, "tick_direction": 2,
             "price": float(tick.price), "instrument_name": self.native(symbol), "direction": tick.side,
             "amount": float(tick.size)} for tick in page]}})


class BitMEX(Provider):
    """At most 20 `args` a message; a ping after 5 s of quiet; several quotes in a frame."""

    feed = "bitmex"
    path = "/realtime"
    more_symbols = ("DOGE-USDT", "ADA-USDT", "LTC-USDT", "LINK-USDT", "DOT-USDT", "AVAX-USDT", "UNI-USDT")
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "pinged", "broke off", "asked for the history")
    silence_limit = 15
    page_size = 1000
    name_id = staticmethod(lambda number: f"{number * 2654435761 % 2**32:08x}-d7f1-4a3a-a9b6-{number:012x}")

    @staticmethod
    def native(symbol):
        return joined(symbol).replace("BTC", "XBT")

    async def play(self, session):
        await session.send({"info": "Welcome to the BitMEX Realtime API.", "version": "2", "timestamp": "x", "docs": "x"})
        named = []
        while len(named) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscription")
            self.require(request.get("op") == "subscribe", f"sent {request}")
            self.require(len(request.get("args", [])) <= 20, f"{len(request['args'])} args in one message")
            for topic in request.get("args", []):
                named.append(topic)
                await session.send({"success": True, "subscribe": topic, "request": request})
        for kind in ("trade:", "quote:"):
            self.expect_symbols([t.removeprefix(kind) for t in named if t.startswith(kind)], self.native, kind)
        self.reach("subscribed")

        def trades(action, several):
            return {"table": "trade", "action": action, "data": [{
                "timestamp": iso(trade.time, 3), "symbol": self.native(trade.symbol), "side": trade.side.capitalize(),
                "size": float(trade.size), "price": float(trade.price), "trdMatchID": trade.id} for trade in several]}

        async def round(symbol):
            await session.send(trades("insert", [self.trade(symbol), self.trade(symbol)]))
            quotes = [self.quote(symbol), self.quote(symbol)]
            await session.send({"table": "quote", "action": "insert", "data": [{
                "timestamp": iso(quote.time, 3), "symbol": self.native(symbol), "bidSize": float(quote.bid_size),
                "bidPrice": float(quote.bid), "askPrice": float(quote.ask), "askSize": float(quote.ask_size)} for quote in quotes]})

        async def pong(message):
            self.require(message == "ping", f"said {message}")
            self.reach("pinged")
            await session.send("pong")

        if self.connections == 1:
            self.trade(self.symbols[0], age=5.0, snapshot=True)
        await session.send(trades("partial", self.replay(self.symbols[0])))
        await self.trade_rounds(session, round)
        if self.connections == 1:
            await self.break_off(session)
        await self.stay(session, pong)

    async def answer(self, request, body):
        if request.path == "/api/v1/instrument/active":
            return web.json_response([
                {"symbol": self.native(symbol), "underlying": symbol.split("-")[0].replace("BTC", "XBT"),
                 "quoteCurrency": symbol.split("-")[1], "state": "Open"} for symbol in self.symbols])
        symbol = self.asked_for(request, self.native, count="1000")
        if symbol is None or request.path != "/api/v1/trade":
            return web.json_response({"error": {"message": "Invalid symbol", "name": "HTTPError"}}, status=400)
        start = request.query["startTime"]
        return web.json_response([
            {"timestamp": iso(tick.time, 3), "symbol": self.native(symbol), "side": tick.side.capitalize(),
             "size": float(tick.size), "price": float(tick.price), "trdMatchID": tick.id}
            for tick in self.since(symbol, lambda tick: iso(tick.time, 9) >= start.replace("Z", ""))])


PROVIDERS = [KrakenV1, Bitstamp, Gemini, GeminiV3, KuCoin, Gate, HTX, CryptoCom, Deribit, BitMEX]
