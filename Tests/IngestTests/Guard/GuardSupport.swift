import FeedLanguage
import Market
import Testing

@testable import Ingest

/// A trade of BTC-USD at venue `a`; event and receive time are `second`.
func makeTrade(
    _ price: String = "100", id: String? = nil, sequence: Int64? = nil, second: Int64 = 0, venue: String = "a",
    flags: TickFlags = []
) throws -> Trade {
    let time = Timestamp(nanoseconds: second * 1_000_000_000)
    return Trade(
        symbol: try Symbol("BTC-USD"), venue: try Venue(venue), price: try #require(Decimal64(price)),
        size: try Decimal64(1), side: .buy, id: id, eventTime: time, receivedTime: time, venueSequence: sequence,
        flags: flags
    )
}

/// A quote of BTC-USD at venue `a`; event and receive time are `second`.
func makeQuote(
    _ bid: String, _ ask: String, sequence: Int64? = nil, second: Int64 = 0, venue: String = "a",
    flags: TickFlags = []
) throws -> Quote {
    let time = Timestamp(nanoseconds: second * 1_000_000_000)
    return Quote(
        symbol: try Symbol("BTC-USD"), venue: try Venue(venue), bid: Decimal64(bid),
        ask: Decimal64(ask), eventTime: time, receivedTime: time, venueSequence: sequence, flags: flags
    )
}

/// A guard that remembers what it said last: an expectation cannot hold a value that changes.
final class TestGuard {
    private(set) var value: TickGuard
    /// What it reported of the newest tick.
    private(set) var last = GuardReport()

    init(sequencing: FeedSequencing = FeedSequencing(), band: GuardBand = .crypto) {
        self.value = TickGuard(sequencing: sequencing, band: band)
    }

    @discardableResult
    func examine(_ trade: Trade) -> TickGuard.Verdict {
        self.last = GuardReport()
        return self.value.examine(trade, into: &self.last)
    }

    @discardableResult
    func examine(_ quote: Quote) -> TickGuard.Verdict {
        self.last = GuardReport()
        return self.value.examine(quote, into: &self.last)
    }

    func report(on trade: Trade) -> GuardReport {
        self.examine(trade)
        return self.last
    }

    /// Examines and settles as a shard does; whether the trade is taken.
    func take(_ trade: Trade) -> Bool {
        guard case .outlier = self.examine(trade) else { return true }
        return self.value.settle(trade, isWitnessed: false, number: 1, into: &self.last)
    }

    var released: [String] { self.last.released.map(\.trade.price.description) }
    var missingTrades: [ClosedRange<Int64>] { self.value.missingTrades }
    var missingQuotes: [ClosedRange<Int64>] { self.value.missingQuotes }
    func change(to sequencing: FeedSequencing) { self.value.change(to: sequencing) }
    func connectionLost(at time: Timestamp, isStall: Bool) { self.value.connectionLost(at: time, isStall: isStall) }
    func left() { self.value.left() }
    func resume(after trade: Trade) { self.value.resume(after: trade) }
    func seed(_ price: Decimal64) { self.value.prices.seed(price, at: Timestamp(nanoseconds: 0)) }
}

extension GuardReport {
    /// The one hole that was opened.
    func openedHole() throws -> Hole {
        try #require(self.holes.count == 1)
        guard case .opened(let hole) = self.holes[0] else { throw NoHole() }
        return hole
    }

    struct NoHole: Error {}
}
