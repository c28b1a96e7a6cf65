import DequeModule
import Market

/// What a simulated exchange remembers of one symbol: its newest trades, and an account of all of them.
struct SimulatedTape: Sendable {
    /// What became of a trade.
    enum Outcome: Sendable, Equatable {
        /// It was sent to somebody.
        case sent
        /// It was sent to nobody, and is served for backfill.
        case withheld
        /// It was sent to nobody, and is never served.
        case dropped
    }

    /// Ids of consecutive trades, both ends included.
    struct Range: Sendable, Equatable {
        var from: UInt64
        var to: UInt64
    }

    /// How many ranges are kept of each kind; the oldest go first.
    static let rangesMax = 20_000

    /// The first trade of all and the newest one; `nil` before the first.
    private(set) var firstID: UInt64?
    private(set) var lastID: UInt64?
    private(set) var sentCount = 0
    private(set) var doubledCount = 0
    private(set) var reorderedCount = 0
    private(set) var droppedCount = 0
    private(set) var withheldCount = 0
    private(set) var dropped: Deque<Range> = []
    private(set) var withheld: Deque<Range> = []
    private var trades: Deque<SimulatedTrade> = []

    /// Enters a trade of the next id.
    mutating func append(_ trade: SimulatedTrade, _ outcome: Outcome, isDoubled: Bool, isReordered: Bool) {
        if self.firstID == nil { self.firstID = trade.id }
        self.lastID = trade.id
        switch outcome {
        case .sent:
            self.sentCount += 1
            if isDoubled { self.doubledCount += 1 }
            if isReordered { self.reorderedCount += 1 }
        case .withheld:
            self.withheldCount += 1
            Self.extend(&self.withheld, with: trade.id)
        case .dropped:
            self.droppedCount += 1
            Self.extend(&self.dropped, with: trade.id)
            return
        }
        self.trades.append(trade)
    }

    /// Forgets trades older than `time`, and the oldest ones beyond `count`.
    mutating func forget(before time: Timestamp, keeping count: Int) {
        while let first = self.trades.first, first.time < time || self.trades.count > count {
            self.trades.removeFirst()
        }
    }

    /// The trades with ids from `first` to `last` that are still remembered and were not dropped, oldest first.
    func trades(from first: UInt64, to last: UInt64, limit: Int) -> [SimulatedTrade] {
        var low = 0
        var high = self.trades.count
        while low < high {
            let middle = (low + high) / 2
            if self.trades[middle].id < first { low = middle + 1 } else { high = middle }
        }
        var found: [SimulatedTrade] = []
        while low < self.trades.count, self.trades[low].id <= last, found.count < limit {
            found.append(self.trades[low])
            low += 1
        }
        return found
    }

    private static func extend(_ ranges: inout Deque<Range>, with id: UInt64) {
        if let last = ranges.last, last.to + 1 == id {
            ranges[ranges.count - 1].to = id
        } else {
            ranges.append(Range(from: id, to: id))
            if ranges.count > Self.rangesMax { ranges.removeFirst() }
        }
    }
}
