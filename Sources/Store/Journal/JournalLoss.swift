public import Market

/// Ticks that a reader expected and the journal no longer has.
public struct JournalLoss: Sendable, Hashable {
    /// Why ticks are missing.
    public enum Reason: String, Sendable {
        /// There was no room for them, on the disk or in memory.
        case full
        /// What the disk gave back is not what was written.
        case damaged
    }

    /// Where they are missing.
    public let stream: JournalStream
    /// The number of the first missing tick.
    public let first: Int64
    /// How many are missing.
    public let count: Int64
    /// Why.
    public let reason: Reason
    /// When the last tick before them was received; `nil` when the reader did not see it.
    public let before: Timestamp?
    /// When the first tick after them was received; `nil` when there is none yet.
    public internal(set) var after: Timestamp?
}
