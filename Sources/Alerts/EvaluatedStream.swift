public import Market

/// How far the ticks of one symbol at one venue have been evaluated.
public struct EvaluatedStream: Sendable, Hashable {
    /// The instrument.
    public let symbol: Symbol
    /// Where it trades.
    public let venue: Venue
    /// Whether alerts without a venue follow it.
    public let isPrimary: Bool
    /// The price that the next one is compared with.
    public let lastPrice: Decimal64?
    /// The event time of the newest trade: an older one is no news.
    public let eventTime: Timestamp?
    /// When the newest tick was received.
    public let receivedTime: Timestamp

    /// Makes it from its parts.
    public init(
        symbol: Symbol, venue: Venue, isPrimary: Bool, lastPrice: Decimal64?, eventTime: Timestamp?,
        receivedTime: Timestamp
    ) {
        self.symbol = symbol
        self.venue = venue
        self.isPrimary = isPrimary
        self.lastPrice = lastPrice
        self.eventTime = eventTime
        self.receivedTime = receivedTime
    }
}
