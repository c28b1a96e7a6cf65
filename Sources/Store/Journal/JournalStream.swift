/// One of the journal's two independent streams of ticks.
public enum JournalStream: String, Sendable, CaseIterable {
    /// Executed prices.
    case trades
    /// Best offers.
    case quotes
}
