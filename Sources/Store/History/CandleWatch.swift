import Market

/// Decides which candles are closed, open and changed, out of one look after the other.
struct CandleWatch {
    private let grid: CandleGrid
    private let watchedMax: Int
    /// Closed candles that were told, the newest ones, by their starts.
    private var told: [Timestamp: RecordedCandle] = [:]
    /// Candles that have ended and were not told yet, as the last look found them.
    private var ended: [Timestamp: RecordedCandle] = [:]
    private var open: RecordedCandle?
    /// Candles before this start are not looked at any more.
    private(set) var since: Timestamp?

    init(_ grid: CandleGrid, watchedMax: Int) {
        self.grid = grid
        self.watchedMax = watchedMax
    }

    /// Takes in candles of the past: those that have ended are told at once.
    mutating func past(_ candles: [RecordedCandle], now: Timestamp) -> [CandleFollower.Event] {
        let closed = candles.filter { self.grid.end(of: $0.start) <= now }
        self.tell(closed)
        var events: [CandleFollower.Event] = closed.isEmpty ? [] : [.closed(closed)]
        if let last = candles.last, self.grid.end(of: last.start) > now {
            self.open = last
            events.append(.open(last))
        }
        return events
    }

    /// Takes in what a look found from ``since`` on.
    mutating func look(_ candles: [RecordedCandle], now: Timestamp) -> [CandleFollower.Event] {
        var events: [CandleFollower.Event] = []
        var closed: [RecordedCandle] = []
        var ended: [Timestamp: RecordedCandle] = [:]
        var isHeldUp = false
        for candle in candles {
            if let old = self.told[candle.start] {
                if old != candle {
                    self.told[candle.start] = candle
                    events.append(.changed(from: old, to: candle))
                }
            } else if self.grid.end(of: candle.start) > now {
                if self.open != candle {
                    self.open = candle
                    events.append(.open(candle))
                }
            } else if !isHeldUp, self.ended[candle.start] == candle {
                closed.append(candle)
            } else {
                // Later ones wait for it, so that the order is kept.
                isHeldUp = true
                ended[candle.start] = candle
            }
        }
        self.ended = ended
        if closed.isEmpty { return events }
        self.tell(closed)
        // An open candle is drawn below the closed ones.
        let index = events.firstIndex { if case .open = $0 { true } else { false } } ?? events.endIndex
        events.insert(.closed(closed), at: index)
        return events
    }

    private mutating func tell(_ candles: [RecordedCandle]) {
        for candle in candles { self.told[candle.start] = candle }
        let surplus = self.told.count - self.watchedMax
        if surplus > 0 {
            for start in self.told.keys.sorted().prefix(surplus) { self.told[start] = nil }
        }
        self.since = self.told.keys.min()
    }
}
