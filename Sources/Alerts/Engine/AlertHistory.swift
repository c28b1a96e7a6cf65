public import Market

/// What happened on a stream before the evaluator saw it: what its windows are filled from.
public struct AlertHistory: Hashable, Sendable {
    /// A stretch of time with its prices and volume, as a stored candle has them.
    public struct Bar: Hashable, Sendable {
        /// The first instant.
        public var start: Timestamp
        /// From the first instant to the end, which is excluded.
        public var length: Duration
        /// The first price.
        public var open: Decimal64
        /// The highest price.
        public var high: Decimal64
        /// The lowest price.
        public var low: Decimal64
        /// The last price.
        public var close: Decimal64
        /// The sum of the sizes; zero where the venue names none.
        public var volume: Decimal64

        /// Makes a bar from its parts.
        public init(
            start: Timestamp, length: Duration, open: Decimal64, high: Decimal64, low: Decimal64, close: Decimal64,
            volume: Decimal64
        ) {
            self.start = start
            self.length = length
            self.open = open
            self.high = high
            self.low = low
            self.close = close
            self.volume = volume
        }
    }

    /// The instrument.
    public var symbol: Symbol
    /// Where it traded.
    public var venue: Venue
    /// Whether the venue is the symbol's primary one: then alerts without a venue take it too.
    public var isPrimary: Bool
    /// The newest price; `nil` when none is known.
    public var lastPrice: Decimal64?
    /// When the newest trade or quote arrived: silence counts from it.
    public var lastTime: Timestamp?
    /// What moves `today` are measured from: the previous official close of a stock, else the first price after UTC midnight.
    public var dayReference: Decimal64?
    /// When the reference was traded.
    public var dayReferenceTime: Timestamp?
    /// The bars, oldest first, without overlap; only those that began before the evaluator saw the stream are taken.
    public var bars: [Bar]
    /// Since when nothing is missing, up to ``lastTime``; `nil` when that is not known.
    public var completeSince: Timestamp?

    /// Makes a history from its parts.
    public init(
        symbol: Symbol, venue: Venue, isPrimary: Bool = true, lastPrice: Decimal64? = nil, lastTime: Timestamp? = nil,
        dayReference: Decimal64? = nil, dayReferenceTime: Timestamp? = nil, bars: [Bar] = [],
        completeSince: Timestamp? = nil
    ) {
        self.symbol = symbol
        self.venue = venue
        self.isPrimary = isPrimary
        self.lastPrice = lastPrice
        self.lastTime = lastTime
        self.dayReference = dayReference
        self.dayReferenceTime = dayReferenceTime
        self.bars = bars
        self.completeSince = completeSince
    }
}
