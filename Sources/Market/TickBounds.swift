/// The ends of a stretch of one venue's ticks.
///
/// Both are exclusive: they name the last tick before the stretch and the first one after it. Each may be unknown.
public struct TickBounds: Hashable, Sendable {
    /// The venue's id of the last trade before it.
    public var fromID: String?
    /// The venue's id of the first trade after it.
    public var toID: String?
    /// The venue's sequence number of the last message before it.
    public var fromSequence: Int64?
    /// The venue's sequence number of the first message after it.
    public var toSequence: Int64?
    /// When the last tick before it happened.
    public var fromTime: Timestamp?
    /// When the first tick after it happened.
    public var toTime: Timestamp?

    /// Makes bounds; leave out what is not known.
    public init(
        fromID: String? = nil, toID: String? = nil, fromSequence: Int64? = nil, toSequence: Int64? = nil,
        fromTime: Timestamp? = nil, toTime: Timestamp? = nil
    ) {
        self.fromID = fromID
        self.toID = toID
        self.fromSequence = fromSequence
        self.toSequence = toSequence
        self.fromTime = fromTime
        self.toTime = toTime
    }
}
