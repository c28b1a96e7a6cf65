import Market
import Testing

@testable import FeedLanguage

@Suite("A polled feed's session")
struct PollSessionTests {
    private static let plain = "get: \"https://a.test/p?s={symbol}\"\nevery: 60s"
    private static let many = "get: \"https://a.test/p?s={symbols|join ,}\"\nevery: 60s\nsymbolsPerRequest: 3"
    private static func trade(_ price: String, symbol: String = "BTC-USD", id: Int = 1, ms: Int = 1_764_000_000_000)
        -> String
    { "{\"s\":\"\(symbol)\",\"p\":\"\(price)\",\"i\":\(id),\"t\":\(ms)}" }

    // MARK: Pace

    @Test(
        "A symbol is asked for at once, and again after the interval, at most a tenth later", arguments: UInt64(0)..<20)
    func pace(seed: UInt64) throws {
        var bench = try PollBench(Self.plain, seed: seed)
        bench.begin()
        #expect(bench.sent.map(\.at) == [.zero])
        #expect(bench.exchange(bench.sent[0].request).url == "https://a.test/p?s=BTC-USD")
        try bench.answer()
        try bench.wait()
        #expect((.seconds(60) ... .seconds(66)).contains(bench.sent[1].at))
    }

    @Test("The interval runs from request to request: a slow answer does not add to it")
    func slowAnswer() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        try bench.run(until: .seconds(66), latency: .seconds(15))
        #expect(bench.sent.count == 2)
    }

    @Test("All symbols are asked for at the start, later requests are spread over the interval")
    func spread() throws {
        var bench = try PollBench(Self.plain, symbols: ["A", "B", "C", "D", "E", "F"])
        bench.begin()
        #expect(bench.open.count == PollSession.inFlightMax)
        try bench.run(until: .seconds(300))
        let first = bench.sent.prefix(6).map(\.at)
        #expect(first.allSatisfy { $0 < .seconds(2) })
        let later = bench.sent.dropFirst(6).map(\.at)
        #expect(later.count > 12)
        #expect(zip(later, later.dropFirst()).allSatisfy { $1 - $0 >= .seconds(10) })
    }

    @Test("Symbols share requests as far as the provider takes many")
    func batches() throws {
        var bench = try PollBench(Self.many, symbols: ["A", "B", "C", "D"])
        bench.begin()
        #expect(
            bench.open.map { bench.exchange($0).url }
                == ["https://a.test/p?s=A,B,C", "https://a.test/p?s=D"])
    }

    @Test("An address that names no symbol is asked once for all, and only wanted symbols are passed on")
    func wholeMarket() throws {
        var bench = try PollBench("get: \"https://a.test/all\"\nevery: 10s", symbols: ["BTC-USD", "ETH-USD"])
        bench.begin()
        #expect(bench.open.count == 1)
        let ticks = try bench.answer(
            body: "[\(Self.trade("1")),\(Self.trade("2", symbol: "SOL-USD")),\(Self.trade("3", symbol: "ETH-USD"))]")
        #expect(ticks.map(\.symbol.name) == ["BTC-USD", "ETH-USD"])
    }

    @Test("Without symbols nothing is asked")
    func noSymbols() throws {
        var bench = try PollBench(Self.plain, symbols: [])
        bench.begin()
        #expect(bench.sent.isEmpty && bench.nextTimer == nil)
    }

    // MARK: Nothing new

    @Test("What an answer repeats of the one before is dropped; a price that comes back is news")
    func repeats() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        var passed: [Int] = []
        for price in ["5", "5", "6", "5"] {
            passed.append(try bench.answer(body: "[\(Self.trade(price))]").count)
            try bench.wait()
        }
        #expect(passed == [1, 0, 1, 1])
    }

    @Test("Trades that two answers share are passed on once")
    func overlappingTrades() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        _ = try bench.answer(body: "[\(Self.trade("5", id: 1)),\(Self.trade("5", id: 2))]")
        try bench.wait()
        let ticks = try bench.answer(body: "[\(Self.trade("5", id: 2)),\(Self.trade("5", id: 3))]")
        #expect(ticks.count == 1)
    }

    @Test("A price without a time of its own is no news because the clock went on")
    func repeatsWithoutTime() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        let body = "[{\"s\":\"BTC-USD\",\"p\":\"5\"}]"
        #expect(try bench.answer(body: body).count == 1)
        try bench.wait()
        #expect(try bench.answer(body: body).isEmpty)
    }

    @Test("repeats: keep passes everything on")
    func keepRepeats() throws {
        var bench = try PollBench("\(Self.plain)\nrepeats: keep")
        bench.begin()
        for _ in 0..<3 {
            #expect(try bench.answer(body: "[\(Self.trade("5"))]").count == 1)
            try bench.wait()
        }
    }

    @Test("ETag and Last-Modified are sent back, and 304 keeps them")
    func conditional() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        #expect(bench.open[0].conditions.isEmpty)
        let date = "Tue, 24 Nov 2026 15:00:00 GMT"
        try bench.answer(headers: ["etag": "\"v1\"", "last-modified": date])
        for _ in 0..<2 {
            try bench.wait()
            #expect(
                bench.exchange(bench.open[0]).headers == [
                    Header(name: "If-None-Match", value: "\"v1\""), Header(name: "If-Modified-Since", value: date),
                ])
            #expect(try bench.answer(304, body: "").isEmpty)
        }
        #expect(bench.summary.status == .live)
        try bench.wait()
        try bench.answer()
        try bench.wait()
        #expect(bench.open[0].conditions.isEmpty)
    }

    @Test("conditional: false sends nothing back")
    func unconditional() throws {
        var bench = try PollBench("\(Self.plain)\nconditional: false")
        bench.begin()
        try bench.answer(headers: ["etag": "\"v1\""])
        try bench.wait()
        #expect(bench.open[0].conditions.isEmpty)
    }

    // MARK: Symbols and files that change

    @Test("A new symbol is asked for at once, one that is gone no more, and the others keep their turn")
    func replaceSymbols() throws {
        var bench = try PollBench(Self.plain, symbols: ["A", "B"])
        bench.begin()
        try bench.run(until: .seconds(30))
        try bench.replaceSymbols(["B", "C"])
        #expect(bench.requests(since: 2).map(\.symbols) == [[try Symbol("C")]])
        try bench.run(until: .seconds(200))
        #expect(!bench.requests(since: 2).contains { $0.symbols == [try? Symbol("A")] })
        #expect(bench.requests(since: 3).contains { $0.symbols == [try? Symbol("B")] })
    }

    @Test("A new symbol joins a request that has room")
    func joinRequest() throws {
        var bench = try PollBench(Self.many, symbols: ["A", "B"])
        bench.begin()
        try bench.answer(headers: ["ETag": "\"ab\""])
        try bench.replaceSymbols(["A", "B", "C", "D"])
        #expect(bench.open.map(\.symbols) == [try ["A", "B", "C"].map { try Symbol($0) }, [try Symbol("D")]])
        #expect(bench.open[0].conditions.isEmpty)
    }

    @Test("The answer to a request that is no longer wanted gives nothing")
    func lateAnswer() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        try bench.replaceSymbols([])
        #expect(try bench.answer(body: "[\(Self.trade("5"))]").isEmpty)
        #expect(bench.summary.status == .idle)
    }

    @Test("A stopped session answers nothing and asks nothing")
    func stop() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        bench.stop()
        #expect(bench.statuses.last == .stopped)
        #expect(try bench.answer(body: "[\(Self.trade("5"))]").isEmpty)
        #expect(bench.sent.count == 1)
    }

    @Test("Another version of the file is asked by at once, and ends a refusal but not a wait that was asked for")
    func replacePlan() throws {
        var bench = try PollBench(Self.plain)
        bench.begin()
        try bench.answer(401)
        try bench.replacePlan("get: \"https://b.test/{symbol}\"\nevery: 60s")
        #expect(bench.sent.count == 2)
        try bench.answer(429, headers: ["Retry-After": "90"])
        try bench.replacePlan(Self.plain)
        #expect(bench.sent.count == 2)
        try bench.wait()
        #expect(bench.elapsed >= .seconds(90) && bench.sent.count == 3)
    }

    // MARK: Hours

    @Test("While the market is closed nothing is asked; at the opening of the pre-market it begins")
    func hours() throws {
        // A Sunday; the pre-market of Monday opens at 04:00 in New York, 09:00 UTC.
        var bench = try PollBench("\(Self.plain)\nhours: XNYS", symbols: ["AAPL"], time: "2026-11-22T15:00:00Z")
        bench.begin()
        #expect(bench.statuses == [.closed])
        try bench.run(until: .seconds(18 * 3600 - 1))
        #expect(bench.sent.isEmpty)
        try bench.run(until: .seconds(18 * 3600 + 120))
        #expect(bench.sent.first?.at == .seconds(18 * 3600))
        // The post-market ends at 20:00 in New York.
        try bench.run(until: .seconds(36 * 3600))
        let last = try #require(bench.sent.last)
        #expect((.seconds(34 * 3600 - 70) ... .seconds(34 * 3600)).contains(last.at))
    }
}
