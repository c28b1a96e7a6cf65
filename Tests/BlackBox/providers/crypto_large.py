"""The large crypto venues."""
import asyncio
import json

from aiohttp import web

from .base import Provider
from .market import MS, iso


def dashed(symbol):
    return symbol


def joined(symbol):
    return symbol.replace("-", "")


def underscored(symbol):
    return symbol.replace("-", "_")


class Coinbase(Provider):
    """One message for all; `matches` carry the maker's side, and one old match comes first."""

    feed = "coinbase"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "broke off", "asked for the history")
    resolution = 1000
    messages_per_second = 8

    async def play(self, session):
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("type") == "subscribe", f"began with {request}")
        self.require(set(request.get("channels", [])) == {"matches", "ticker", "heartbeat"}, f"wants {request}")
        self.expect_symbols(request.get("product_ids", []), dashed)
        self.reach("subscribed")
        channels = [{"name": name, "product_ids": request["product_ids"]} for name in request["channels"]]
        await session.send({"type": "subscriptions", "channels": channels})
        for symbol in self.symbols[: self.traded]:
            if self.connections == 1:
                self.trade(symbol, age=45.0, snapshot=True)
            await session.send(self.match(self.replay(symbol)[0], "last_match"))
        await self.trade_rounds(session, lambda symbol: self.round(session, symbol))
        if self.connections == 1:
            await self.break_off(session)
        await asyncio.gather(self.stay(session), self.heartbeats(session))

    async def answer(self, request, body):
        if request.path == "/products":
            return web.json_response([
                {"id": symbol, "base_currency": symbol.split("-")[0], "quote_currency": symbol.split("-")[1], "status": "online",
                 "trading_disabled": False} for symbol in self.symbols])
        symbol = self.asked_for(request, dashed, limit="1000")
        if symbol is None or request.path != f"/products/{symbol}/trades":
            return web.json_response({"message": "NotFound"}, status=404)
        after = int(request.query.get("after", 2**62))
        page = self.before(symbol, lambda tick: int(tick.id) < after)
        headers = {"CB-BEFORE": page[0].id, "CB-AFTER": page[-1].id} if page else {}
        return web.json_response([
            {"time": iso(tick.time), "trade_id": int(tick.id), "price": tick.price, "size": tick.size,
             "side": "sell" if tick.side == "buy" else "buy"} for tick in page], headers=headers)

    @staticmethod
    def match(trade, kind="match"):
        return {
            "type": kind, "trade_id": int(trade.id), "side": "sell" if trade.side == "buy" else "buy", "size": trade.size,
            "price": trade.price, "product_id": trade.symbol, "sequence": int(trade.id) * 3, "time": iso(trade.time),
        }

    async def round(self, session, symbol):
        trade = self.trade(symbol)
        await session.send(self.match(trade))
        quote = self.quote(symbol, last=trade.price)
        # The ticker repeats the trade: it must not be counted twice.
        await session.send({
            "type": "ticker", "sequence": int(trade.id) * 3 + 1, "product_id": symbol, "price": trade.price, "side": trade.side,
            "best_bid": quote.bid, "best_bid_size": quote.bid_size, "best_ask": quote.ask, "best_ask_size": quote.ask_size,
            "time": iso(quote.time), "trade_id": int(trade.id), "last_size": trade.size,
        })

    async def heartbeats(self, session):
        while True:
            for symbol in self.symbols:
                await session.send({"type": "heartbeat", "sequence": 1, "last_trade_id": 0, "product_id": symbol})
            await asyncio.sleep(1)


