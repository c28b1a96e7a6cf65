import Market
import Testing

@testable import FeedLanguage

@Suite("Fetching what was missed")
struct BackfillTests {
    private static func plan(_ get: String, page: String? = "{lastId: fromId}") throws -> BackfillPlan {
        let feed = try Feed.load(
            yaml: """
                feed: acme
                asset: crypto
                connect: {websocket: "wss://a.test"}
                messages: [{ignore: true}]
                backfill:
                  get: "https://a.test/\(get)"
                \(page.map { "  page: \($0)" } ?? "")
                  messages:
                    - when: {"$": {type: array}}
                      each: "."
                      trade: {symbol: "@symbol", price: p, id: i, time: {from: t, unit: ms}}
                """, file: "acme.yaml")
        return try #require(feed.backfill)
    }

    private static func range(_ from: String? = "10", _ to: String? = "20") throws -> TradeRange {
        TradeRange(symbol: try Symbol("BTC-USD"), bounds: TickBounds(fromID: from, toID: to))
    }

    /// A page of trades with these ids.
    private static func page(
        _ ids: [Int], _ session: inout BackfillSession, _ plan: BackfillPlan, headers: [Header] = []
    ) throws -> BackfillSession.Step {
        let body = "[\(ids.map { "{\"p\":\"1\",\"i\":\($0),\"t\":\(1_700_000_000_000 + $0)}" }.joined(separator: ","))]"
        var decoder = FrameDecoder(feed: plan.feed, symbols: [try Symbol("BTC-USD")])
        let time = Timestamp(nanoseconds: 1_800_000_000_000_000_000)
        var ticks: [Tick] = []
        var answer = HTTPAnswer(status: 200, headers: headers, receivedTime: time)
        answer.outcome = Array(body.utf8).withUnsafeBytes { decoder.decode($0, receivedTime: time, into: &ticks) }
        return session.received(ticks, answer: answer, hint: plan.hint(in: Array(body.utf8)))
    }

    private static func ids(_ step: BackfillSession.Step) -> [String?]? {
        switch step {
        case .ask: nil
        case .finished(let trades), .incomplete(let trades): trades.map(\.id)
        }
    }

    @Test("Forward pages go on until the end of the hole, and each trade comes once")
    func forward() throws {
        let plan = try Self.plan("t?s={symbol}&fromId={fromId}")
        let range = try Self.range()
        var session = BackfillSession(plan: plan, range: range)
        let time = Timestamp(nanoseconds: 0)
        #expect(
            plan.exchange(for: range, page: PageMark(), now: time, random: 0)?.url
                == "https://a.test/t?s=BTC-USD&fromId=10")
        guard case .ask(let next) = try Self.page([10, 11, 12], &session, plan) else {
            Issue.record("no second page")
            return
        }
        #expect(
            plan.exchange(for: range, page: next, now: time, random: 0)?.url == "https://a.test/t?s=BTC-USD&fromId=12")
        let step = try Self.page([12, 13, 19, 20, 21], &session, plan)
        #expect(Self.ids(step) == ["11", "12", "13", "19"])
        guard case .finished = step else {
            Issue.record("not finished")
            return
        }
    }

    @Test("Backward pages go on until the beginning of the hole, and trades come oldest first")
    func backward() throws {
        let plan = try Self.plan("t?s={symbol}&after={toId}", page: "{header: cb-after, parameter: after}")
        var session = BackfillSession(plan: plan, range: try Self.range())
        let next = try Self.page([19, 15], &session, plan, headers: [Header(name: "CB-AFTER", value: "15")])
        #expect(Self.ids(next) == nil)
        #expect(Self.ids(try Self.page([14, 11], &session, plan)) == ["11", "14", "15", "19"])
    }

    @Test(
        "A history that ends before the hole does, with an empty page or one that brings nothing new, does not cover it"
    )
    func behind() throws {
        let plan = try Self.plan("t?s={symbol}&fromId={fromId}")
        for last in [[], [11]] {
            var session = BackfillSession(plan: plan, range: try Self.range())
            _ = try Self.page([11], &session, plan)
            guard case .incomplete(let trades) = try Self.page(last, &session, plan) else {
                Issue.record("it counts as covered")
                return
            }
            #expect(trades.map(\.id) == ["11"])
        }
    }

    @Test("A hole that ends at an instant may have no trade there: an empty page is the end")
    func noTradeAtTheEnd() throws {
        let plan = try Self.plan("t?s={symbol}&fromId={fromId}")
        var range = try Self.range()
        range.bounds.toID = nil
        var session = BackfillSession(plan: plan, range: range)
        _ = try Self.page([11], &session, plan)
        let step = try Self.page([], &session, plan)
        guard case .finished = step else {
            Issue.record("\(step)")
            return
        }
        #expect(Self.ids(step) == ["11"])
    }

    @Test("Newest trades first, without a word where to begin: the newest must be as new as the hole's end")
    func newestFirst() throws {
        let plan = try Self.plan("t?s={symbol}", page: nil)
        var session = BackfillSession(plan: plan, range: try Self.range())
        guard case .incomplete(let trades) = try Self.page([17, 12, 9], &session, plan) else {
            Issue.record("18 and 19 count as never made")
            return
        }
        #expect(trades.map(\.id) == ["12", "17"])
        session = BackfillSession(plan: plan, range: try Self.range())
        #expect(Self.ids(try Self.page([21, 19, 17, 9], &session, plan)) == ["17", "19"])
    }

    @Test("A hole with more trades than the most pages hold is not called repaired")
    func tooLarge() throws {
        let plan = try Self.plan("t?s={symbol}&fromId={fromId}", page: "{lastId: fromId, max: 2}")
        var session = BackfillSession(plan: plan, range: try Self.range())
        _ = try Self.page([11], &session, plan)
        guard case .incomplete(let trades) = try Self.page([12], &session, plan) else {
            Issue.record("it counts as covered")
            return
        }
        #expect(trades.map(\.id) == ["11", "12"])
    }

    @Test("A trade next to the end of the hole covers it, whatever the length of the ids")
    func adjacent() throws {
        let plan = try Self.plan("t?s={symbol}&fromId={fromId}", page: nil)
        var session = BackfillSession(plan: plan, range: try Self.range("997", "1000"))
        let step = try Self.page([998, 999], &session, plan)
        guard case .finished = step else {
            Issue.record("not covered")
            return
        }
        #expect(Self.ids(step) == ["998", "999"])
    }

    @Test("Times reach a second beyond the range, and a bound that is not known is not asked for")
    func unknownBound() throws {
        let plan = try Self.plan("t?s={symbol}&from={from_ms}&to={to_s}&fromId={fromId}")
        var range = try Self.range(nil, nil)
        range.bounds.fromTime = Timestamp(nanoseconds: 1_700_000_000_123_000_000)
        range.bounds.toTime = Timestamp(nanoseconds: 1_700_000_001_000_000_000)
        #expect(
            plan.exchange(for: range, page: PageMark(), now: Timestamp(nanoseconds: 0), random: 0)?.url
                == "https://a.test/t?s=BTC-USD&from=1699999999123&to=1700000002")
    }

    @Test("Going back by time, a page begins a unit after the last trade, so that none of its instant is passed over")
    func backwardByTime() throws {
        let plan = try Self.plan("t?s={symbol}&end={to_ms}", page: "{lastTime: end, unit: ms}")
        var session = BackfillSession(plan: plan, range: try Self.range())
        guard case .ask(let next) = try Self.page([19, 15], &session, plan) else {
            Issue.record("no second page")
            return
        }
        #expect(next.value == "1700000000016")
        #expect(Self.ids(try Self.page([15, 12, 10], &session, plan)) == ["12", "15", "19"])
    }

    @Test("A history that ends before the hole begins does not cover it")
    func tooShort() throws {
        let plan = try Self.plan("t?s={symbol}&after={toId}", page: "{lastId: after}")
        for last in [[], [15]] {
            var session = BackfillSession(plan: plan, range: try Self.range())
            _ = try Self.page([19, 15], &session, plan)
            guard case .incomplete(let trades) = try Self.page(last, &session, plan) else {
                Issue.record("it counts as covered")
                return
            }
            #expect(trades.map(\.id) == ["15", "19"])
        }
    }

    @Test("The history may spell symbols otherwise than the stream")
    func otherSpelling() throws {
        let feed = try Feed.load(
            yaml: """
                feed: acme
                asset: crypto
                connect: {websocket: "wss://a.test"}
                symbols: {separator: "/", table: {ETH-USD: ether}}
                messages: [{ignore: true}]
                backfill:
                  get: "https://a.test/{symbol}"
                  symbols: {separator: "", table: null, rename: {BTC: XBT}}
                  messages: [{each: ".", trade: {symbol: s, price: p}}]
                  tests:
                    - symbols: [BTC-USD]
                      frame: [{s: XBTUSD, p: 1}]
                      gives: {trade: {symbol: BTC-USD, price: 1}}
                """, file: "acme.yaml")
        #expect(feed.runTests() == [])
        let plan = try #require(feed.backfill)
        let urls = try ["BTC-USD", "ETH-USD"].map { name in
            plan.exchange(
                for: TradeRange(symbol: try Symbol(name), bounds: TickBounds()), page: PageMark(),
                now: Timestamp(nanoseconds: 0), random: 0)?.url
        }
        #expect(urls == ["https://a.test/XBTUSD", "https://a.test/ETHUSD"])
        #expect(feed.nativeSymbol(for: try Symbol("BTC-USD")) == "BTC/USD")
    }

    @Test(
        "A history's own spelling is as strict as the rest",
        arguments: [
            (section: "backfill: {get: \"https://a.test/{symbol}\", symbols: {separater: x}}", message: "'separater'"),
            (section: "discover: {get: \"https://a.test\", symbol: s, symbols: {case: x}}", message: "'case'"),
            (
                section: "discover: {get: \"https://a.test\", symbol: s, symbols: {case: lower}, rename: {BTC: XBT}}",
                message: "'rename' is a part of 'symbols' here"
            ),
        ])
    func strict(section: String, message: String) {
        let yaml = """
            feed: acme
            asset: crypto
            connect: {websocket: "wss://a.test"}
            messages: [{ignore: true}]
            \(section)
            """
        let error = #expect(throws: FeedFileError.self) { _ = try Feed.load(yaml: yaml, file: "acme.yaml") }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
}

