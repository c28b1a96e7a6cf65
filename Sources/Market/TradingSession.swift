/// Where in its day an exchange is.
public enum TradingPhase: String, Sendable, Hashable {
    /// Trading before the opening.
    case pre
    /// The regular session, from the opening to the official close.
    case regular
    /// Trading after the close.
    case post
    /// No trading.
    case closed
}

/// One day of an exchange.
public struct TradingSession: Sendable, Hashable {
    /// The date at the exchange.
    public let day: CivilDay
    /// When trading before the opening begins.
    public let preOpen: Timestamp
    /// The opening of the regular session.
    public let open: Timestamp
    /// The end of the regular session, excluded: the official close.
    public let close: Timestamp
    /// When trading after the close ends, excluded.
    public let postClose: Timestamp
    /// Whether the regular session ends early.
    public let isHalfDay: Bool

    /// Whether the regular session holds at `time`.
    public func isRegular(_ time: Timestamp) -> Bool { self.open <= time && time < self.close }
}