class CoinbaseAdvanced(Provider):
    """Numbers every frame; wants a subscription within 5 s and the heartbeats channel."""

    feed = "coinbase-advanced"
    milestones = ("heartbeats", "market_trades", "ticker", "ticks")
    resolution = 1000
    messages_per_second = 8

    async def play(self, session):
        number = -1
        channels = {}

        async def send(channel, events):
            nonlocal number
            number += 1
            stamp = iso(self.market.now())
            await session.send(
                {"channel": channel, "client_id": "", "timestamp": stamp, "sequence_num": number, "events": events})

        async def subscribe(request):
            self.require(request.get("type") == "subscribe" and isinstance(request.get("channel"), str), f"sent {request}")
            channels[request["channel"]] = request.get("product_ids", [])
            self.reach(request["channel"])
            await send("subscriptions", [{"subscriptions": channels}])

        await subscribe(await session.expect_within(5, "the first subscription"))
        while set(channels) != {"heartbeats", "market_trades", "ticker"}:
            await subscribe(await session.expect_within(5, "the other subscriptions"))
        self.expect_symbols(channels["market_trades"], dashed)
        self.expect_symbols(channels["ticker"], dashed)

        def item(trade):
            return {
                "trade_id": trade.id, "product_id": trade.symbol, "price": trade.price, "size": trade.size,
                "side": "SELL" if trade.side == "buy" else "BUY", "time": iso(trade.time),
            }

        first = self.symbols[0]
        old = [self.trade(first, age=3.0, snapshot=True), self.trade(first, age=2.0, snapshot=True)]
        await send("market_trades", [{"type": "snapshot", "trades": [item(trade) for trade in old]}])
        for _ in range(self.rounds):
            trades = [self.trade(symbol) for symbol in self.symbols[:2]]
            await send("market_trades", [
                {"type": "update", "trades": [item(trades[0])]}, {"type": "update", "trades": [item(trades[1])]}])
            # A ticker has the envelope's time.
            quote = self.quote(first, last=trades[0].price)
            number += 1
            await session.send({
                "channel": "ticker", "client_id": "", "timestamp": iso(quote.time), "sequence_num": number,
                "events": [{"type": "update", "tickers": [{
                    "type": "ticker", "product_id": first, "price": quote.last, "best_bid": quote.bid, "best_ask": quote.ask,
                    "best_bid_quantity": quote.bid_size, "best_ask_quantity": quote.ask_size}]}],
            })
            await asyncio.sleep(0.15)
        self.reach("ticks")

        async def heartbeats():
            counter = 0
            while True:
                counter += 1
                await send("heartbeats", [{"current_time": "2026-01-01", "heartbeat_counter": str(counter)}])
                await asyncio.sleep(1)

        await asyncio.gather(self.stay(session), heartbeats())


    async def answer(self, request, body):
        self.require(request.path == "/api/v3/brokerage/market/products", f"asks {request.path_qs}")
        return web.json_response({"products": [
            {"product_id": symbol, "base_currency_id": symbol.split("-")[0], "quote_currency_id": symbol.split("-")[1],
             "product_type": "SPOT", "status": "online", "trading_disabled": False} for symbol in self.symbols]})


