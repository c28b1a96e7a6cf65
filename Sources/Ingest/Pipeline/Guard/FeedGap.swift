public import Market

/// What of a venue's ticks is missing.
public enum GapStream: String, Sendable, Hashable {
    /// Trades: the venue may be asked for them.
    case trades
    /// Quotes: they cannot be asked for again.
    case quotes
}

/// A hole that the guard has found in what a feed sends.
public struct FeedGap: Sendable, Hashable, Identifiable {
    /// Counts the gaps of this process.
    public let id: UInt64
    /// Whose ticks are missing.
    public var venue: Venue
    /// The instruments concerned: several when a connection does not tell whose frames are missing.
    public var symbols: [Symbol]
    /// The last tick before the hole and the first one after it.
    public var bounds: TickBounds
    /// What is missing.
    public var stream: GapStream
    /// Why.
    public var reason: GapReason
    /// How many numbers are missing; `nil` when the venue does not count.
    public var missing: Int64?
    /// When the hole was found: the receive time of the tick behind it.
    public var openedAt: Timestamp

    /// Makes a gap from its parts.
    public init(
        id: UInt64, venue: Venue, symbols: [Symbol], bounds: TickBounds, stream: GapStream = .trades,
        reason: GapReason, missing: Int64?, openedAt: Timestamp
    ) {
        self.id = id
        self.venue = venue
        self.symbols = symbols
        self.bounds = bounds
        self.stream = stream
        self.reason = reason
        self.missing = missing
        self.openedAt = openedAt
    }
}

/// What happens to a gap.
public enum GapChange: Sendable, Hashable {
    /// It was found, and nothing that came late has closed it in the time that reordered ticks are given.
    case opened(FeedGap)
    /// Ticks that were missing have come: `repaired` since it was found.
    case narrowed(id: UInt64, repaired: Int64)
    /// Nothing is missing any more: `repaired` ticks have come since it was found.
    case closed(id: UInt64, repaired: Int64, at: Timestamp)
}

/// How a gap ended.
public enum GapState: String, Sendable, Hashable {
    /// Ticks are missing, and are being asked for.
    case open
    /// Everything is there.
    case repaired
    /// What is missing will not come: the venue cannot be asked, or has it no more.
    case unrepairable
}
