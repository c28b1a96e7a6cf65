/// The days and hours of an exchange, by rule.
///
/// The rules are those of NYSE and Nasdaq, which share holidays and hours. They hold from 2013, the first year in which July 3 was
/// a half day whatever the weekday. Source: NYSE Rule 7.2 (holidays) and 7.34 (sessions), and the yearly calendars at
/// nyse.com/markets/hours-calendars; compared with PyPI's `exchange_calendars` by Tests/BlackBox/test_calendar.py.
public struct TradingCalendar: Sendable, Hashable {
    /// The exchange's market identifier code, ISO 10383.
    public let name: String
    /// The zone of the exchange's clock.
    public let zone: ZoneRule

    /// New York Stock Exchange.
    public static let xnys = TradingCalendar(name: "XNYS", zone: .newYork)
    /// Nasdaq.
    public static let xnas = TradingCalendar(name: "XNAS", zone: .newYork)
    private static let known = [xnys, xnas]

    /// The names that are known.
    public static var names: [String] { self.known.map(\.name) }

    private init(name: String, zone: ZoneRule) {
        self.name = name
        self.zone = zone
    }

    /// Finds a calendar by its market identifier code.
    ///
    /// - Throws: ``MarketError/unknownCalendar(_:)``.
    public init(_ name: String) throws(MarketError) {
        guard let calendar = Self.known.first(where: { $0.name == name }) else { throw .unknownCalendar(name) }
        self = calendar
    }

    // MARK: Days

    /// The session of a date at the exchange; `nil` on weekends, holidays and special closures.
    public func session(on day: CivilDay) -> TradingSession? {
        guard !day.isWeekend, !USHolidays.isHoliday(day), USHolidays.specialClosures[day] == nil else { return nil }
        let isHalfDay = USHolidays.isHalfDay(day)
        func at(hour: Int64, minute: Int64 = 0) -> Timestamp {
            let seconds = day.startSeconds + hour * 3600 + minute * 60
            return self.zone.utc(fromLocal: Timestamp(nanoseconds: seconds * 1_000_000_000))
        }
        return TradingSession(
            day: day, preOpen: at(hour: 4), open: at(hour: 9, minute: 30), close: at(hour: isHalfDay ? 13 : 16),
            postClose: at(hour: isHalfDay ? 17 : 20), isHalfDay: isHalfDay
        )
    }

    /// The first session after a date.
    public func session(after day: CivilDay) -> TradingSession { self.session(from: day.advanced(by: 1), step: 1) }

    /// The last session before a date.
    public func session(before day: CivilDay) -> TradingSession { self.session(from: day.advanced(by: -1), step: -1) }

    private func session(from day: CivilDay, step: Int) -> TradingSession {
        var day = day
        while true {
            if let session = self.session(on: day) { return session }
            day = day.advanced(by: step)
        }
    }

    // MARK: Instants

    /// The session that a trade at `time` belongs to.
    ///
    /// A session's day goes from the end of the one before to its own end: a trade overnight, on a weekend or on a holiday belongs
    /// to the next session.
    public func session(of time: Timestamp) -> TradingSession {
        let day = CivilDay(time, in: self.zone)
        if let session = self.session(on: day), time < session.postClose { return session }
        return self.session(after: day)
    }

    /// Where in its day the exchange is.
    public func phase(at time: Timestamp) -> TradingPhase {
        guard let session = self.session(on: CivilDay(time, in: self.zone)) else { return .closed }
        if time < session.preOpen || time >= session.postClose { return .closed }
        if time < session.open { return .pre }
        return time < session.close ? .regular : .post
    }

    /// Whether the regular session holds; ``phase(at:)`` tells of trading before and after it.
    public func isOpen(at time: Timestamp) -> Bool { self.phase(at: time) == .regular }

    /// When the newest regular session ended that had ended by `time`.
    public func previousClose(before time: Timestamp) -> Timestamp {
        let day = CivilDay(time, in: self.zone)
        if let session = self.session(on: day), session.close <= time { return session.close }
        return self.session(before: day).close
    }
}
