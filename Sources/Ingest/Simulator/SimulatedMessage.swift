import Market

/// One thing that happens in a ``SimulatedMarket``.
enum SimulatedMessage: Sendable, Equatable {
    /// An executed trade.
    case trade(SimulatedTrade)
    /// Best offers.
    case quote(SimulatedQuote)

    /// The place of its symbol in the market's list.
    var symbolIndex: Int {
        switch self {
        case .trade(let trade): trade.symbolIndex
        case .quote(let quote): quote.symbolIndex
        }
    }
}

/// A trade of the simulated market; prices and sizes are in steps of its instrument's decimals.
struct SimulatedTrade: Sendable, Equatable {
    let symbolIndex: Int
    /// Counts up by one for each trade of a symbol.
    let id: UInt64
    let price: Int64
    let size: Int64
    let isBuy: Bool
    let time: Timestamp
}

/// Best offers of the simulated market, in the same steps.
struct SimulatedQuote: Sendable, Equatable {
    let symbolIndex: Int
    /// Counts up by one for each quote of a symbol.
    let number: UInt64
    let bid: Int64
    let ask: Int64
    let bidSize: Int64
    let askSize: Int64
    let time: Timestamp
}
