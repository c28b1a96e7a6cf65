import FeedLanguage
import Market
import Testing

@Suite("Symbols and subscriptions")
struct SymbolTests {
    private static func feed(_ symbols: String, rest: String = "") throws -> Feed {
        try Feed.load(
            yaml: """
                feed: test
                asset: auto
                connect: {websocket: "wss://h/s?streams={symbols|lower|join /}", limits: {symbolsPerConnection: 2, symbolsPerMessage: 2}}
                symbols: \(symbols)
                messages: [{trade: {symbol: s, price: p}}]
                \(rest)
                """, file: "test.yaml"
        )
    }

    @Test(
        "Rules map both ways",
        arguments: [
            ("{separator: \"-\"}", "BTC-USD", "BTC-USD"), ("{separator: /}", "BTC-USD", "BTC/USD"),
            ("{separator: \"\", case: lower, quotes: [usd]}", "BTC-USD", "btcusd"),
            ("{separator: \":\", prefix: t}", "DOGE-USD", "tDOGE:USD"),
            ("{separator: _, suffix: _SPBL}", "BTC-USDT", "BTC_USDT_SPBL"),
            ("{separator: /, rename: {BTC: XBT, DOGE: XDG}}", "BTC-USD", "XBT/USD"),
            ("{separator: /, rename: {BTC: XBT, DOGE: XDG}}", "ETH-BTC", "ETH/XBT"),
            ("{table: {BTC-USD: bitcoin}}", "BTC-USD", "bitcoin"),
            ("{separator: \"-\", table: {BTC-USD: XBTC}}", "BTC-USD", "XBTC"),
            ("{separator: \"-\", table: {BTC-USD: XBTC}}", "ETH-USD", "ETH-USD"),
            ("{separator: \"-\"}", "BRK.B", "BRK.B"),
            ("{separator: \"\", quotes: [USDT, USD, USDC]}", "BTC-USDT", "BTCUSDT"),
            ("{separator: \"\", quotes: [BTC, USD]}", "BTC-USD", "BTCUSD"),
            ("{separator: \"-\", order: quote-base}", "BTC-KRW", "KRW-BTC"),
            ("{separator: \"\", order: quote-base, quotes: [KRW]}", "BTC-KRW", "KRWBTC"),
            ("{separator: \"\", longSeparator: \":\", prefix: t}", "BTC-USD", "tBTCUSD"),
            ("{separator: \"\", longSeparator: \":\", prefix: t}", "DOGE-USD", "tDOGE:USD"),
            ("{separator: \"\", longSeparator: \":\", rename: {USDT: UST}, prefix: t}", "BTC-USDT", "tBTCUST"),
            ("{separator: \"\", longSeparator: \":\", prefix: t}", "TESTBTC-TESTUSD", "tTESTBTC:TESTUSD"),
            ("{separator: \"-\", classSeparator: \"-\"}", "BRK.B", "BRK-B"),
            ("{separator: \"-\", classSeparator: \"-\"}", "BTC-USD", "BTC-USD"),
            ("{separator: \"\", classSeparator: \"/\"}", "BRK.B", "BRK/B"),
        ]
    )
    func mapping(rules: String, symbol: String, native: String) throws {
        let feed = try Self.feed(rules)
        #expect(feed.nativeSymbol(for: try Symbol(symbol)) == native)
        #expect(feed.symbol(forNative: native)?.name == symbol)
    }

    @Test("What the rules cannot tell has no symbol")
    func unknown() throws {
        let table = try Self.feed("{table: {BTC-USD: bitcoin}}")
        #expect(table.nativeSymbol(for: try Symbol("ETH-USD")) == nil)
        #expect(table.symbol(forNative: "ethereum") == nil)
        let joined = try Self.feed("{separator: \"\", quotes: [USD]}")
        #expect(joined.symbol(forNative: "BTCEUR") == nil)
        #expect(joined.symbol(forNative: "USD") == nil)
        #expect(joined.symbol(forNative: "币安人生USD") == nil)
    }

    @Test("A joined name means what was subscribed, before any quote currency")
    func subscribedFirst() throws {
        let feed = try Self.feed("{separator: \"\", quotes: [USDT, BTC]}")
        let frame = #"{"s":"ABCUSDT","p":1}"#
        var plain = FrameDecoder(feed: feed, symbols: [])
        #expect(plain.decode(frame).ticks.first?.symbol.name == "ABC-USDT")
        var subscribed = FrameDecoder(feed: feed, symbols: [try Symbol("AB-CUSDT")])
        #expect(subscribed.decode(frame).ticks.first?.symbol.name == "AB-CUSDT")
        #expect(subscribed.decode(#"{"s":"XBTC","p":1}"#).ticks.first?.symbol.name == "X-BTC")
    }

    @Test("Ten thousand unknown names are read, and remembered only up to a bound")
    func manyNames() throws {
        var decoder = FrameDecoder(feed: try Self.feed("{separator: \"-\"}"), symbols: [])
        for number in 0..<10_000 {
            #expect(decoder.decode(#"{"s":"C\#(number)-USD","p":1}"#).ticks.first?.symbol.name == "C\(number)-USD")
        }
    }

    @Test("A symbol with two legs is crypto, any other a stock, where the file says auto")
    func assets() throws {
        let feed = try Self.feed("{separator: \"-\"}")
        #expect(feed.assetClass(of: try Symbol("BTC-USD")) == .crypto)
        #expect(feed.assetClass(of: try Symbol("AAPL")) == .stock)
        #expect(try Repository.feed("coinbase").assetClass(of: try Symbol("AAPL")) == .crypto)
    }

