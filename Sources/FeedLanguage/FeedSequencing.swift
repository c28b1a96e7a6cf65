/// What the numbers of a stream of ticks or frames promise.
public enum Sequencing: String, Sendable, Hashable {
    /// Nothing: they are absent, or only tell ticks apart.
    case none
    /// Later ones are higher; holes are normal.
    case increasing
    /// Each is the one before plus one: a hole is something missed.
    case contiguous
}

/// What a feed's numbers promise, by where they stand.
public struct FeedSequencing: Sendable, Hashable {
    /// A symbol's trades.
    public var trades: Sequencing
    /// A symbol's quotes.
    public var quotes: Sequencing
    /// All frames of one connection.
    public var connection: Sequencing

    /// Makes a description; without arguments nothing is promised.
    public init(trades: Sequencing = .none, quotes: Sequencing = .none, connection: Sequencing = .none) {
        self.trades = trades
        self.quotes = quotes
        self.connection = connection
    }
}

extension FeedSequencing {
    /// What the rules of a file say about their sequences; the strictest counts where they differ.
    init(messages: [MessageRule], connection: ValueSource?) {
        self.init()
        self.connection = connection?.step ?? .none
        for rule in messages {
            guard case .outputs(let outputs) = rule.body else { continue }
            for item in outputs.flatMap(\.items) {
                guard case .ticks(let trade, let quote) = item.body else { continue }
                if let step = trade?.sequence?.step, self.trades != .contiguous { self.trades = step }
                if let step = quote?.sequence?.step, self.quotes != .contiguous { self.quotes = step }
            }
        }
    }
}
