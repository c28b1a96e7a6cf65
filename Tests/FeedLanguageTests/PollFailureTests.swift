import Market
import Testing

@testable import FeedLanguage

@Suite("What a polled feed does when an answer is not what it wants")
struct PollFailureTests {
    private static let plain = "get: \"https://a.test/p?s={symbol}\"\nevery: 60s"
    private static let many = "get: \"https://a.test/p?s={symbols|join ,}\"\nevery: 60s\nsymbolsPerRequest: 8"
    private static let eight = ["A", "B", "C", "D", "E", "F", "G", "H"]

    private static func begun(_ poll: String = plain, symbols: [String] = ["A", "B"]) throws -> PollBench {
        var bench = try PollBench(poll, symbols: symbols)
        bench.begin()
        return bench
    }

    /// How long the feed is silent after what has just happened.
    private static func pause(_ bench: inout PollBench) throws -> Duration {
        let before = bench.elapsed
        let count = bench.sent.count
        while bench.sent.count == count { try bench.wait() }
        return bench.elapsed - before
    }

    // MARK: Told to wait

    @Test(
        "After 429, 418 or 503 with Retry-After nothing is asked before that time, for no symbol",
        arguments: [429, 418, 503], [7, 300])
    func retryAfter(status: Int, seconds: Int) throws {
        var bench = try Self.begun()
        try bench.answer(status, headers: ["retry-after": "\(seconds)"])
        try bench.answer()
        let pause = try Self.pause(&bench)
        #expect((.seconds(seconds) ... .seconds(seconds + 30)).contains(pause))
        // One request tries how things are before the others go on.
        #expect(bench.open.count == 1)
    }

    @Test("Retry-After may be a date, which is measured from the answer's own clock")
    func retryAfterDate() throws {
        var bench = try Self.begun(symbols: ["A"])
        try bench.answer(
            429,
            headers: ["Retry-After": "Sun, 06 Nov 1994 08:51:37 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"])
        let pause = try Self.pause(&bench)
        #expect((.seconds(120) ... .seconds(151)).contains(pause))
    }

    @Test(
        "Retry-After is read as RFC 9110 writes it, and never longer than three days",
        arguments: [
            ("120", 120), ("0", 0), (" 5 ", 5), ("999999999999999999999", 3 * 86400), ("9999999", 3 * 86400),
            ("Tue, 24 Nov 2026 15:01:00 GMT", 60), ("Tue, 24 Nov 2026 14:00:00 GMT", 0), ("-5", nil), ("soon", nil),
            ("1.5", nil), ("Tue, 24 Foo 2026 15:01:00 GMT", nil), ("", nil),
        ] as [(String, Int?)])
    func retryAfterText(text: String, seconds: Int?) throws {
        let received = try #require(Timestamp(iso8601: "2026-11-24T15:00:00Z"))
        #expect(RetryAfter.parse(text, date: nil, receivedTime: received) == seconds.map { .seconds($0) })
    }

    @Test("429 without Retry-After waits a minute, then two, up to an hour")
    func tooMany() throws {
        var bench = try Self.begun(symbols: ["A"])
        var pauses: [Duration] = []
        for _ in 0..<8 {
            try bench.answer(429)
            pauses.append(try Self.pause(&bench))
        }
        let minutes = [1, 2, 4, 8, 16, 32, 60, 60]
        for (pause, minutes) in zip(pauses, minutes) {
            #expect((.seconds(60 * minutes) ... .seconds(60 * minutes + 30)).contains(pause))
        }
    }

    @Test("A provider that says Retry-After: 0 again and again is not asked again and again")
    func retryAtOnce() throws {
        var bench = try Self.begun(symbols: ["A"])
        for _ in 0..<10 {
            try bench.answer(429, headers: ["Retry-After": "0"])
            _ = try Self.pause(&bench)
        }
        #expect(bench.elapsed > .seconds(120))
    }

    // MARK: Refused altogether

    @Test(
        "A key that is not accepted is tried again after ten minutes, then twenty, up to an hour",
        arguments: [401, 403])
    func denied(status: Int) throws {
        var bench = try Self.begun()
        var pauses: [Duration] = []
        try bench.answer(status)
        // The other one was on its way already: it makes nothing worse.
        try bench.answer(status)
        for _ in 0..<5 {
            pauses.append(try Self.pause(&bench))
            #expect(bench.open.count == 1)
            try bench.answer(status)
        }
        for (pause, minutes) in zip(pauses, [10, 20, 40, 60, 60]) {
            #expect((.seconds(60 * minutes) ... .seconds(60 * minutes + 31)).contains(pause))
        }
        guard case .failed(let reason, _) = bench.summary.status else {
            Issue.record("the status is \(bench.summary.status)")
            return
        }
        #expect(reason.hasPrefix("HTTP status \(status) ("))
    }

    @Test("A body that a rule calls fatal is a refusal, whatever the status", arguments: [200, 400])
    func fatalBody(status: Int) throws {
        var bench = try Self.begun(symbols: ["A"])
        bench.answer(outcome: .fatal("invalid api key"), status: status)
        #expect(try Self.pause(&bench) >= .seconds(600))
        #expect(bench.summary.lastError?.hasSuffix("invalid api key") == true)
    }

    @Test("After a refusal a good answer ends it: the next one begins at ten minutes again")
    func deniedThenGood() throws {
        var bench = try Self.begun(symbols: ["A"])
        try bench.answer(401)
        _ = try Self.pause(&bench)
        try bench.answer()
        #expect(bench.summary.status == .live)
        _ = try Self.pause(&bench)
        try bench.answer(401)
        #expect(try Self.pause(&bench) < .seconds(640))
    }

    // MARK: Trouble

