public import Logging
public import Market

/// A durable queue on disk between the feeds and PostgreSQL; see docs/journal.md.
///
/// Each tick of a stream has a number: 0, 1, 2 … over the journal's whole life. "Position *p*" means all ticks whose
/// number is less than *p*. Callable from any thread.
public final class Journal: Sendable {
    /// Opens the journal, or makes it: takes its lock, cuts torn tails, starts its thread.
    ///
    /// - Parameters:
    ///   - settings: Folder, bounds and intervals.
    ///   - logger: Hears of repairs, alarms and losses.
    /// - Throws: ``JournalError``.
    public init(_ settings: JournalSettings, logger: Logger) throws(JournalError) {}

    /// The journal's UUID, under which positions are kept; changed by ``renew()``.
    public var id: String { "" }

    /// Hands ticks over; never waits for the disk.
    public func append(_ ticks: [Tick]) {}

    /// The position after the last tick that is synced: readers see all ticks before it and none beyond.
    public func end(of stream: JournalStream) -> Int64 { 0 }

    /// What ``end(of:)`` was when the journal was opened.
    ///
    /// A position in PostgreSQL beyond it, found before anything of this opening was recorded, means that the journal is a
    /// copy older than the database: see ``renew()``.
    public func endAtOpening(of stream: JournalStream) -> Int64 { 0 }

    /// Gives the journal a new id, because PostgreSQL knows more than it held when it was opened: it is a restored copy.
    ///
    /// What it held then has been recorded; what was appended since has numbers that PostgreSQL counts as done under the
    /// old id. So store, under the new id, the lesser of the old position and ``endAtOpening(of:)`` for each stream.
    ///
    /// - Returns: The new id, which is on disk.
    /// - Throws: ``JournalError/cannotOpen(path:reason:)``; then the old id stays.
    public func renew() throws(JournalError) -> String { "" }

    /// Says that ticks before `position` are not needed any more: segments that lie wholly before it are deleted.
    ///
    /// The newest segment stays: it carries the numbering.
    public func release(_ stream: JournalStream, before position: Int64) {}

    /// Makes a reader that begins at `position`, which may lie within a record.
    public func reader(of stream: JournalStream, from position: Int64) -> JournalReader { JournalReader(stream: stream) }

    /// A stream that yields when ticks became readable since the last look; ends when the journal closes.
    ///
    /// Signals are coalesced: after one, read until nothing is left. Each call makes a stream of its own.
    public func signals() -> AsyncStream<Void> { AsyncStream { $0.finish() } }

    /// Waits until all that was appended before is synced.
    ///
    /// - Returns: `false` when that cannot be said: the disk does not take it, the journal is closed, or the waiting task was
    ///   cancelled.
    @discardableResult
    public func sync() async -> Bool { false }

    /// Writes and syncs what waits, stops the thread and gives the lock back; blocks until then. Done once.
    public func close() {}

    /// What has been done so far.
    public var counters: JournalCounters { JournalCounters() }
}
