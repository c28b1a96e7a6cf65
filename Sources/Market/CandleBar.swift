/// What some trades of one bucket add to its candle: exact, and in whatever order they came.
public struct CandleBar: Sendable {
    /// The bucket's first instant, in microseconds since the Unix epoch.
    public internal(set) var start: Int64
    /// The first trade.
    public private(set) var open: TradePlace
    /// The last trade.
    public private(set) var close: TradePlace
    /// The highest price.
    public private(set) var high: Decimal64
    /// The lowest price.
    public private(set) var low: Decimal64
    /// The sum of the sizes; a trade without a size counts as nothing.
    public private(set) var volume = ExactSum()
    /// The sum of price × size: divided by the volume it is the VWAP.
    public private(set) var turnover = ExactSum()
    /// How many trades.
    public private(set) var tradeCount: Int64 = 1

    /// The bar of one trade.
    @inline(__always)
    public init(start: Int64, place: TradePlace, size: Decimal64?) {
        self.start = start
        self.open = place
        self.close = place
        self.high = place.price
        self.low = place.price
        if let size {
            self.volume.add(size)
            self.turnover.addProduct(place.price, size)
        }
    }

    /// A bar that was stored.
    ///
    /// - Parameters:
    ///   - start: The bucket's first instant, in microseconds since the Unix epoch.
    ///   - open: The first trade.
    ///   - close: The last trade.
    ///   - high: The highest price.
    ///   - low: The lowest price.
    ///   - volume: The sum of the sizes.
    ///   - turnover: The sum of price × size.
    ///   - tradeCount: How many trades.
    public init(
        start: Int64, open: TradePlace, close: TradePlace, high: Decimal64, low: Decimal64, volume: ExactSum,
        turnover: ExactSum, tradeCount: Int64
    ) {
        self.start = start
        self.open = open
        self.close = close
        self.high = high
        self.low = low
        self.volume = volume
        self.turnover = turnover
        self.tradeCount = tradeCount
    }

    /// Adds a trade.
    @inline(__always)
    public mutating func add(_ place: TradePlace, size: Decimal64?) {
        if place < self.open { self.open = place }
        if self.close < place { self.close = place }
        if self.high < place.price { self.high = place.price }
        if place.price < self.low { self.low = place.price }
        if let size {
            self.volume.add(size)
            self.turnover.addProduct(place.price, size)
        }
        self.tradeCount += 1
    }

    /// Adds the trades of another bar.
    public mutating func merge(_ other: CandleBar) {
        if other.open < self.open { self.open = other.open }
        if self.close < other.close { self.close = other.close }
        if self.high < other.high { self.high = other.high }
        if other.low < self.low { self.low = other.low }
        self.volume.add(other.volume)
        self.turnover.add(other.turnover)
        self.tradeCount += other.tradeCount
    }
}

/// The bars of one symbol, venue and interval, the earliest first.
public struct CandleSeries: Sendable {
    /// The instrument.
    public let symbol: Symbol
    /// Where it traded.
    public let venue: Venue
    /// The bars' length.
    public let interval: CandleInterval
    /// One a bucket.
    public let bars: [CandleBar]
}
