"""Services that are asked over HTTP: caching headers, refusals with a wait, errors inside successful answers."""
import datetime
import json
import time
import zoneinfo

from aiohttp import web

from .base import Provider
from .crypto_large import joined
from .market import MS, SECOND, feed_file


class Polled(Provider):
    """Answers new prices, nothing new, the same again, a refusal with Retry-After, new prices, an error, new prices."""

    connections_wanted = 0
    milestones = ("asked", "sent the ETag back", "waited as told", "got an error", "ticks")
    resolution = SECOND
    #: What an error inside a successful answer looks like, and whether the service is to be left alone afterwards.
    error = {}
    pauses_after_error = False
    wait = 2

    def __init__(self):
        super().__init__()
        self.counts = {}
        self.refused_at = None
        self.previous = {}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def native(self, symbol):
        """The venue's name of a symbol."""
        raise NotImplementedError

    def target(self, request):
        """Requests of one target are one conversation; None is an unknown address."""
        raise NotImplementedError

    def names(self, request):
        """The venue's names that the request asks for."""
        raise NotImplementedError

    def body(self, symbols):
        """An answer with new ticks of these symbols."""
        raise NotImplementedError

    def listed(self, request):
        """The list of instruments, if that is asked for."""
        return None

    async def answer(self, request, body):
        if (listed := self.listed(request)) is not None:
            return web.json_response(listed)
        target = self.target(request)
        if not self.require(target is not None and request.method == "GET", f"asked for {request.method} {request.path_qs}"):
            return web.Response(status=404)
        self.check(request)
        self.reach("asked")
        symbols = [symbol for symbol in self.symbols if self.native(symbol) in self.names(request)]
        self.require(len(symbols) == len(self.names(request)), f"asks for {self.names(request)}")
        turn = self.counts.get(target, 0)
        self.counts[target] = turn + 1
        if not symbols[0:1] == self.symbols[0:1]:
            # Only one conversation is eventful.
            if turn == 0:
                self.previous[target] = self.body(symbols)
            return self.ok(self.previous[target])
        if turn == 0:
            self.previous[target] = self.body(symbols)
            return self.ok(self.previous[target], ETag='"v1"')
        if turn == 1:
            if self.require(request.headers.get("If-None-Match") == '"v1"', "did not send the ETag back"):
                self.reach("sent the ETag back")
            return web.Response(status=304, headers={"ETag": '"v1"'})
        if turn == 2:
            return self.ok(self.previous[target])
        if turn == 3:
            self.refused_at = time.monotonic()
            return web.Response(status=429, headers={"Retry-After": str(self.wait)}, text="slow down")
        if turn == 4:
            pause = time.monotonic() - self.refused_at
            if self.require(pause >= self.wait - 0.1, f"came back after {pause:.2f} s, not {self.wait} s"):
                self.reach("waited as told")
            return self.ok(self.body(symbols))
        if turn == 5:
            self.reach("got an error")
            self.reach("ticks")
            return self.ok(self.error if isinstance(self.error, str) else json.dumps(self.error))
        self.require(not self.pauses_after_error, "asked on although told to stop")
        if turn == 6:
            self.previous[target] = self.body(symbols)
        return self.ok(self.previous[target])

    def check(self, request):
        """Headers and the like."""

    @staticmethod
    def ok(text, **headers):
        kind = "application/json" if text[:1] in "{[" else "text/plain"
        return web.Response(text=text, content_type=kind, headers=headers)

    async def play(self, session):
        self.violate("opened a WebSocket")


def table(feed):
    """The symbol table of a feed file."""
    names = {}
    lines = feed_file(feed).splitlines()
    for line in lines[lines.index("  table:") + 1 :]:
        if not line.startswith("    "):
            break
        symbol, _, name = line.strip().partition(": ")
        names[symbol] = name
    return names


