public import Market

/// Open, high, low, close and volume of one minute of a symbol at a venue: what rolling windows start from.
public struct MinuteBucket: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it traded.
    public var venue: Venue
    /// The minute.
    public var candle: Candle
}
