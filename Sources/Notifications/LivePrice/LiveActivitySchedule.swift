public import Market

/// When Live Activities of a symbol begin and end.
///
/// Stocks by the calendar: begun at the open, ended at the close. Crypto and currencies never close, but an activity lives
/// eight hours at most (Apple, "Displaying live data with Live Activities"), so that it is begun anew.
public struct LiveActivitySchedule: Hashable, Sendable {
    /// How long the system lets an activity be updated.
    public static let lifetime = Duration.seconds(8 * 3_600)

    /// Decides between calendar and clock.
    public let asset: AssetClass
    private let calendar: TradingCalendar

    /// Makes the schedule of an instrument.
    public init(asset: AssetClass, calendar: TradingCalendar = .xnys) {
        self.asset = asset
        self.calendar = calendar
    }

    /// Whether the market goes on: stocks from the day's first trading until the close of the regular session.
    public func market(at now: Timestamp) -> LivePriceGovernor.Market {
        guard self.asset == .stock else { return .open }
        switch self.calendar.phase(at: now) {
        case .pre, .regular: return .open
        case .post, .closed: return .closed(since: self.calendar.previousClose(before: now))
        }
    }

    /// What the state calls the market: `open`, `pre`, `after` or `closed`.
    public func marketState(at now: Timestamp) -> String {
        guard self.asset == .stock else { return "open" }
        switch self.calendar.phase(at: now) {
        case .pre: return "pre"
        case .regular: return "open"
        case .post: return "after"
        case .closed: return "closed"
        }
    }

    /// Whether an activity shall be begun by push.
    ///
    /// - Parameters:
    ///   - startedAt: When the last one was begun; `nil` is never.
    ///   - askedAt: When the user asked for it.
    ///   - now: The time.
    /// - Returns: For stocks `true` from the first open after the last begin, or after it was asked for, until that session's
    ///   close; else when it was asked for, and every eight hours.
    public func isStartDue(startedAt: Timestamp?, askedAt: Timestamp, now: Timestamp) -> Bool {
        guard self.asset == .stock else {
            guard let startedAt else { return true }
            return self.isOver(startedAt: startedAt, now: now)
        }
        guard self.calendar.isOpen(at: now) else { return false }
        return (startedAt ?? askedAt) < self.calendar.session(of: now).open
    }

    /// Whether an activity has lived as long as the system lets it.
    public func isOver(startedAt: Timestamp, now: Timestamp) -> Bool { now >= startedAt.advanced(by: Self.lifetime) }
}
