/// How often candles are written, and how many wait at most.
public struct CandleWriterSettings: Sendable {
    /// The time between writes; default 1 s.
    public var flushInterval: Duration
    /// Bars of a second that wait for the database at most; default 200 000, about 60 MB.
    ///
    /// Beyond it ``CandleWriter/add(_:through:)`` waits: the trades stay in the journal.
    public var barsMax: Int
    /// How long a cancelled writer goes on writing what waits; default 3 s.
    ///
    /// What does not get written in it is mended at the next start.
    public var stopTimeout: Duration

    /// Makes settings; without arguments the defaults.
    public init(
        flushInterval: Duration = .seconds(1), barsMax: Int = 200_000, stopTimeout: Duration = .seconds(3)
    ) {
        self.flushInterval = max(flushInterval, .milliseconds(1))
        self.barsMax = max(barsMax, 1)
        self.stopTimeout = stopTimeout
    }
}

/// What a candle writer has done since it was made.
public struct CandleWriterCounters: Sendable, Hashable {
    /// Rows of `candles` that were inserted or updated, of all intervals.
    public var barsWritten: Int64 = 0
    /// Transactions that were committed.
    public var flushes: Int64 = 0
    /// Trades that were in no candle when the writer started or found itself overtaken, and were added from the table.
    public var tradesMended: Int64 = 0
    /// Bars of a second that wait for the database or are on their way to it.
    public var pendingBars: Int64 = 0
    /// Trades given to the writer whose candles are in the table.
    public var tradesWritten: Int64 = 0
    /// The newest error; `nil` when the newest write went well.
    public var lastError: String?

    /// Nothing done.
    public init() {}
}
