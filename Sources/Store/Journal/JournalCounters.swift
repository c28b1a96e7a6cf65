/// What a journal has done since it was opened, and what it holds.
public struct JournalCounters: Sendable, Hashable {
    /// Ticks given to the journal.
    public var appended: Int64 = 0
    /// Ticks that are on disk because of it, synced.
    public var written: Int64 = 0
    /// Times that a segment was synced.
    public var syncs: Int64 = 0
    /// Bytes of all segments.
    public var bytesOnDisk: Int64 = 0
    /// Segment files.
    public var segments: Int = 0
    /// Bytes of encoded ticks that are not on disk yet.
    public var pendingBytes: Int = 0
    /// Trades lost: shed from disk or memory before they had been read, or damaged.
    public var lostTrades: Int64 = 0
    /// Quotes lost: shed from disk or memory before they had been read, or damaged.
    public var lostQuotes: Int64 = 0
    /// Whether the disk does not take what is written, did not a minute ago, or is at 80 % of the bound and not below 60 % since.
    public var isAlarmed = false
    /// The newest error of the disk; `nil` when the newest write went well.
    public var lastError: String?

    /// Nothing done.
    public init() {}
}
