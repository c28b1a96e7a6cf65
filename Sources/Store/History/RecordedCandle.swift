public import Market

/// A candle of the history: of one venue, or of all venues together.
public struct RecordedCandle: Sendable, Hashable {
    /// The digits that ``vwap`` is rounded to.
    public static let vwapDigits = 15

    /// The first instant of the interval, in UTC; of a stock's day the opening of its session.
    public var start: Timestamp
    /// The price of the earliest trade.
    public var open: Decimal64
    /// The highest price.
    public var high: Decimal64
    /// The lowest price.
    public var low: Decimal64
    /// The price of the latest trade.
    public var close: Decimal64
    /// The sum of the sizes, exact: a week's may be longer than a ``Decimal64``.
    public var volume: WideDecimal
    /// The sum of price × size, exact.
    public var turnover: WideDecimal
    /// How many trades.
    public var tradeCount: Int64
    /// Whether trades are known to be missing: the interval overlaps a gap of a feed that was not repaired.
    public var hasGap: Bool

    /// Makes a candle from its parts.
    public init(
        start: Timestamp, open: Decimal64, high: Decimal64, low: Decimal64, close: Decimal64, volume: WideDecimal,
        turnover: WideDecimal, tradeCount: Int64, hasGap: Bool
    ) {
        self.start = start
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.turnover = turnover
        self.tradeCount = tradeCount
        self.hasGap = hasGap
    }

    /// The volume-weighted average price, ``turnover`` ÷ ``volume``, rounded half-even to ``vwapDigits`` significant digits.
    ///
    /// `nil` when no trade had a size.
    public var vwap: Decimal64? { self.turnover.divided(by: self.volume, significantDigits: Self.vwapDigits) }

    /// Close against open in percent, rounded half-even to four decimals; `nil` when the open is zero.
    public var percentChange: Decimal64? {
        guard let difference = try? self.close.subtracting(self.open),
            let hundred = try? difference.multiplied(by: Decimal64(100))
        else { return nil }
        return try? hundred.divided(by: self.open.magnitude, decimals: 4)
    }
}
