public import Market

/// A stretch of a venue's ticks that did not arrive.
///
/// Bounds are exclusive: they name the last tick before the hole and the first one after it. Each may be unknown.
public struct TickGap: Hashable, Sendable {
    /// Whose ticks are missing.
    public var venue: Venue
    /// The instrument; `nil` when every symbol of a connection may be concerned.
    public var symbol: Symbol?
    /// The venue's id of the last trade before the hole.
    public var fromID: String?
    /// The venue's id of the first trade after the hole.
    public var toID: String?
    /// The venue's sequence number of the last message before the hole.
    public var fromSequence: Int64?
    /// The venue's sequence number of the first message after the hole.
    public var toSequence: Int64?
    /// When the last tick before the hole happened.
    public var fromTime: Timestamp?
    /// When the first tick after the hole happened.
    public var toTime: Timestamp?

    /// Makes a gap; leave out the bounds that are not known.
    public init(
        venue: Venue, symbol: Symbol? = nil, fromID: String? = nil, toID: String? = nil, fromSequence: Int64? = nil,
        toSequence: Int64? = nil, fromTime: Timestamp? = nil, toTime: Timestamp? = nil
    ) {
        self.venue = venue
        self.symbol = symbol
        self.fromID = fromID
        self.toID = toID
        self.fromSequence = fromSequence
        self.toSequence = toSequence
        self.fromTime = fromTime
        self.toTime = toTime
    }
}
