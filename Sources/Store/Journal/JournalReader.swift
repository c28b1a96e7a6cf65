/// A place in one of the journal's streams, from which batches are read.
///
/// Made by ``Journal/reader(of:from:)``; each reader has its own place and its own open file. Callable from any thread;
/// reading blocks for as long as the disk takes.
public final class JournalReader: Sendable {
    /// What it reads.
    public let stream: JournalStream
    /// Where it stands: the number of the next tick it gives.
    public var position: Int64 { 0 }

    init(stream: JournalStream) { self.stream = stream }

    /// Reads on from ``position``.
    ///
    /// - Parameter ticksMax: Ticks in the batch at most, at least 1.
    /// - Returns: `nil` when nothing that is synced lies beyond the position.
    /// - Throws: ``JournalError/unreadable(file:reason:)`` when a file cannot be opened; the position stays.
    public func batch(ticksMax: Int) throws(JournalError) -> JournalBatch? { nil }
}