class Binance(Provider):
    """Combined streams; at most 5 messages a second; a shutdown is announced, and whoever stays is cut."""

    feed = "binance"
    edits = (("symbolsPerMessage: 100", "symbolsPerMessage: 2"),)  # messages enough to see their pace
    more_symbols = ("LTC-USDT", "DOT-USDT", "AVAX-USDT", "UNI-USDT", "ETH-BTC", "LTC-BTC")
    path = "/stream"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "shut down", "came back", "asked for the history")
    messages_per_second = 5
    list_query = {"permissions": "SPOT", "showPermissionSets": "false"}

    async def play(self, session):
        streams = set()
        while len(streams) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscription")
            self.require(request.get("method") == "SUBSCRIBE", f"sent {request}")
            streams.update(request.get("params", []))
            await session.send({"result": None, "id": request.get("id")})
        for kind in ("aggTrade", "bookTicker"):
            named = [stream.split("@")[0] for stream in streams if stream.endswith(f"@{kind}")]
            self.expect_symbols(named, lambda symbol: joined(symbol).lower(), kind)
        self.reach("subscribed")
        await self.round(session, self.symbols[0])
        self.withhold(self.symbols[0])  # the ids show it
        await self.trade_rounds(session, lambda symbol: self.round(session, symbol))
        if self.connections == 1:
            self.withhold(self.symbols[1])
            await session.send({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": self.market.now() // MS}})
            self.reach("shut down")
            await asyncio.wait_for(self.stay(session), 10)
        self.reach("came back")
        await self.stay(session)

    async def round(self, session, symbol):
        trade = self.trade(symbol)
        name = joined(symbol)
        await session.send({"stream": f"{name.lower()}@aggTrade", "data": {
            "e": "aggTrade", "E": trade.time // MS, "s": name, "a": int(trade.id), "p": trade.price, "q": trade.size,
            "f": 1, "l": 2, "T": trade.time // MS, "m": trade.side == "sell", "M": True}})
        quote = self.quote(symbol, time=None)
        await session.send({"stream": f"{name.lower()}@bookTicker", "data": {
            "u": int(trade.id) * 10, "s": name, "b": quote.bid, "B": quote.bid_size, "a": quote.ask, "A": quote.ask_size}})

    async def answer(self, request, body):
        weight = {"X-MBX-USED-WEIGHT-1M": "20"}
        if request.path == "/api/v3/exchangeInfo":
            self.require(dict(request.query) == self.list_query, f"asks {request.path_qs}")
            return web.json_response({"timezone": "UTC", "symbols": [
                {"symbol": joined(symbol), "status": "TRADING", "baseAsset": symbol.split("-")[0],
                 "quoteAsset": symbol.split("-")[1], "isSpotTradingAllowed": True} for symbol in self.symbols]}, headers=weight)
        symbol = self.asked_for(request, joined, limit="1000")
        if symbol is None or request.path != "/api/v3/aggTrades":
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        start = int(request.query.get("fromId", 0))
        page = self.since(symbol, lambda tick: int(tick.id) >= start)
        return web.json_response([
            {"a": int(tick.id), "p": tick.price, "q": tick.size, "f": 1, "l": 2, "T": tick.time // MS, "m": tick.side == "sell",
             "M": True} for tick in page], headers=weight)


class BinanceUS(Binance):
    feed = "binance-us"
    edits = ()  # the parent's hold
    list_query = {}


class Kraken(Provider):
    """Prices as JSON numbers, one answer per symbol, the last trades first."""

    feed = "kraken"
    path = "/v2"
    milestones = ("trade", "ticker", "ticks", "pinged", "asked for the history")
    resolution = 1000
    silence_limit = 60

    async def play(self, session):
        channels = {}
        while set(channels) != {"trade", "ticker"}:
            request = await session.expect_within(5, "the subscriptions")
            parameters = request.get("params", {})
            self.require(request.get("method") == "subscribe", f"sent {request}")
            channels[parameters.get("channel")] = parameters.get("symbol")
            self.reach(parameters.get("channel"))
            if parameters.get("channel") == "ticker":
                self.require(parameters.get("event_trigger") == "bbo", "takes the ticker without event_trigger bbo")
            for symbol in parameters.get("symbol", []):
                await session.send({
                    "method": "subscribe", "result": {"channel": parameters["channel"], "symbol": symbol}, "success": True,
                    "req_id": request.get("req_id"), "time_in": "2026-01-01T00:00:00Z", "time_out": "2026-01-01T00:00:00Z"})
        for named in channels.values():
            self.expect_symbols(named, lambda symbol: symbol.replace("-", "/"))
        first = self.symbols[0]
        old = [self.trade(first, age=30.0 - n, snapshot=True) for n in range(3)]
        await session.send(self.trades("snapshot", old))
        await self.trade_rounds(session, lambda symbol: self.round(session, symbol))
        self.withhold(first, 9)  # the ids show it
        await self.trade_rounds(session, lambda symbol: self.round(session, symbol))

        async def pong(message):
            self.require(message.get("method") == "ping", f"said {message}")
            self.reach("pinged")
            await session.send({"method": "pong", "req_id": message.get("req_id"), "time_in": "x", "time_out": "x"})

        await asyncio.gather(self.stay(session, pong), self.heartbeats(session))

    @staticmethod
    def trades(kind, trades):
        items = ",".join(
            f'{{"symbol":"{trade.symbol.replace("-", "/")}","side":"{trade.side}","price":{trade.price}00,"qty":{trade.size},'
            f'"ord_type":"limit","trade_id":{trade.id},"timestamp":"{iso(trade.time)}"}}' for trade in trades)
        return f'{{"channel":"trade","type":"{kind}","data":[{items}]}}'

    async def round(self, session, symbol):
        await session.send(self.trades("update", [self.trade(symbol), self.trade(symbol)]))
        quote = self.quote(symbol, last="100.001")
        await session.send(
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol.replace("-", "/")}","bid":{quote.bid},'
            f'"bid_qty":{quote.bid_size},"ask":{quote.ask},"ask_qty":{quote.ask_size},"last":{quote.last},'
            f'"volume":1e3,"timestamp":"{iso(quote.time)}"}}]}}')

    async def heartbeats(self, session):
        while True:
            await session.send({"channel": "heartbeat"})
            await asyncio.sleep(1)

    @staticmethod
    def old_name(symbol):
        """XXBTZUSD, but SOLUSD."""
        base, quote = ({"BTC": "XBT", "DOGE": "XDG"}.get(leg, leg) for leg in symbol.split("-"))
        return f"X{base}Z{quote}" if base in ("XBT", "ETH", "XRP", "LTC", "XDG") else base + quote

    async def answer(self, request, body):
        names = {symbol: joined(symbol).replace("BTC", "XBT").replace("DOGE", "XDG") for symbol in self.symbols}
        if request.path == "/0/public/AssetPairs":
            return web.json_response({"error": [], "result": {self.old_name(symbol): {
                "altname": name, "wsname": f"{name[:-3]}/{name[-3:]}", "status": "online"} for symbol, name in names.items()}})
        symbol = self.asked_for(request, names.get)
        if symbol is None or request.path != "/0/public/Trades":
            return web.json_response({"error": ["EQuery:Unknown asset pair"]})
        since = int(request.query["since"])
        since = since if since > 10**12 else since * 10**9
        page = self.since(symbol, lambda tick: tick.time > since)
        items = ",".join(
            f'["{tick.price}00","{tick.size}",{tick.time // 10**9}.{tick.time % 10**9:09d},"{tick.side[0]}","l","",{tick.id}]'
            for tick in page)
        last = page[-1].time if page else since
        return web.Response(
            text=f'{{"error":[],"result":{{"{self.old_name(symbol)}":[{items}],"last":"{last}"}}}}',
            content_type="application/json")


class Bitfinex(Provider):
    """Configured first, 25 channels at most on a connection, ids of its own on each, numbered frames, an announced restart."""

    feed = "bitfinex"
    path = "/ws/2"
    connections_wanted = 3  # two for the symbols, and one again after the restart
    milestones = ("configured", "subscribed", "ticks", "restarted", "came back", "asked for the history")
    more_symbols = ("DOT-USD", "AVAX-USD", "UNI-USD", "XMR-USD", "BTC-USDT", "ETH-BTC")
    messages_per_second = 6

    def __init__(self):
        super().__init__()
        self.carried = set()

    @staticmethod
    def native(symbol):
        base, quote = ("UST" if leg == "USDT" else leg for leg in symbol.split("-"))
        return f"t{base}:{quote}" if len(base) > 3 or len(quote) > 3 else f"t{base}{quote}"

    async def play(self, session):
        connection = self.connections
        await session.send({"event": "info", "version": 2, "serverId": "x", "platform": {"status": 1}})
        request = await session.expect_within(5, "the configuration")
        if self.require(request == {"event": "conf", "flags": 98304}, f"began with {request}"):
            self.reach("configured")
        await session.send({"event": "conf", "status": "OK", "flags": 98304})
        channels = await self.subscriptions(session, connection)
        symbols = [symbol for symbol in self.symbols if ("trades", self.native(symbol)) in channels]
        for symbol in symbols:
            self.require(("ticker", self.native(symbol)) in channels, f"did not subscribe the ticker of {symbol}")
        self.carried.update(symbols)
        if self.carried == set(self.symbols):
            self.reach("subscribed")
        number = 0

        async def send(channel, symbol, *body, stamp=None):
            nonlocal number
            number += 1
            frame = [channels[(channel, self.native(symbol))], *body, number, (stamp or self.market.now()) // MS]
            await session.send(json.dumps(frame).replace('"#', "").replace('#"', ""))

        def item(trade):
            return [int(trade.id), trade.time // MS, f"#{'-' if trade.side == 'sell' else ''}{trade.size}#", f"#{trade.price}#"]

        if not self.history[symbols[0]]:
            self.trade(symbols[0], age=20.0, snapshot=True)
            self.trade(symbols[0], age=10.0, snapshot=True)
        await send("trades", symbols[0], [item(trade) for trade in reversed(self.replay(symbols[0], 2))])
        for symbol in symbols[:2] * self.rounds:
            trade = self.trade(symbol)
            await send("trades", symbol, "te", item(trade))
            await send("ticker", symbol, "hb")
            await send("trades", symbol, "tu", item(trade))
            quote = self.quote(symbol, bid_size=None, ask_size=None, last=trade.price)
            body = [f"#{quote.bid}#", 30.5, f"#{quote.ask}#", 20.5, -1, -0.01, f"#{quote.last}#", 5000, 110, 90]
            if connection > 1:
                body.append(None)  # a field more, as the venue has done before
            await send("ticker", symbol, body, stamp=quote.time)
            await asyncio.sleep(0.1)
        self.reach("ticks")
        if connection == 1:
            for symbol in symbols[:2]:
                self.withhold(symbol, 6)
            await session.send({"event": "info", "code": 20051, "msg": "Stopping. Please try to reconnect"})
            self.reach("restarted")
            await self.stay(session)
        if connection == self.connections_wanted:
            self.reach("came back")

        async def heartbeats():
            while True:
                for symbol in symbols:
                    await send("trades", symbol, "hb")
                await asyncio.sleep(15)

        await asyncio.gather(self.stay(session), heartbeats())

    async def answer(self, request, body):
        if request.path == "/v2/conf/pub:list:pair:exchange":
            return web.json_response([[self.native(symbol)[1:] for symbol in self.symbols]])
        symbol = self.asked_for(request, self.native, sort="1", limit="10000")
        if symbol is None or request.path != f"/v2/trades/{self.native(symbol)}/hist":
            return web.json_response(["error", 10020, "symbol: invalid"], status=500)
        start = int(request.query["start"])
        items = ",".join(
            f"[{tick.id},{tick.time // MS},{'-' if tick.side == 'sell' else ''}{tick.size},{tick.price}]"
            for tick in self.since(symbol, lambda tick: tick.time // MS >= start))
        return web.Response(text=f"[{items}]", content_type="application/json")

    async def subscriptions(self, session, connection):
        """Channel ids by kind and name; what comes within 2 s of the one before belongs to the connection."""
        channels = {}
        while True:
            try:
                request = await asyncio.wait_for(session.receive(), 5 if not channels else 2)
            except asyncio.TimeoutError:
                self.require(channels, "subscribed nothing")
                return channels
            self.require(request.get("event") == "subscribe", f"sent {request}")
            key = (request.get("channel"), request.get("symbol"))
            self.require(key not in channels, f"subscribed {key} twice")
            # The same ids mean other channels on another connection.
            channels[key] = 100 + (len(channels) * 7 + connection * 14) % 196
            if not self.require(len(channels) <= 25, "more than 25 channels"):
                await session.send({"event": "error", "msg": "channel limit", "code": 10305})
            await session.send({
                "event": "subscribed", "channel": key[0], "chanId": channels[key], "symbol": key[1], "pair": key[1][1:]})


class OKX(Provider):
    """Text pings; the last trade is repeated unmarked; an unknown instrument costs one entry."""

    feed = "okx"
    path = "/ws/v5/public"
    milestones = ("subscribed", "ticks", "pinged")
    silence_limit = 30
    messages_per_second = 5

    async def play(self, session):
        request = await session.expect_within(5, "the subscription")
        self.require(request.get("op") == "subscribe", f"sent {request}")
        for channel in ("trades", "tickers"):
            named = [entry.get("instId") for entry in request.get("args", []) if entry.get("channel") == channel]
            self.expect_symbols(named, dashed, channel)
        self.reach("subscribed")
        for entry in request.get("args", []):
            await session.send({"event": "subscribe", "arg": entry, "connId": "a4d3ae55"})
        # What is wrong with one entry is no reason to leave.
        await session.send({
            "event": "error", "code": "60018", "connId": "a4d3ae55",
            "msg": f"Wrong URL or channel:trades,instId:{self.symbols[-1]} doesn't exist. Please use the correct URL."})
        for symbol in self.symbols[: self.traded]:
            await session.send(self.trades([self.trade(symbol, age=20.0, snapshot=True)]))
        await self.trade_rounds(session, lambda symbol: self.round(session, symbol))

        async def pong(message):
            self.require(message == "ping", f"said {message}")
            self.reach("pinged")
            await session.send("pong")

        await self.stay(session, pong)

    @staticmethod
    def trades(trades):
        return {"arg": {"channel": "trades", "instId": trades[0].symbol}, "data": [
            {"instId": trade.symbol, "tradeId": trade.id, "px": trade.price, "sz": trade.size, "side": trade.side,
             "ts": str(trade.time // MS), "count": "1"} for trade in trades]}

    async def round(self, session, symbol):
        await session.send(self.trades([self.trade(symbol), self.trade(symbol)]))
        quote = self.quote(symbol, last="100.002")
        await session.send({"arg": {"channel": "tickers", "instId": symbol}, "data": [{
            "instType": "SPOT", "instId": symbol, "last": quote.last, "lastSz": "1", "askPx": quote.ask, "askSz": quote.ask_size,
            "bidPx": quote.bid, "bidSz": quote.bid_size, "open24h": "1", "ts": str(quote.time // MS)}]})

    async def answer(self, request, body):
        self.require(request.path == "/api/v5/public/instruments" and dict(request.query) == {"instType": "SPOT"}, f"asks {request.path_qs}")
        return web.json_response({"code": "0", "msg": "", "data": [
            {"instId": symbol, "baseCcy": symbol.split("-")[0], "quoteCcy": symbol.split("-")[1], "state": "live"}
            for symbol in self.symbols]})


class Bybit(Provider):
    """At most 10 `args` a message; repeats the book unchanged; JSON pings."""

    feed = "bybit"
    path = "/v5/public/spot"
    connections_wanted = 2
    milestones = ("subscribed", "ticks", "pinged", "broke off", "asked for the history")
    silence_limit = 60
    quotes_topic = "orderbook.1"
    category = "spot"
    page_size = 60

    async def play(self, session):
        topics = []
        while len(topics) < 2 * len(self.symbols):
            request = await session.expect_within(5, "the subscription")
            topics += self.subscription(request)
            await session.send({
                "success": True, "ret_msg": "subscribe", "conn_id": "x", "req_id": request.get("req_id"), "op": "subscribe"})
        for kind in ("publicTrade", self.quotes_topic):
            named = [topic.removeprefix(kind + ".") for topic in topics if topic.startswith(kind + ".")]
            self.expect_symbols(named, joined, kind)
        self.reach("subscribed")
        await self.open(session)
        await self.trade_rounds(session, lambda symbol: self.round(session, symbol))
        if self.is_first_of_two:
            await self.break_off(session)

        async def pong(message):
            self.require(message.get("op") == "ping", f"said {message}")
            self.reach("pinged")
            await session.send(self.pong(message))

        await self.stay(session, pong)

    def pong(self, message):
        return {"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": message.get("req_id"), "op": "ping"}

    def subscription(self, request):
        self.require(request.get("op") == "subscribe", f"sent {request}")
        arguments = request.get("args", [])
        self.require(len(arguments) <= 10, f"{len(arguments)} args in one message")
        return arguments

    @staticmethod
    def trades(trades):
        name = joined(trades[0].symbol)
        return {"topic": f"publicTrade.{name}", "type": "snapshot", "ts": trades[0].time // MS, "data": [
            {"T": trade.time // MS, "s": name, "S": trade.side.capitalize(), "v": trade.size, "p": trade.price, "L": "PlusTick",
             "i": trade.id, "BT": False, "seq": int(trade.id)} for trade in trades]}

    async def open(self, session):
        """Nothing comes before the live data."""

    async def answer(self, request, body):
        self.require(request.query.get("category") == self.category, f"asks {request.path_qs}")
        if request.path == "/v5/market/instruments-info":
            return web.json_response({"retCode": 0, "retMsg": "OK", "result": {"nextPageCursor": "", "list": [
                {"symbol": joined(symbol), "baseCoin": symbol.split("-")[0], "quoteCoin": symbol.split("-")[1],
                 "status": "Trading"} for symbol in self.symbols]}})
        symbol = self.asked_for(request, joined, limit=str(self.page_size))
        if symbol is None or request.path != "/v5/market/recent-trade":
            return web.json_response({"retCode": 10001, "retMsg": "Not supported symbols", "result": {}})
        return web.json_response({"retCode": 0, "retMsg": "OK", "result": {"category": self.category, "list": [
            {"execId": tick.id, "symbol": joined(symbol), "price": tick.price, "size": tick.size,
             "side": tick.side.capitalize(), "time": str(tick.time // MS), "isBlockTrade": False}
            for tick in self.before(symbol)]}})

    async def round(self, session, symbol):
        await session.send(self.trades([self.trade(symbol), self.trade(symbol)]))
        quote = self.quote(symbol)
        await session.send({
            "topic": f"orderbook.1.{joined(symbol)}", "ts": quote.time // MS, "type": "snapshot",
            "data": {"s": joined(symbol), "b": [[quote.bid, quote.bid_size]], "a": [[quote.ask, quote.ask_size]],
                     "u": quote.time // MS, "seq": 1}, "cts": quote.time // MS})


class BybitLinear(Bybit):
    """Tickers are a snapshot and then only what changed."""

    feed = "bybit-linear"
    path = "/v5/public/linear"
    quotes_topic = "tickers"
    category = "linear"
    page_size = 1000

    def pong(self, message):
        return {"req_id": message.get("req_id"), "op": "pong", "args": ["1675418560633"], "conn_id": "x"}

    async def open(self, session):
        self.state = {}
        for symbol in self.symbols[: self.traded]:
            quote = self.quote(symbol, last="100.003")
            self.state[symbol] = quote
            await session.send({
                "topic": f"tickers.{joined(symbol)}", "type": "snapshot", "cs": 1, "ts": quote.time // MS, "data": {
                    "symbol": joined(symbol), "lastPrice": quote.last, "markPrice": "1", "bid1Price": quote.bid,
                    "bid1Size": quote.bid_size, "ask1Price": quote.ask, "ask1Size": quote.ask_size}})

    async def round(self, session, symbol):
        await session.send(self.trades([self.trade(symbol)]))
        before = self.state[symbol]
        # Only the ask moves; the rest stays as it was.
        ask = f"{100.1 + int(self.market.now() // MS % 900) / 10000:.4f}"
        quote = self.quote(symbol, bid=before.bid, bid_size=before.bid_size, last=before.last, ask=ask)
        self.state[symbol] = quote
        await session.send({
            "topic": f"tickers.{joined(symbol)}", "type": "delta", "cs": 2, "ts": quote.time // MS,
            "data": {"symbol": joined(symbol), "ask1Price": quote.ask, "ask1Size": quote.ask_size}})


PROVIDERS = [Coinbase, CoinbaseAdvanced, Binance, BinanceUS, Kraken, Bitfinex, OKX, Bybit, BybitLinear]
