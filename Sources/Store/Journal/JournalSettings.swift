/// Where the journal lives, how much it may hold and how soon a tick is on disk.
///
/// Values out of range are moved to the nearest end of it.
public struct JournalSettings: Sendable {
    /// The folder; it is made when it does not exist.
    public let directory: String
    /// Bytes on disk at most, over both streams; default 4 GiB, at least 16 MiB.
    ///
    /// The alarm is raised at 80 % of it and ends below 60 %. At the bound the oldest quotes go first, then the oldest
    /// trades.
    public let bytesMax: Int64
    /// Bytes of a segment file at most; default 2 MiB, 4 KiB to a sixteenth of ``bytesMax``.
    ///
    /// A file is exceeded only by a single record that is larger than it. What has to go on a full disk goes by whole files, and the
    /// newest of each stream stays: small ones let quotes go before trades on small disks, too.
    public let segmentBytesMax: Int64
    /// How long appended ticks gather before they are written; default 5 ms, 1 ms to 1 s.
    public let writeInterval: Duration
    /// The least time between two syncs; default 20 ms, 1 ms to 10 s.
    public let syncInterval: Duration
    /// Bytes of encoded ticks at most that wait in memory for a disk that does not take them; default 64 MiB, at least 1 MiB.
    ///
    /// Beyond it the oldest quotes go first, then the oldest trades. What the disk is just taking comes on top of it: at
    /// most 24 MiB.
    public let bufferBytesMax: Int

    /// Makes settings; only the folder has no default.
    public init(
        directory: String, bytesMax: Int64 = 4 << 30, segmentBytesMax: Int64 = 2 << 20,
        writeInterval: Duration = .milliseconds(5), syncInterval: Duration = .milliseconds(20),
        bufferBytesMax: Int = 64 << 20
    ) {
        self.directory = directory
        self.bytesMax = max(bytesMax, 16 << 20)
        self.segmentBytesMax = min(max(segmentBytesMax, 4 << 10), self.bytesMax / 16)
        self.writeInterval = min(max(writeInterval, .milliseconds(1)), .seconds(1))
        self.syncInterval = min(max(syncInterval, .milliseconds(1)), .seconds(10))
        self.bufferBytesMax = max(bufferBytesMax, 1 << 20)
    }
}