    @Test("Symbols are spread over connections, and the address names them")
    func shards() throws {
        let feed = try Self.feed("{table: {A-B: AB, C-D: C D, E-F: ef}}")
        let symbols = try ["A-B", "X-Y", "C-D", "E-F"].map { try Symbol($0) }
        let shards = feed.shards(of: symbols)
        #expect(shards.map { $0.map(\.name) } == [["A-B", "C-D"], ["E-F"]])
        guard case .webSocket(let plan) = feed.transport else {
            Issue.record("not a WebSocket")
            return
        }
        #expect(plan.url(for: symbols) == "wss://h/s?streams=ab/c%20d/ef")
    }

    @Test(
        "Subscriptions splice, repeat, join and count",
        arguments: [
            (
                "{send: {op: sub, ids: [\"{symbols}\"], n: \"{n}\"}}",
                [#"{"op":"sub","ids":["A-B","C-D"],"n":1}"#, #"{"op":"sub","ids":["E-F"],"n":2}"#]
            ),
            (
                "{send: {args: [{ch: trades, id: \"{symbol|lower}\"}, x, \"{symbol}@q\"], ok: true, k: 1.50}}",
                [
                    #"{"args":[{"ch":"trades","id":"a-b"},{"ch":"trades","id":"c-d"},"x","A-B@q","C-D@q"],"ok":true,"k":1.50}"#,
                    #"{"args":[{"ch":"trades","id":"e-f"},"x","E-F@q"],"ok":true,"k":1.50}"#,
                ]
            ),
            (
                "{send: [{hello: \"{n}\"}, {topic: \"/t:{symbols|join ,}\"}]}",
                [#"{"hello":1}"#, #"{"topic":"/t:A-B,C-D"}"#, #"{"topic":"/t:E-F"}"#]
            ),
            (
                "{perSymbol: [{s: \"{symbol}\"}, \"sub {symbol} {n}\"]}",
                [#"{"s":"A-B"}"#, "sub A-B 2", #"{"s":"C-D"}"#, "sub C-D 4", #"{"s":"E-F"}"#, "sub E-F 6"]
            ),
            (
                "{send: [[{ticket: x}, {codes: [\"{symbols}\"]}]]}",
                [#"[{"ticket":"x"},{"codes":["A-B","C-D"]}]"#, #"[{"ticket":"x"},{"codes":["E-F"]}]"#]
            ),
            ("{send: {a: \"{{n}} \\\"q\\\"\"}}", [#"{"a":"{n} \"q\""}"#]),
        ]
    )
    func subscribe(template: String, messages: [String]) throws {
        let feed = try Self.feed("{separator: \"-\"}", rest: "subscribe: \(template)")
        var counter = 0
        let symbols = try ["A-B", "C-D", "E-F"].map { try Symbol($0) }
        #expect(feed.subscribeMessages(for: symbols, counter: &counter) == messages)
        #expect(counter == messages.count)
        #expect(feed.unsubscribeMessages(for: symbols, counter: &counter) == [])
    }

    @Test("The shipped files say what the venues expect")
    func shipped() throws {
        let symbols = try [Symbol("BTC-USDT"), Symbol("ETH-USDT")]
        var counter = 0
        #expect(
            try Repository.feed("binance").subscribeMessages(for: symbols, counter: &counter) == [
                #"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","ethusdt@aggTrade","btcusdt@bookTicker","ethusdt@bookTicker"],"id":1}"#
            ]
        )
        #expect(
            try Repository.feed("bitstamp").subscribeMessages(for: symbols, counter: &counter) == [
                #"{"event":"bts:subscribe","data":{"channel":"live_trades_btcusdt"}}"#,
                #"{"event":"bts:subscribe","data":{"channel":"order_book_btcusdt"}}"#,
                #"{"event":"bts:subscribe","data":{"channel":"live_trades_ethusdt"}}"#,
                #"{"event":"bts:subscribe","data":{"channel":"order_book_ethusdt"}}"#,
            ]
        )
        #expect(
            try Repository.feed("coinbase").unsubscribeMessages(for: [Symbol("BTC-USD")], counter: &counter) == [
                #"{"type":"unsubscribe","product_ids":["BTC-USD"],"channels":["matches","ticker","heartbeat"]}"#
            ]
        )
    }

    @Test("A polled feed asks for its symbols in batches")
    func poll() throws {
        guard case .poll(let plan) = try Repository.feed("coingecko").transport else {
            Issue.record("not polled")
            return
        }
        let symbols = try ["BTC-USD", "NOPE-USD", "AVAX-USD"].map { try Symbol($0) }
        #expect(plan.interval == .seconds(60))
        var session = PollSession(plan: plan, symbols: symbols)
        let now = Moment(instant: ContinuousClock().now, time: Timestamp(nanoseconds: 0))
        let requests = session.start(now: now, random: 0).compactMap { action -> PollRequest? in
            if case .request(let request) = action { return request }
            return nil
        }
        #expect(requests.map { $0.symbols.map(\.name) } == [["BTC-USD", "AVAX-USD"]])
        #expect(
            requests.map { plan.exchange(for: $0, now: now.time, random: 0).url } == [
                "https://api.coingecko.com/api/v3/simple/price?ids=bitcoin,avalanche-2&vs_currencies=usd&include_last_updated_at=true&precision=full"
            ])
        #expect(session.summary(now: now).refused.keys.map(\.name) == ["NOPE-USD"])
    }
}
