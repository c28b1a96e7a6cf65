/// The newest candles of one symbol at one venue, of all kept intervals: what is shown while it happens.
///
/// Adds up exactly as ``CandleAccumulator`` does, so that a candle here is the one that the database gets. Of each interval the
/// newest few candles are kept; an older trade changes the database's candle only. Time is an argument.
public struct CandleSheet: Sendable {
    /// A candle that has changed.
    public struct Change: Sendable {
        /// Its length.
        public let interval: CandleInterval
        /// Its first instant, in microseconds since the Unix epoch.
        public let start: Int64
        /// Whether its interval is over, and the time that late trades are given.
        public let isClosed: Bool

        /// A change.
        public init(interval: CandleInterval, start: Int64, isClosed: Bool) {
            self.interval = interval
            self.start = start
            self.isClosed = isClosed
        }
    }

    private struct Bar: Sendable {
        var bar: CandleBar
        /// The first instant after it, in microseconds since the Unix epoch.
        let end: Int64
        var hasChanged: Bool
        /// Whether its end was told.
        var isClosed = false
    }

    /// Candles of a second are kept for as long as trades of a reconnect come late; of the others the one before the newest is.
    private static let secondsKept = 10
    private static let othersKept = 2

    /// How many candles of an interval are kept.
    public static func keptCount(_ interval: CandleInterval) -> Int {
        interval == .second ? Self.secondsKept : Self.othersKept
    }

    private static func kept(_ place: Int) -> Int { Self.keptCount(CandleInterval.kept[place]) }

    private let isStock: Bool
    /// Candles of a second with trades that the others have not been given.
    private var fresh: [CandleBar] = []
    /// One list for each of ``CandleInterval/kept``, the earliest first.
    private var bars = [[Bar]](repeating: [], count: CandleInterval.kept.count)
    /// Whether a candle is open whose end has to be told.
    private var openCount = 0

    /// A sheet without candles.
    ///
    /// - Parameter isStock: Whether days are regular sessions.
    public init(isStock: Bool) { self.isStock = isStock }

    /// Whether ``changes(now:grace:)`` may have something to tell, now or later.
    public var isActive: Bool { !self.fresh.isEmpty || self.openCount > 0 }

    /// Adds a trade, in constant time.
    public mutating func add(_ trade: Trade) {
        let place = TradePlace(trade)
        let start = CandleInterval.second.start(of: place.microseconds)
        // Mostly the newest second; never many, because they are taken in once a second.
        if let index = self.fresh.lastIndex(where: { $0.start == start }) {
            self.fresh[index].add(place, size: trade.size)
        } else {
            self.fresh.append(CandleBar(start: start, place: place, size: trade.size))
            if self.fresh.count > 64 { self.takeFresh() }
        }
    }

    /// Puts back a candle that was stored, before the first trade.
    ///
    /// Of each interval the newest ones there are must be put back, ``keptCount(_:)`` of them: what is not among them and not
    /// older is taken for a candle without a trade so far.
    public mutating func restore(_ bar: CandleBar, _ interval: CandleInterval) {
        guard let place = CandleInterval.kept.firstIndex(of: interval) else { return }
        self.insert(bar, place, isNews: false)
        // Their end was told when it came; that of the newest one perhaps not.
        for index in self.bars[place].indices.dropLast() { self.bars[place][index].isClosed = true }
    }

    /// Whether a candle's time is over, and the time that late trades are given.
    public func isOver(_ interval: CandleInterval, start: Int64, now: Int64, grace: Int64) -> Bool {
        self.end(of: start, interval) + grace <= now
    }

    /// The candles that have changed since the last call, and those that have ended meanwhile.
    ///
    /// - Parameters:
    ///   - now: Microseconds since the Unix epoch.
    ///   - grace: Microseconds after its end at which a candle is closed.
    /// - Returns: Of each interval the earliest first.
    public mutating func changes(now: Int64, grace: Int64) -> [Change] {
        self.takeFresh()
        var changes: [Change] = []
        self.openCount = 0
        for (place, interval) in CandleInterval.kept.enumerated() {
            for index in self.bars[place].indices {
                let isOver = self.bars[place][index].end + grace <= now
                if self.bars[place][index].hasChanged || isOver && !self.bars[place][index].isClosed {
                    changes.append(
                        Change(interval: interval, start: self.bars[place][index].bar.start, isClosed: isOver))
                    self.bars[place][index].hasChanged = false
                    self.bars[place][index].isClosed = isOver
                }
                if !isOver { self.openCount += 1 }
            }
        }
        return changes
    }

    /// The candle of an interval that begins at `start`; `nil` when it is not kept.
    public func bar(_ interval: CandleInterval, start: Int64) -> CandleBar? {
        guard let place = CandleInterval.kept.firstIndex(of: interval) else { return nil }
        return self.bars[place].last { $0.bar.start == start }?.bar
    }

    /// Whether all trades of a candle are known here: it is not older than all that are kept.
    public func knows(_ interval: CandleInterval, start: Int64) -> Bool {
        guard let place = CandleInterval.kept.firstIndex(of: interval) else { return false }
        guard let oldest = self.bars[place].first else { return true }
        return start >= oldest.bar.start || self.bars[place].count < Self.kept(place)
    }

    /// The start of an interval's newest candle.
    public func newestStart(_ interval: CandleInterval) -> Int64? {
        CandleInterval.kept.firstIndex(of: interval).flatMap { self.bars[$0].last?.bar.start }
    }

    /// Adds up what came since the last time.
    private mutating func takeFresh() {
        for second in self.fresh {
            for (place, interval) in CandleInterval.kept.enumerated() {
                var part = second
                if interval == .day, self.isStock {
                    guard let start = CandleInterval.stockDayStart(of: second.start) else { continue }
                    part.start = start
                } else {
                    part.start = interval.start(of: second.start)
                }
                self.insert(part, place, isNews: true)
            }
        }
        self.fresh.removeAll(keepingCapacity: true)
    }

    private mutating func insert(_ part: CandleBar, _ place: Int, isNews: Bool) {
        let kept = Self.kept(place)
        if let index = self.bars[place].lastIndex(where: { $0.bar.start == part.start }) {
            self.bars[place][index].bar.merge(part)
            self.bars[place][index].hasChanged = self.bars[place][index].hasChanged || isNews
            return
        }
        let index = (self.bars[place].lastIndex { $0.bar.start < part.start }).map { $0 + 1 } ?? 0
        // Older than all that are kept: what else was in that candle is not known here.
        guard index > 0 || self.bars[place].count < kept else { return }
        let end = self.end(of: part.start, CandleInterval.kept[place])
        self.bars[place].insert(Bar(bar: part, end: end, hasChanged: isNews), at: index)
        if self.bars[place].count > kept { self.bars[place].removeFirst() }
    }

    private func end(of start: Int64, _ interval: CandleInterval) -> Int64 {
        guard interval == .day, self.isStock else { return start + Int64(interval.seconds) * 1_000_000 }
        let calendar = TradingCalendar.xnys
        let day = CivilDay(Timestamp(microseconds: start), in: calendar.zone)
        return calendar.session(on: day)?.close.microseconds ?? start + Int64(interval.seconds) * 1_000_000
    }
}