class CoinGecko(Polled):
    feed = "coingecko"
    edits = (("every: 60s", "every: 1s"),)
    error = {"error": "coin not found"}

    def native(self, symbol):
        return table(self.feed)[symbol]

    def listed(self, request):
        if request.path == "/api/v3/coins/markets":
            return [{"id": name, "symbol": name[:3], "name": name} for name in [*table(self.feed).values(), "some-other-coin"]]
        return None

    def target(self, request):
        return "all" if request.path == "/api/v3/simple/price" else None

    def names(self, request):
        return request.query.get("ids", "").split(",")

    def body(self, symbols):
        items = []
        for symbol in symbols:
            trade = self.trade(symbol, side="unknown", id=None, size=None)
            items.append(f'"{self.native(symbol)}":{{"usd":{trade.price},"last_updated_at":{trade.time // SECOND}}}')
        return "{" + ",".join(items) + "}"


class CoinCap(CoinGecko):
    feed = "coincap"
    environment = {"COINCAP_API_KEY": "mock-key-of-coincap"}

    def listed(self, request):
        if request.path != "/v3/assets" or "ids" in request.query:
            return None
        self.check(request)
        return {"data": [{"id": name, "symbol": name[:3]} for name in [*table(self.feed).values(), "some-other-coin"]]}
    edits = (("every: 20m", "every: 1s"), ("{perMinute: 5, perDay: 80}", "{perMinute: 600}"))
    error = {"error": "Internal", "message": "try again", "timestamp": 1711356300123}
    resolution = MS

    def check(self, request):
        self.require(request.headers.get("Authorization") == "Bearer mock-key-of-coincap", "has a wrong key")

    def target(self, request):
        return "all" if request.path == "/v3/assets" else None

    def body(self, symbols):
        now = self.market.now()
        trades = [self.trade(symbol, side="unknown", id=None, size=None, time=now) for symbol in symbols]
        return json.dumps({"timestamp": now // MS, "data": [
            {"id": self.native(trade.symbol), "symbol": trade.symbol[:3], "priceUsd": trade.price} for trade in trades]})


