import Market
import Testing

@testable import Notifications

@Suite("When a live price is sent")
struct LivePriceGovernorTests {
    private static let start = Timestamp(microseconds: 1_795_435_200_000_000)
    private static let cadence = Duration.seconds(15)
    private static let tick = Decimal64("0.01")

    private func at(_ seconds: Double) -> Timestamp {
        Self.start.advanced(byNanoseconds: Int64(seconds * 1_000_000_000))
    }

    private func price(
        _ text: String, _ time: Timestamp, state: String = "open", isDelayed: Bool = false
    ) throws -> LivePrice {
        LivePrice(price: try #require(Decimal64(text)), marketState: state, time: time, isDelayed: isDelayed)
    }

    /// Looks at a price, and returns what is sent.
    private func look(
        _ governor: inout LivePriceGovernor, _ price: LivePrice, _ seconds: Double,
        market: LivePriceGovernor.Market = .open
    ) throws -> LivePriceGovernor.Decision {
        governor.looked(at: price, tick: try #require(Self.tick), market: market, now: self.at(seconds))
    }

    private func push(_ decision: LivePriceGovernor.Decision) throws -> LiveActivityPush {
        guard case .send(let push) = decision else { throw Unexpected.decision(decision) }
        return push
    }

    private enum Unexpected: Error { case decision(LivePriceGovernor.Decision) }

    @Test("The first price goes at once and silently, and calls itself outdated after three cadences")
    func first() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        let push = try self.push(self.look(&governor, self.price("100", self.at(-1)), 0))
        #expect(push.event == .update(alert: nil) && push.priority == 5)
        #expect(push.staleAt == self.at(45) && push.timestamp == 1_795_435_199)
    }

    @Test("Within a cadence of the last push nothing goes, and then the newest price does")
    func cadence() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        _ = try self.look(&governor, self.price("100", self.at(0)), 0)
        #expect(try self.look(&governor, self.price("101", self.at(1)), 1) == .heldBack)
        #expect(try self.look(&governor, self.price("102", self.at(14)), 14.9) == .heldBack)
        let push = try self.push(self.look(&governor, self.price("103", self.at(15)), 15))
        #expect(push.state.price.description == "103")
        // Another process sent the last one.
        var other = LivePriceGovernor(cadence: Self.cadence, sentAt: self.at(10))
        #expect(try self.look(&other, self.price("1", self.at(20)), 20) == .heldBack)
        _ = try self.push(self.look(&other, self.price("1", self.at(25)), 25))
        // A clock that was set back does not silence it.
        _ = try self.push(self.look(&other, self.price("2", self.at(26)), 5))
    }

    @Test(
        "A move of less than a display tick is no news, one of a tick is",
        arguments: [("100", false), ("100.009", false), ("99.991", false), ("100.01", true), ("99.99", true)])
    func tick(next: String, isNews: Bool) throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        _ = try self.look(&governor, self.price("100", self.at(0)), 0)
        let decision = try self.look(&governor, self.price(next, self.at(20)), 20)
        if isNews { _ = try self.push(decision) } else { #expect(decision == .unchanged) }
    }

    @Test("Small moves add up: what counts is the price that is shown")
    func drift() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        _ = try self.look(&governor, self.price("100", self.at(0)), 0)
        #expect(try self.look(&governor, self.price("100.006", self.at(20)), 20) == .unchanged)
        _ = try self.push(self.look(&governor, self.price("100.012", self.at(40)), 40))
    }

    @Test("A change of the session or of the feed's state is news at the same price")
    func state() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        _ = try self.look(&governor, self.price("100", self.at(0), state: "pre"), 0)
        _ = try self.push(self.look(&governor, self.price("100", self.at(0)), 20))
        let delayed = try self.push(self.look(&governor, self.price("100", self.at(0), isDelayed: true), 40))
        #expect(delayed.state.isDelayed)
        #expect(try self.look(&governor, self.price("100", self.at(0), isDelayed: true), 60) == .unchanged)
    }

    @Test("A crossing goes at once with an alert and priority 10, but two within a cadence do not")
    func crossing() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        let alert = LiveActivityAlert(title: "BTC-USD", body: "70000")
        _ = try self.look(&governor, self.price("100", self.at(0)), 0)
        let push = try self.push(
            governor.crossed(alert, at: self.price("101", self.at(1)), market: .open, now: self.at(1)))
        #expect(push.event == .update(alert: alert) && push.priority == 10 && push.staleAt == self.at(46))
        #expect(
            try governor.crossed(alert, at: self.price("102", self.at(2)), market: .open, now: self.at(2)) == .heldBack)
        // It showed the price as well: silent updates go on a cadence after it.
        #expect(try self.look(&governor, self.price("103", self.at(15)), 15) == .heldBack)
        _ = try self.push(self.look(&governor, self.price("103", self.at(16)), 16))
        _ = try self.push(governor.crossed(alert, at: self.price("104", self.at(17)), market: .open, now: self.at(17)))
    }

    @Test("Timestamps only grow, whatever the exchange's clock does, and go on after those of another process")
    func timestamps() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence, lastTimestamp: 1_795_435_205)
        var stamps: [Int64] = []
        for (index, time) in [0.0, 30, 29, 29, 100].enumerated() {
            let price = try self.price("\(100 + index)", self.at(time))
            stamps.append(try self.push(self.look(&governor, price, Double(index) * 15)).timestamp)
        }
        #expect(stamps == [1_795_435_206, 1_795_435_230, 1_795_435_231, 1_795_435_232, 1_795_435_300])
    }

    @Test("At the close it ends once with the final state, and goes on when the market opens again")
    func close() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence, since: self.at(-100))
        _ = try self.look(&governor, self.price("100", self.at(0)), 0)
        let closed = LivePriceGovernor.Market.closed(since: self.at(5))
        let last = try self.price("101", self.at(4), state: "after")
        let push = try self.push(self.look(&governor, last, 6, market: closed))
        #expect(push.event == .end(dismissedAt: nil, alert: nil) && push.staleAt == nil && push.priority == 10)
        #expect(push.state == last)
        #expect(try self.look(&governor, self.price("99", self.at(60)), 60, market: closed) == .ended)
        let alert = LiveActivityAlert(title: "a", body: "b")
        #expect(governor.crossed(alert, at: last, market: closed, now: self.at(61)) == .ended)
        _ = try self.push(self.look(&governor, self.price("99", self.at(1_000)), 1_000))
    }

    @Test("What began after the close has nothing to end; what a stopped process left does")
    func closeAfterRestart() throws {
        let closed = LivePriceGovernor.Market.closed(since: self.at(5))
        let price = try self.price("1", self.at(4))
        var late = LivePriceGovernor(cadence: Self.cadence, since: self.at(6))
        #expect(try self.look(&late, price, 10, market: closed) == .ended)
        var left = LivePriceGovernor(cadence: Self.cadence, since: self.at(0), sentAt: self.at(4))
        _ = try self.push(self.look(&left, price, 10, market: closed))
        var done = LivePriceGovernor(cadence: Self.cadence, since: self.at(0), sentAt: self.at(6))
        #expect(try self.look(&done, price, 10, market: closed) == .ended)
    }

    @Test("What was not taken is told again, a cadence later")
    func missed() throws {
        var governor = LivePriceGovernor(cadence: Self.cadence)
        let price = try self.price("100", self.at(0))
        _ = try self.look(&governor, price, 0)
        governor.missed()
        #expect(try self.look(&governor, price, 1) == .heldBack)
        _ = try self.push(self.look(&governor, price, 15))
    }
}
