/// A push that somebody wants to send to a channel or an activity.
public struct LiveClaim<Key: Hashable & Sendable>: Hashable, Sendable {
    /// Where to.
    public let key: Key
    /// The timestamp it would have.
    public let timestamp: Int64
    /// Whether it may go within the cadence.
    public let isUrgent: Bool

    /// Makes a claim.
    public init(key: Key, timestamp: Int64, isUrgent: Bool) {
        self.key = key
        self.timestamp = timestamp
        self.isUrgent = isUrgent
    }
}
