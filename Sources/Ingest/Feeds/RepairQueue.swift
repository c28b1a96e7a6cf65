public import FeedLanguage
public import Market

/// Gaps that wait to be repaired, joined so that one request serves many.
///
/// Does no I/O. A venue's symbols take turns; a turn takes all gaps of the symbol that one range covers cheaply. While a venue
/// is slow, more gaps wait for the turn, so the number of requests does not grow with the number of gaps.
public struct RepairQueue: Sendable {
    /// What to ask a venue in one turn.
    public struct Job: Sendable {
        /// Who is asked.
        public let venue: Venue
        fileprivate let symbol: Symbol
        /// Which trades; `nil` for gaps of quotes, which no venue keeps.
        public let range: TradeRange?
        fileprivate let gaps: [FeedGap]

        /// When the oldest of its gaps was found.
        public var openedAt: Timestamp? { self.gaps.map(\.openedAt).min() }
    }

    /// How a gap ended that its feed did not close.
    public struct Ending: Sendable {
        /// The gap.
        public let gap: FeedGap
        /// Whether nothing is missing any more.
        public let isRepaired: Bool
        /// How many of its ticks have come.
        public let repaired: Int64
        /// Why not all of them, if it is known.
        public let failure: String?
    }

    private struct OpenGap {
        let gap: FeedGap
        var symbolsLeft: Int
        var repaired: Int64 = 0
        var failure: String?
    }

    private struct Lane {
        var symbols: [Symbol] = []
        var gaps: [Symbol: [FeedGap]] = [:]
        /// When a symbol's gaps may be asked for again.
        var notBefore: [Symbol: Timestamp] = [:]

        mutating func add(_ gap: FeedGap, _ symbol: Symbol) {
            if self.gaps[symbol] == nil { self.symbols.append(symbol) }
            self.gaps[symbol, default: []].append(gap)
        }
    }

    /// Gaps that may wait at most; more stay open in the database.
    public static let gapsMax = 100_000
    /// Trades between joined gaps are fetched once more: so many for each gap that costs no request of its own.
    static let tradesPerGapMax: Int64 = 1000
    /// How long a venue's history may be behind its stream, and the pause before it is asked once more.
    static let lateness: Int64 = 10_000_000_000
    static let pause: Int64 = 5_000_000_000
    /// How far a connection's clock and the venue's may differ.
    static let clockMargin: Int64 = 10_000_000_000

    private var open: [UInt64: OpenGap] = [:]
    private var lanes: [Venue: Lane] = [:]

    /// A queue without gaps.
    public init() {}

    /// Gaps that have not ended.
    public var count: Int { self.open.count }

    /// A gap was found.
    ///
    /// - Returns: `false` when too many wait; it is not remembered.
    public mutating func add(_ gap: FeedGap) -> Bool {
        guard self.open.count < Self.gapsMax else { return false }
        self.open[gap.id] = OpenGap(gap: gap, symbolsLeft: gap.symbols.count)
        for symbol in gap.symbols { self.lanes[gap.venue, default: Lane()].add(gap, symbol) }
        return true
    }

    /// A turn has come to nothing: its gaps wait for another one.
    public mutating func putBack(_ job: Job) {
        for gap in job.gaps { self.lanes[job.venue, default: Lane()].add(gap, job.symbol) }
    }

    /// So many of a gap's ticks have come by themselves.
    public mutating func narrow(_ id: UInt64, repaired: Int64) { self.open[id]?.repaired = repaired }

    /// The feed has closed a gap.
    public mutating func close(_ id: UInt64) { self.open[id] = nil }

    /// What to ask a venue next; `nil` when nothing waits, or nothing may be asked for yet.
    public mutating func next(of venue: Venue, now: Timestamp) -> Job? {
        guard var lane = self.lanes[venue] else { return nil }
        defer { self.lanes[venue] = lane.symbols.isEmpty ? nil : lane }
        while let index = lane.symbols.firstIndex(where: { lane.notBefore[$0] ?? now <= now }) {
            let symbol = lane.symbols.remove(at: index)
            lane.notBefore[symbol] = nil
            let waiting = (lane.gaps.removeValue(forKey: symbol) ?? []).filter { self.open[$0.id] != nil }
            guard !waiting.isEmpty else { continue }
            let (job, rest) = Self.job(venue, symbol, waiting)
            if !rest.isEmpty {
                lane.symbols.append(symbol)
                lane.gaps[symbol] = rest
            }
            return job
        }
        return nil
    }

    /// When there is something to ask a venue that may not be asked for yet; `nil` when nothing waits.
    public func nextTime(of venue: Venue) -> Timestamp? { self.lanes[venue]?.notBefore.values.min() }

