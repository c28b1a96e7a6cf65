public import Market

/// A polled feed's state at an instant, for those who watch it.
public struct PollState: Equatable, Sendable {
    /// What is left of one window of the budget.
    public struct Budget: Equatable, Sendable {
        /// The file's word for the window: `perDay`.
        public let window: String
        /// The requests that it allows.
        public let limit: Int
        /// The requests that may still be sent.
        public let left: Int
    }

    /// The state in a word.
    public var status: PollStatus
    /// What is left of the budget; counted since the process started.
    public var budget: [Budget]
    /// What the provider says is used in its own count, where it tells.
    public var weightUsed: Int?
    /// When the next request is due; `nil` while one is on its way or nothing is wanted.
    public var nextRequest: ContinuousClock.Instant?
    /// How often each symbol is asked for: more than the file's `every` when the budget is short.
    public var interval: Duration
    /// Why the last request that failed did.
    public var lastError: String?
    /// Symbols that the provider does not give, and why.
    public var refused: [Symbol: String]

    /// The state with every text changed: for taking secrets out of what a provider echoes.
    public func mapTexts(_ change: (String) -> String) -> PollState {
        var state = self
        state.lastError = self.lastError.map(change)
        state.refused = self.refused.mapValues(change)
        switch self.status {
        case .waiting(let reason, let until): state.status = .waiting(reason: change(reason), until: until)
        case .failed(let reason, let retryAt): state.status = .failed(reason: change(reason), retryAt: retryAt)
        case .idle, .starting, .live, .closed, .exhausted, .stopped: break
        }
        return state
    }
}