    @Test("Trouble at the provider, or on the way, is tried again later and later, up to ten minutes")
    func failing() throws {
        var bench = try Self.begun("get: \"https://a.test/{symbol}\"\nevery: 2s", symbols: ["A"])
        var pauses: [Duration] = []
        for count in 0..<12 {
            if count % 3 == 0 { bench.fail("no address found") } else { try bench.answer(count % 3 == 1 ? 500 : 408) }
            pauses.append(try Self.pause(&bench))
        }
        for (index, pause) in pauses.enumerated() {
            let base = Duration.seconds(min(2 << index, 600))
            #expect((base...base * 1.25 + .seconds(1)).contains(pause))
        }
        try bench.answer()
        #expect(bench.summary.status == .live)
    }

    @Test("Several failures of one moment count once")
    func failingTogether() throws {
        var bench = try Self.begun(symbols: ["A", "B", "C", "D"])
        for _ in 0..<4 { bench.fail() }
        #expect(try Self.pause(&bench) < .seconds(40))
    }

    @Test("A success that was on its way before the trouble does not end it")
    func lateSuccess() throws {
        var bench = try Self.begun()
        try bench.answer(503, headers: ["Retry-After": "100"])
        try bench.answer()
        #expect(try Self.pause(&bench) >= .seconds(100))
    }

    // MARK: This request is wrong

    @Test("A symbol that is refused is asked ever more rarely and named; the others go on as before")
    func refusedSymbol() throws {
        var bench = try Self.begun()
        try bench.run(until: .seconds(6 * 3600)) { bench in
            let isA = bench.open[0].symbols.first?.name == "A"
            try bench.answer(isA ? 404 : 200, body: isA ? "{\"error\":\"no such symbol\"}" : "[]")
        }
        let symbols = bench.sent.map { $0.request.symbols.first?.name }
        #expect(symbols.count { $0 == "A" } < 14)
        #expect(symbols.count { $0 == "B" } > 320)
        #expect(
            bench.summary.refused == [try Symbol("A"): "HTTP status 404 (not found): no such symbol"])
        #expect(bench.summary.status == .live)
    }

    @Test("An error inside a 200 is a refusal of that request, or a wait where the rule says for how long")
    func errorInBody() throws {
        var bench = try Self.begun()
        try bench.answer(body: "{\"error\":\"unknown pair\"}")
        try bench.answer()
        #expect(bench.summary.refused.values.map { $0 } == ["the provider reports an error: unknown pair"])
        #expect(bench.summary.status == .live)

        bench = try Self.begun()
        bench.answer(outcome: .providerError(ProviderError(message: "25 requests a day", retryAfter: .seconds(3600))))
        try bench.answer()
        #expect(try Self.pause(&bench) >= .seconds(3600))
        #expect(bench.summary.lastError == "the provider reports an error: 25 requests a day")
    }

    @Test("An answer that no rule takes, or that cannot be read, is told and tried more rarely")
    func unreadable() throws {
        for body in ["{\"other\":1}", "<html>", "[{\"s\":\"A\",\"p\":\"x\"}]"] {
            var bench = try Self.begun(symbols: ["A"])
            try bench.answer(body: body)
            #expect(bench.summary.lastError != nil)
            #expect(try Self.pause(&bench) > .seconds(100))
        }
    }

    @Test("A redirect is an error that says where to")
    func moved() throws {
        var bench = try Self.begun(symbols: ["A"])
        try bench.answer(301, body: "", headers: ["Location": "https://b.test/p"])
        #expect(
            bench.summary.lastError
                == "HTTP status 301: it has moved to https://b.test/p, put the new address into the feed file")
    }

    @Test("One bad symbol of a shared request is found, left out, and the rest put together again")
    func badSymbolInBatch() throws {
        var bench = try Self.begun(Self.many, symbols: Self.eight)
        try bench.run(until: .seconds(600)) { bench in
            let isBad = bench.open[0].symbols.contains { $0.name == "F" }
            try bench.answer(isBad ? 400 : 200, body: isBad ? "{\"error\":\"Invalid symbol.\"}" : "[]")
        }
        #expect(bench.summary.refused.keys.map(\.name) == ["F"])
        // 8, 4+4, 2+2, 1+1 found it.
        let search = bench.sent.prefix(7)
        #expect(search.allSatisfy { $0.at < .seconds(30) })
        let last = try #require(bench.sent.last { $0.request.symbols.count > 1 })
        #expect(last.request.symbols.map(\.name).sorted() == ["A", "B", "C", "D", "E", "G", "H"])
        #expect(bench.sent.count < 30)
    }

    @Test("A symbol that the error names is left out at once")
    func namedSymbolInBatch() throws {
        var bench = try Self.begun(Self.many, symbols: ["A", "B", "C"])
        let error = ProviderError(message: "unknown", symbol: try Symbol("B"))
        bench.answer(outcome: .providerError(error), status: 400)
        try bench.run(until: .seconds(2)) { try $0.answer() }
        #expect(bench.sent.map { $0.request.symbols.map(\.name) } == [["A", "B", "C"], ["A", "C"], ["B"]])
    }

    @Test("A request that has been answered before is not taken apart for one mishap")
    func mishap() throws {
        var bench = try Self.begun(Self.many, symbols: Self.eight)
        try bench.answer()
        try bench.wait()
        try bench.answer(400)
        try bench.wait()
        #expect(bench.open.map(\.symbols.count) == [8])
    }

    @Test("Where every symbol is refused the provider is not flooded")
    func everythingRefused() throws {
        var bench = try Self.begun(Self.many, symbols: Self.eight)
        try bench.run(until: .seconds(3600)) { try $0.answer(404) }
        #expect(bench.sent.count < 80)
        let times = bench.sent.map(\.at)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= .seconds(1) })
        #expect(bench.summary.refused.count == 8)
    }
}
