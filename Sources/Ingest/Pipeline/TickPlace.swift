/// How many trades and quotes have been handed to the recorder, over all its life.
public struct TickPlace: Hashable, Sendable {
    /// The number of the next trade.
    public var trades: Int64
    /// The number of the next quote.
    public var quotes: Int64

    /// Names a place; without arguments the beginning.
    public init(trades: Int64 = 0, quotes: Int64 = 0) {
        self.trades = trades
        self.quotes = quotes
    }

    /// For each kind the later of two places.
    public static func later(_ left: TickPlace, _ right: TickPlace) -> TickPlace {
        TickPlace(trades: max(left.trades, right.trades), quotes: max(left.quotes, right.quotes))
    }

    /// For each kind the earlier of two places.
    public static func earlier(_ left: TickPlace, _ right: TickPlace) -> TickPlace {
        TickPlace(trades: min(left.trades, right.trades), quotes: min(left.quotes, right.quotes))
    }
}
