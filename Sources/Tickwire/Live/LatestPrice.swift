import Market

/// The newest price of a symbol at a venue: what a lock screen shows of a market state.
struct LatestPrice: Sendable {
    let symbol: Symbol
    let venue: Venue
    let asset: AssetClass
    let price: Decimal64
    let change: Decimal64?
    let percentChange: Decimal64?
    let eventTime: Timestamp
    let receivedTime: Timestamp

    /// `nil` before the first trade.
    init?(_ state: MarketState) {
        guard let price = state.lastPrice, let time = state.lastTradeTime ?? state.eventTime else { return nil }
        self.symbol = state.symbol
        self.venue = state.venue
        self.asset = state.asset
        self.price = price
        self.change = state.change
        self.percentChange = state.percentChange
        self.eventTime = time
        self.receivedTime = state.receivedTime ?? time
    }
}
