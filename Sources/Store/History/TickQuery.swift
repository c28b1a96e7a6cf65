public import Market

/// Which recorded ticks are wanted.
public struct TickQuery: Sendable, Hashable {
    /// What a tick is.
    public enum Kind: Int, Sendable, Hashable, CaseIterable {
        /// Executed trades.
        case trades
        /// Best offers.
        case quotes
    }

    /// The instrument.
    public var symbol: Symbol
    /// The venue; `nil` for all.
    public var venue: Venue?
    /// The earliest event time, included; `nil` begins with the oldest.
    public var since: Timestamp?
    /// The latest event time, excluded; `nil` ends with the newest.
    public var until: Timestamp?
    /// Trades, quotes, or both.
    public var kinds: Set<Kind>
    /// How many; `nil` for all.
    public var count: HistoryCount?

    /// Asks for the ticks of `symbol` in `[since, until)`.
    public init(
        symbol: Symbol, venue: Venue? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
        kinds: Set<Kind> = [.trades, .quotes], count: HistoryCount? = nil
    ) {
        self.symbol = symbol
        self.venue = venue
        self.since = since
        self.until = until
        self.kinds = kinds
        self.count = count
    }
}
