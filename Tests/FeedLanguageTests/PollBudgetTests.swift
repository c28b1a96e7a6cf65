import Market
import Testing

@testable import FeedLanguage

@Suite("A polled feed's budget")
struct PollBudgetTests {
    private static func poll(_ budget: String, every: String = "10s") -> String {
        "get: \"https://a.test/p?s={symbol}\"\nevery: \(every)\nbudget: \(budget)"
    }
    private static let eight = ["A", "B", "C", "D", "E", "F", "G", "H"]

    /// The most requests in any stretch of `length`.
    private static func most(_ bench: PollBench, in length: Duration) -> Int {
        let times = bench.sent.map(\.at)
        var first = 0
        var most = 0
        for (index, time) in times.enumerated() {
            while time - times[first] >= length { first += 1 }
            most = max(most, index - first + 1)
        }
        return most
    }

    @Test(
        "In 48 hours there are never more requests in any window than the budget allows, whatever is answered",
        arguments: [
            "{perDay: 25}", "{perMinute: 5}", "{perMinute: 5, perDay: 500}", "{perDay: 1}",
            "{perSecond: 1, perHour: 40}",
        ], [UInt64(1), 7])
    func neverMore(budget: String, seed: UInt64) throws {
        var bench = try PollBench(Self.poll(budget), symbols: Self.eight, seed: seed)
        var random = SplitMix64(seed: seed)
        bench.begin()
        try bench.run(until: .seconds(48 * 3600), latency: .milliseconds(70)) { bench in
            switch UInt64.random(in: 0..<40, using: &random) {
            case 0: try bench.answer(404)
            case 1: bench.fail()
            case 2: try bench.answer(503, headers: ["Retry-After": "0"])
            default: try bench.answer()
            }
            if UInt64.random(in: 0..<50, using: &random) == 0 {
                try bench.replaceSymbols(Array(Self.eight.shuffled(using: &random).prefix(5)))
            } else if UInt64.random(in: 0..<50, using: &random) == 0 {
                try bench.replaceSymbols(Self.eight)
            }
        }
        #expect(bench.sent.count > 1)
        #expect(!bench.plan.budget.windows.isEmpty)
        for window in bench.plan.budget.windows { #expect(Self.most(bench, in: window.length) <= window.limit) }
    }

    @Test("25 a day for 8 symbols: each gets its turn, three or four times a day, spread over the day")
    func fairness() throws {
        var bench = try PollBench(Self.poll("{perDay: 25}"), symbols: Self.eight)
        bench.begin()
        try bench.run(until: .seconds(10 * 86400))
        #expect(bench.sent.prefix(8).allSatisfy { $0.at < .seconds(5) })
        for symbol in Self.eight {
            let times = bench.sent.filter { $0.request.symbols.first?.name == symbol }.map(\.at)
            #expect((28...32).contains(times.count))
            // The first answers came all at once: until they have spread the second ones come late.
            let pauses = zip(times, times.dropFirst()).map { $1 - $0 }
            #expect(pauses.prefix(1).allSatisfy { $0 < .seconds(16 * 3600) })
            #expect(pauses.dropFirst().allSatisfy { $0 < .seconds(9 * 3600) })
        }
        #expect(Self.most(bench, in: .seconds(86400)) == 25)
        // After the first round they come one by one.
        let later = bench.sent.dropFirst(8).map(\.at)
        #expect(zip(later, later.dropFirst()).allSatisfy { $1 - $0 > .seconds(3000) })
    }

    @Test("A budget that suffices changes nothing")
    func ample() throws {
        var bench = try PollBench(Self.poll("{perMinute: 60}", every: "60s"), symbols: Self.eight)
        bench.begin()
        try bench.answer()
        #expect(bench.summary.interval == .seconds(60))
    }

    @Test("With market hours a day's budget is spent while the market is open")
    func openShare() throws {
        var bench = try PollBench(
            "\(Self.poll("{perDay: 16}"))\nhours: XNYS", symbols: ["AAPL"], time: "2026-11-24T09:00:00Z")
        bench.begin()
        try bench.answer()
        #expect(bench.summary.interval == .seconds(3600))
    }

    @Test("The status says when the budget is used up, what is left and when it goes on")
    func state() throws {
        var bench = try PollBench(Self.poll("{perDay: 3}"), symbols: Self.eight)
        bench.begin()
        #expect(bench.open.count == 3)
        for _ in 0..<3 { try bench.answer() }
        let state = bench.summary
        #expect(state.budget == [PollState.Budget(window: "perDay", limit: 3, left: 0)])
        guard case .exhausted(let until) = state.status else {
            Issue.record("the status is \(state.status)")
            return
        }
        #expect(state.nextRequest == until)
        #expect(until - bench.now.instant > .seconds(86400 - 10))
    }

    @Test("Pages of one round count in the budget, and wait for it")
    func pages() throws {
        var bench = try PollBench(
            "get: \"https://a.test/p?s={symbol}\"\nevery: 60s\nbudget: {perMinute: 2}\npage: {offset: from, limit: 1}")
        bench.begin()
        for id in 1...2 { try bench.answer(body: "[{\"s\":\"BTC-USD\",\"p\":\"1\",\"i\":\(id)}]") }
        #expect(bench.open.isEmpty)
        try bench.wait()
        #expect(bench.elapsed >= .seconds(60))
        #expect(bench.exchange(bench.open[0]).url == "https://a.test/p?s=BTC-USD&from=2")
    }

    @Test("A provider's own count stops us before its limit, until its minute is over")
    func weight() throws {
        var bench = try PollBench(Self.poll("{header: X-USED, max: 100}", every: "1s"), symbols: Self.eight)
        bench.begin()
        #expect(bench.open.count == 1)
        var used = 0
        while bench.nextTimer.map({ $0 - bench.elapsed < .seconds(30) }) ?? true {
            if bench.open.isEmpty {
                try bench.wait()
                continue
            }
            used += 20
            try bench.answer(headers: ["x-used": "\(used)"])
        }
        // 100 is reached, not passed: one more request would have made it 120.
        #expect(used == 100)
        #expect(bench.summary.weightUsed == 100)
        let before = bench.elapsed
        try bench.wait()
        #expect(bench.elapsed - before == .seconds(60) && bench.open.count == 1)
    }
}