@Suite("Lists of instruments")
struct DiscoveryTests {
    private static func listings(_ discover: String, symbols: String, _ body: String) throws -> [Listing]? {
        let feed = try Feed.load(
            yaml: """
                feed: acme
                asset: crypto
                connect: {websocket: "wss://a.test"}
                symbols: \(symbols)
                messages: [{ignore: true}]
                discover: \(discover)
                """, file: "acme.yaml")
        return try #require(feed.discovery).listings(in: Array(body.utf8))
    }

    @Test("Base and quote split joined names, and only what leads back to the instrument is offered")
    func joined() throws {
        let listings = try Self.listings(
            "{get: \"https://a.test\", each: symbols, symbol: s, base: b, quote: q, when: {status: TRADING}}",
            symbols: "{separator: \"\"}",
            """
            {"symbols":[{"s":"ETHBTCUSD","b":"ETHBTC","q":"USD","status":"TRADING"},
            {"s":"BTCUSDT","b":"BTC","q":"USDT","status":"BREAK"},
            {"s":"BTCUSDT_PERP","b":"BTC","q":"USDT","status":"TRADING"}]}
            """)
        #expect(
            listings == [
                Listing(native: "ETHBTCUSD", symbol: try Symbol("ETHBTC-USD")),
                Listing(native: "BTCUSDT_PERP", symbol: nil),
            ])
    }

    @Test("An object's entries are a list, and legs may be named otherwise than in the stream")
    func renamed() throws {
        let listings = try Self.listings(
            "{get: \"https://a.test\", each: \"result.*\", symbol: w, rename: {BTC: XBT}}",
            symbols: "{separator: \"/\"}",
            "{\"result\":{\"XXBTZUSD\":{\"w\":\"XBT/USD\"},\"SOLUSD\":{\"w\":\"SOL/USD\"}}}")
        #expect(
            listings == [
                Listing(native: "BTC/USD", symbol: try Symbol("BTC-USD")),
                Listing(native: "SOL/USD", symbol: try Symbol("SOL-USD")),
            ])
    }

    @Test("A list with a spelling of its own gives the stream's names, of what leads back")
    func otherSpelling() throws {
        let listings = try Self.listings(
            "{get: \"https://a.test\", each: \"[0]\", symbol: ., symbols: {prefix: \"\"}}",
            symbols: "{prefix: t, separator: \"\", longSeparator: \":\", quotes: [USD]}",
            "[[\"BTCUSD\",\"DOGE:USD\",\"DOGEUSD\"]]")
        #expect(
            listings == [
                Listing(native: "tBTCUSD", symbol: try Symbol("BTC-USD")),
                Listing(native: "tDOGE:USD", symbol: try Symbol("DOGE-USD")),
                Listing(native: "DOGEUSD", symbol: nil),
            ])
    }

    @Test("What is not JSON is no list")
    func broken() throws {
        #expect(
            try Self.listings("{get: \"https://a.test\", symbol: s}", symbols: "{separator: \"-\"}", "<html>") == nil)
    }
}
