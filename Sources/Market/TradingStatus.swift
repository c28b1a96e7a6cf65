/// Whether a symbol may be traded at a venue.
public enum TradingState: UInt8, Sendable, Hashable, CaseIterable {
    /// It trades.
    case trading
    /// Trading is stopped or suspended: the last price is the last one for now.
    case halted

    /// The word used in feed files and on the wire.
    public var name: String {
        switch self {
        case .trading: "trading"
        case .halted: "halted"
        }
    }

    /// Finds a state by its word; `nil` for other text.
    public init?(name: String) {
        guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }
}

/// What a venue says about the trading of a symbol.
public struct TradingStatus: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Whose word it is.
    public var venue: Venue
    /// Whether it may be traded.
    public var state: TradingState
    /// The venue's reason in its own words, such as `T12` or `Volatility pause`; `nil` when it gives none.
    public var reason: String?
    /// When the venue says it happened; the receive time where it does not.
    public var eventTime: Timestamp
    /// When the frame arrived here.
    public var receivedTime: Timestamp

    /// Makes a status from its parts.
    public init(
        symbol: Symbol, venue: Venue, state: TradingState, reason: String? = nil, eventTime: Timestamp,
        receivedTime: Timestamp
    ) {
        self.symbol = symbol
        self.venue = venue
        self.state = state
        self.reason = reason
        self.eventTime = eventTime
        self.receivedTime = receivedTime
    }
}
