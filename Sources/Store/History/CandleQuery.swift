public import Market

/// Which candles are wanted.
public struct CandleQuery: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// The venue; `nil` for the candles of all venues together.
    public var venue: Venue?
    /// The candles' length.
    public var interval: CandleInterval
    /// The first candle is the one that this instant lies in; `nil` begins with the oldest.
    public var since: Timestamp?
    /// The last candle is the one that begins before this instant; `nil` ends with the newest.
    public var until: Timestamp?
    /// How many; `nil` for all.
    public var count: HistoryCount?

    /// Asks for the candles of `symbol` in `[since, until)`; the first and the last are whole, wherever the bounds cut them.
    public init(
        symbol: Symbol, venue: Venue? = nil, interval: CandleInterval, since: Timestamp? = nil, until: Timestamp? = nil,
        count: HistoryCount? = nil
    ) {
        self.symbol = symbol
        self.venue = venue
        self.interval = interval
        self.since = since
        self.until = until
        self.count = count
    }
}