class BinanceREST(Polled):
    feed = "binance-rest"

    def listed(self, request):
        if request.path != "/api/v3/exchangeInfo":
            return None
        return {"symbols": [
            {"symbol": joined(symbol), "status": "TRADING", "baseAsset": symbol.split("-")[0], "quoteAsset": symbol.split("-")[1],
             "isSpotTradingAllowed": True} for symbol in self.symbols]}
    edits = (("every: 10s", "every: 1s"),)
    error = {"code": -1121, "msg": "Invalid symbol."}
    resolution = MS

    def native(self, symbol):
        return joined(symbol)

    def target(self, request):
        return "all" if request.path == "/api/v3/ticker/24hr" else None

    def names(self, request):
        return json.loads(request.query.get("symbols", "[]"))

    def body(self, symbols):
        items = []
        for symbol in symbols:
            trade = self.trade(symbol, side="unknown")
            quote = self.quote(symbol, last=trade.price, time=trade.time)
            items.append({
                "symbol": joined(symbol), "lastPrice": trade.price, "lastQty": trade.size, "bidPrice": quote.bid,
                "bidQty": quote.bid_size, "askPrice": quote.ask, "askQty": quote.ask_size, "openTime": 1,
                "closeTime": trade.time // MS, "firstId": 1, "lastId": int(trade.id), "count": 1})
        return json.dumps(items)

    @staticmethod
    def ok(text, **headers):
        return Polled.ok(text, **{"X-MBX-USED-WEIGHT-1M": "2"}, **headers)


class KrakenREST(Polled):
    feed = "kraken-rest"

    def listed(self, request):
        if request.path != "/0/public/AssetPairs":
            return None
        return {"error": [], "result": {self.native(symbol): {
            "altname": joined(symbol).replace("BTC", "XBT").replace("DOGE", "XDG"), "status": "online"} for symbol in self.symbols}}
    edits = (("every: 15s", "every: 1s"),)
    error = {"error": ["EQuery:Unknown asset pair"]}

    def native(self, symbol):
        return table(self.feed).get(symbol) or joined(symbol).replace("BTC", "XBT").replace("DOGE", "XDG")

    def target(self, request):
        return "all" if request.path == "/0/public/Ticker" else None

    def names(self, request):
        return request.query.get("pair", "").split(",")

    def body(self, symbols):
        result = {}
        for symbol in symbols:
            trade = self.trade(symbol, side="unknown", id=None, time=None)
            quote = self.quote(symbol, last=trade.price, time=None)
            result[self.native(symbol)] = {
                "a": [quote.ask, "1", quote.ask_size], "b": [quote.bid, "1", quote.bid_size], "c": [trade.price, trade.size]}
        return json.dumps({"error": [], "result": result})


class Yahoo(Polled):
    """One symbol a request; refuses clients that do not look like a browser."""

    feed = "yahoo"
    edits = (("every: 60s", "every: 1s"), ("    budget: {perMinute: 60}\n", ""), ("    hours: XNYS\n", ""))
    error = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}

    def native(self, symbol):
        return symbol.replace(".", "-")

    def target(self, request):
        return request.path if request.path.startswith("/v8/finance/chart/") else None

    def names(self, request):
        return [request.path.rsplit("/", 1)[1]]

    def check(self, request):
        self.require(request.headers.get("User-Agent", "").startswith("Mozilla/5.0"), "has a User-Agent that is refused")
        self.require(request.query.get("interval") == "1m" and request.query.get("range") == "1d", f"asks {request.path_qs}")

    def body(self, symbols):
        trade = self.trade(symbols[0], side="unknown", id=None, size=None)
        return json.dumps({"chart": {"error": None, "result": [{"meta": {
            "currency": "USD", "symbol": self.native(trade.symbol), "regularMarketTime": trade.time // SECOND,
            "regularMarketPrice": float(trade.price)}, "timestamp": [1]}]}})


class AlphaVantage(Polled):
    """Over its limit it answers with a text and status 200, and then wants to be left alone."""

    feed = "alpha-vantage"
    environment = {"ALPHAVANTAGE_API_KEY": "mock-key-of-alpha"}
    edits = (("every: 1h", "every: 1s"), ("{perMinute: 5, perDay: 25}", "{perMinute: 600}"), ("    hours: XNYS\n", ""))
    error = {"Information": "our standard API rate limit is 25 requests per day."}
    pauses_after_error = True

    def native(self, symbol):
        return symbol

    def target(self, request):
        return "all" if request.path == "/query" and request.query.get("function") == "GLOBAL_QUOTE" else None

    def names(self, request):
        return [request.query.get("symbol")]

    def check(self, request):
        self.require(request.query.get("apikey") == "mock-key-of-alpha", "has a wrong key")

    def body(self, symbols):
        trade = self.trade(symbols[0], side="unknown", id=None, size=None, time=None)
        return json.dumps({"Global Quote": {
            "01. symbol": trade.symbol, "05. price": trade.price, "07. latest trading day": "2026-01-02",
            "10. change percent": "1.2078%"}})


class Stooq(Polled):
    """CSV; Warsaw's time; the quota's end is a text with status 200."""

    feed = "stooq"
    edits = (("every: 5m", "every: 1s"), ("{perMinute: 10, perDay: 200}", "{perMinute: 600}"), ("    hours: XNYS\n", ""))
    error = "Exceeded the daily hits limit"
    pauses_after_error = True

    def native(self, symbol):
        return symbol.lower().replace(".", "-") + ".us"

    def target(self, request):
        return "all" if request.path == "/q/l/" else None

    def names(self, request):
        # A plus sign is a blank to those who decode queries.
        return request.query.get("s", "").split()

    def body(self, symbols):
        rows = ["Symbol,Date,Time,Open,High,Low,Close,Volume"]
        for symbol in symbols[1:]:
            trade = self.trade(symbol, side="unknown", id=None, size=None)
            local = datetime.datetime.fromtimestamp(trade.time // SECOND, zoneinfo.ZoneInfo("Europe/Warsaw"))
            rows.append(f"{self.native(symbol).upper()},{local:%Y-%m-%d},{local:%H:%M:%S},1,1,1,{trade.price},100")
        rows.append(f"{self.native(symbols[0]).upper()},N/D,N/D,N/D,N/D,N/D,N/D,N/D")
        return "\r\n".join(rows) + "\r\n"


PROVIDERS = [CoinGecko, CoinCap, BinanceREST, KrakenREST, Yahoo, AlphaVantage, Stooq]
