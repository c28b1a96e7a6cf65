public import Market

/// What a reader got from the journal in one step.
public struct JournalBatch: Sendable, Hashable {
    /// The position it begins at: where the batch before ended.
    public let first: Int64
    /// The position after it: to be stored with what was made of it.
    ///
    /// It covers the ticks here and the lost ones.
    public let end: Int64
    /// The stream's ticks, in order, when it is ``JournalStream/trades``.
    public let trades: [Trade]
    /// The stream's ticks, in order, when it is ``JournalStream/quotes``.
    public let quotes: [Quote]
    /// The holes within it, in order.
    public let lost: [JournalLoss]
}
