import Market

/// What goes to the database in one transaction.
struct TickBatch: Sendable {
    /// Where the batch begins: the journal's place in the database before it.
    let from: JournalPlace
    /// The place after it.
    let to: JournalPlace
    let trades: [Trade]
    let quotes: [Quote]
    /// Ticks between the two places that are gone.
    let losses: [JournalLoss]

    var tickCount: Int { self.trades.count + self.quotes.count }
}
