/// A task that waits for ``Journal/sync()``.
struct SyncWaiter: Sendable {
    let key: Int
    /// The numbers before which everything must be settled.
    let trades: Int64
    let quotes: Int64
    let continuation: CheckedContinuation<Bool, Never>

    /// Whether there is nothing left to wait for.
    func isSettled(in state: JournalState) -> Bool {
        state.trades.settled >= self.trades && state.quotes.settled >= self.quotes
    }
}
