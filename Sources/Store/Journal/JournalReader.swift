import Synchronization

/// A place in one of the journal's streams, from which batches are read.
///
/// Made by ``Journal/reader(of:from:)``; each reader has its own place and its own open file. Callable from any thread;
/// reading blocks for as long as the disk takes. What it gives counts as safe, unless it was made to look only: it is not
/// lost when the journal has to give up the segment it came from.
public final class JournalReader: Sendable {
    /// What it reads.
    public let stream: JournalStream
    private let state: Mutex<ReaderState>

    init(_ shared: JournalShared, _ stream: JournalStream, position: Int64, isSafe: Bool = true) {
        self.stream = stream
        self.state = Mutex(ReaderState(shared, stream, position: position, isSafe: isSafe))
    }

    /// Where it stands: the number of the next tick it gives.
    public var position: Int64 { self.state.withLock { $0.position } }

    /// Reads on from ``position``.
    ///
    /// A hole never stops it: the batch has it under ``JournalBatch/lost``, and goes on behind it. A batch may hold a loss
    /// and no tick. Costs no more than the ticks it gives, except for the first one, which looks for the place.
    ///
    /// - Parameter ticksMax: Ticks in the batch at most, at least 1.
    /// - Returns: `nil` when nothing that is synced lies beyond the position.
    /// - Throws: ``JournalError/unreadable(file:reason:)`` when a file cannot be opened for now; the position stays.
    public func batch(ticksMax: Int) throws(JournalError) -> JournalBatch? {
        try self.state.withLock { state throws(JournalError) in try state.batch(ticksMax: ticksMax) }
    }
}
