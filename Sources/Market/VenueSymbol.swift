/// A symbol at a venue: what trades, states and candles are told apart by.
public struct VenueSymbol: Hashable, Sendable {
    /// The instrument.
    public let symbol: Symbol
    /// Where it trades.
    public let venue: Venue

    /// Names a symbol at a venue.
    @inlinable
    public init(_ symbol: Symbol, _ venue: Venue) {
        self.symbol = symbol
        self.venue = venue
    }
}
