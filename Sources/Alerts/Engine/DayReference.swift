import Market

/// The price that moves `today` are measured from.
///
/// Of a stock the last price of the regular session before, of all else the first price after UTC midnight.
struct DayReference: Sendable {
    private static let dayLength: Int64 = 86_400_000_000_000

    private let calendar: TradingCalendar?
    /// The first instant that does not belong to the day; `nil` before the first trade.
    private var end: Int64?
    private(set) var reference: PricePoint?
    /// The newest trade of a regular session, and the day of the session.
    private var close: (day: CivilDay, point: PricePoint)?
    private var day: CivilDay?

    init(calendar: TradingCalendar?) { self.calendar = calendar }

    /// When the reference ends.
    var nextChange: Int64 { self.end ?? .min }

    /// Until when of all trades behind `now` only the newest matters: where a regular session begins or ends, the next kind does.
    func calmEnd(after now: Int64) -> Int64 {
        guard let calendar = self.calendar else { return self.nextChange }
        guard let day = self.day, let session = calendar.session(on: day) else { return now }
        let edges = [session.open.nanoseconds, session.close.nanoseconds].filter { $0 > now }
        return min(edges.min() ?? .max, self.nextChange)
    }

    /// Time goes on: at the end of the day its reference is gone.
    mutating func advance(to now: Int64) {
        if let end = self.end, now >= end { self.begin(at: now) }
    }

    mutating func add(_ point: PricePoint) {
        if self.end.map({ point.time >= $0 }) ?? true { self.begin(at: point.time) }
        guard let calendar = self.calendar else {
            if self.reference == nil { self.reference = point }
            return
        }
        if let day = self.day, calendar.session(on: day)?.isRegular(Timestamp(nanoseconds: point.time)) == true {
            self.close = (day, point)
        }
    }

    /// Takes in what was traded before; what was seen here counts more, but for the day's first price.
    mutating func seed(_ history: AlertHistory) {
        var seeded = DayReference(calendar: self.calendar)
        for bar in history.bars {
            let start = bar.start.nanoseconds
            seeded.add(PricePoint(price: bar.open, time: start))
            let (end, overflow) = start.addingReportingOverflow(bar.length.wholeNanoseconds - 1)
            if !overflow { seeded.add(PricePoint(price: bar.close, time: max(start, end))) }
        }
        if let now = history.lastTime?.nanoseconds ?? history.dayReferenceTime?.nanoseconds {
            if let end = seeded.end { seeded.advance(to: max(now, end - 1)) } else { seeded.begin(at: now) }
            if let price = history.dayReference {
                seeded.reference = PricePoint(price: price, time: history.dayReferenceTime?.nanoseconds ?? now)
            }
        }
        guard self.end != nil else {
            self = seeded
            return
        }
        if seeded.end == self.end, let reference = seeded.reference { self.reference = reference }
        if self.close == nil { self.close = seeded.close }
    }

    private mutating func begin(at now: Int64) {
        self.reference = nil
        guard let calendar = self.calendar else {
            let index = now / Self.dayLength - (now % Self.dayLength < 0 ? 1 : 0)
            self.end = (index + 1) * Self.dayLength
            return
        }
        let session = calendar.session(of: Timestamp(nanoseconds: now))
        if let close = self.close, calendar.session(before: session.day).day == close.day {
            self.reference = close.point
        }
        self.day = session.day
        self.end = session.postClose.nanoseconds
    }
}
