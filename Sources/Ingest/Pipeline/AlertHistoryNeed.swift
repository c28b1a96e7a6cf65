public import Market

/// History that the windows of alerts lack.
public struct AlertHistoryNeed: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it trades.
    public var venue: Venue
    /// Whether alerts without a venue follow it.
    public var isPrimary: Bool
    /// How far back it is needed.
    public var length: Duration

    /// Makes a need from its parts.
    public init(symbol: Symbol, venue: Venue, isPrimary: Bool, length: Duration) {
        self.symbol = symbol
        self.venue = venue
        self.isPrimary = isPrimary
        self.length = length
    }
}
