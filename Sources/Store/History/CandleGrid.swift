import Market

/// Where the intervals of a symbol's candles begin and end.
///
/// They start at multiples of their length since 1970 in UTC, weeks on Monday. The day of a stock is its session and begins with
/// it; several days of a stock are grouped by their dates.
struct CandleGrid: Sendable, Hashable {
    private static let day: Int64 = 86_400_000_000_000
    /// 1970-01-01 was a Thursday: the Monday before it begins the week.
    private static let weekOffset: Int64 = -3 * day

    let interval: CandleInterval
    /// Whether the symbol trades in sessions.
    let isStock: Bool

    init(_ symbol: Symbol, _ interval: CandleInterval) {
        self.interval = interval
        self.isStock = symbol.quoteCurrency == nil
    }

    /// The interval's length.
    var nanoseconds: Int64 { Int64(self.interval.seconds) * 1_000_000_000 }

    /// The candles of the table that one candle is made of, at most, at one venue.
    var rowsPerCandle: Int { self.interval.seconds / self.interval.base.seconds }

    /// Whether each candle is a row of the table, but for the venues.
    private var isKept: Bool { self.interval.base == self.interval }

    /// The start of the candle that a row of the table belongs to.
    func start(ofRow start: Timestamp) -> Timestamp { self.isKept ? start : self.floor(start) }

    /// The start of the interval that `time` lies in, for bounds of a range: of a stock's day the midnight before its session.
    func floor(_ time: Timestamp) -> Timestamp {
        let offset = self.interval.seconds == 604_800 ? Self.weekOffset : 0
        let remainder = (time.nanoseconds - offset) % self.nanoseconds
        return time.advanced(byNanoseconds: -(remainder < 0 ? remainder + self.nanoseconds : remainder))
    }

    /// The first interval's start that is not before `time`.
    func ceiling(_ time: Timestamp) -> Timestamp {
        let floor = self.floor(time)
        return floor == time ? time : floor.advanced(byNanoseconds: self.nanoseconds)
    }

    /// The end of the candle that starts at `start`, excluded.
    func end(of start: Timestamp) -> Timestamp {
        if self.isStock, self.interval == .day {
            let session = TradingCalendar.xnys.session(of: start)
            if session.open == start { return session.close }
        }
        return self.floor(start).advanced(byNanoseconds: self.nanoseconds)
    }
}