    /// A turn is over.
    ///
    /// - Parameters:
    ///   - job: What was asked.
    ///   - trades: What came, and was given to the pipeline.
    ///   - failure: Why not everything came.
    ///   - now: When, if what is missing may only be late: a young gap is asked for again then. `nil` for a failure that lasts.
    /// - Returns: The gaps that have ended with it.
    public mutating func finish(
        _ job: Job, trades: [Trade], failure: String?, now: Timestamp? = nil
    ) -> [Ending] {
        let numbers = trades.compactMap(\.venueSequence).sorted()
        var endings: [Ending] = []
        for gap in job.gaps {
            guard var open = self.open[gap.id] else { continue }
            open.repaired = max(open.repaired, Self.count(in: gap, numbers))
            let hasAll = gap.isNumbered ? open.repaired >= gap.missing ?? 0 : failure == nil
            if !hasAll, job.range != nil, let now, gap.openedAt.advanced(byNanoseconds: Self.lateness) > now {
                self.open[gap.id] = open
                self.lanes[job.venue, default: Lane()].add(gap, job.symbol)
                self.lanes[job.venue]?.notBefore[job.symbol] = now.advanced(byNanoseconds: Self.pause)
                continue
            }
            open.symbolsLeft -= 1
            open.failure = open.failure ?? failure
            guard open.symbolsLeft == 0 else {
                self.open[gap.id] = open
                continue
            }
            self.open[gap.id] = nil
            // A hole in what a connection numbers is no number of trades: it is repaired when every symbol was asked for.
            let isComplete = gap.isNumbered ? open.repaired >= gap.missing ?? 0 : open.failure == nil
            endings.append(
                Ending(
                    gap: gap, isRepaired: isComplete, repaired: open.repaired,
                    failure: isComplete ? nil : open.failure ?? "the venue does not have all of it"
                )
            )
        }
        return endings
    }

    /// Joins gaps from the first one on while that costs less than asking for each.
    private static func job(_ venue: Venue, _ symbol: Symbol, _ waiting: [FeedGap]) -> (job: Job, rest: [FeedGap]) {
        let quotes = waiting.filter { $0.stream == .quotes }
        if !quotes.isEmpty {
            return (
                Job(venue: venue, symbol: symbol, range: nil, gaps: quotes), waiting.filter { $0.stream != .quotes }
            )
        }
        let numbered = waiting.filter(\.isNumbered)
            .sorted { ($0.bounds.fromSequence ?? 0, $0.id) < ($1.bounds.fromSequence ?? 0, $1.id) }
        guard let first = numbered.first, let start = first.bounds.fromSequence, var bounds = numbered.first?.bounds
        else {
            let gap = waiting[0]
            let range = TradeRange(symbol: symbol, bounds: Self.bounds(of: gap))
            return (Job(venue: venue, symbol: symbol, range: range, gaps: [gap]), Array(waiting.dropFirst()))
        }
        var count = 1
        for gap in numbered.dropFirst() {
            guard let end = gap.bounds.toSequence, end - start <= Self.tradesPerGapMax * Int64(count + 1) else { break }
            count += 1
            if end > bounds.toSequence ?? end { bounds.extend(to: gap.bounds) }
        }
        let gaps = Array(numbered.prefix(count))
        let joined = Set(gaps.map(\.id))
        let range = TradeRange(symbol: symbol, bounds: bounds)
        return (Job(venue: venue, symbol: symbol, range: range, gaps: gaps), waiting.filter { !joined.contains($0.id) })
    }

    private static func bounds(of gap: FeedGap) -> TickBounds {
        guard gap.reason == .connection else { return gap.bounds }
        // What a connection counts are its frames, and its times are those of this machine.
        return TickBounds(
            fromTime: gap.bounds.fromTime?.advanced(byNanoseconds: -Self.clockMargin),
            toTime: gap.bounds.toTime?.advanced(byNanoseconds: Self.clockMargin)
        )
    }

    /// How many of the sorted numbers lie in a gap.
    private static func count(in gap: FeedGap, _ numbers: [Int64]) -> Int64 {
        guard gap.isNumbered, let from = gap.bounds.fromSequence, let to = gap.bounds.toSequence else { return 0 }
        var count: Int64 = 0
        var index = numbers.partitionPoint { $0 > from }
        var previous = from
        while index < numbers.count, numbers[index] < to {
            if numbers[index] != previous { count += 1 }
            previous = numbers[index]
            index += 1
        }
        return count
    }
}

extension FeedGap {
    /// Whether it is a hole in the numbers of one symbol's trades.
    fileprivate var isNumbered: Bool {
        self.stream == .trades && self.reason != .connection && self.missing != nil && self.bounds.fromSequence != nil
            && self.bounds.toSequence != nil
    }
}

extension TickBounds {
    /// Takes over the end of a later stretch.
    fileprivate mutating func extend(to later: TickBounds) {
        self.toID = later.toID
        self.toSequence = later.toSequence
        self.toTime = later.toTime
    }
}

extension Array {
    /// The first index whose element fulfils `predicate`, which all elements after it do too.
    fileprivate func partitionPoint(_ predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = self.count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
