/// Open, high, low, close and volume over `[start, start + interval)`.
public struct Candle: Sendable, Hashable {
    /// The first instant of the interval, in UTC.
    public var start: Timestamp
    /// The price of the earliest trade.
    public var open: Decimal64
    /// The highest price.
    public var high: Decimal64
    /// The lowest price.
    public var low: Decimal64
    /// The price of the latest trade.
    public var close: Decimal64
    /// The sum of the sizes.
    public var volume: Decimal64
    /// How many trades.
    public var tradeCount: Int64

    /// Makes a candle from its parts.
    public init(
        start: Timestamp, open: Decimal64, high: Decimal64, low: Decimal64, close: Decimal64, volume: Decimal64,
        tradeCount: Int64
    ) {
        self.start = start
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.tradeCount = tradeCount
    }
}
