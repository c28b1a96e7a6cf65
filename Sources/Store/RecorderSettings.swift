/// How a recorder batches and what it holds back.
public struct RecorderSettings: Sendable {
    /// Ticks in a batch at most; default 5 000, 1…100 000.
    public var batchTicksMax: Int
    /// How long a tick waits for its batch to fill; default 100 ms.
    public var batchWait: Duration
    /// Ticks that wait for the database at most; default 1 000 000.
    ///
    /// Beyond it the oldest quotes go first, then the oldest
    /// trades; each is counted and logged.
    public var queueTicksMax: Int
    /// How long a cancelled recorder goes on writing what waits; default 3 s.
    public var stopTimeout: Duration

    /// Makes settings; without arguments the defaults.
    public init(
        batchTicksMax: Int = 5_000, batchWait: Duration = .milliseconds(100), queueTicksMax: Int = 1_000_000,
        stopTimeout: Duration = .seconds(3)
    ) {
        self.batchTicksMax = min(max(batchTicksMax, 1), 100_000)
        self.batchWait = batchWait
        self.queueTicksMax = max(queueTicksMax, 1)
        self.stopTimeout = stopTimeout
    }
}

/// What a recorder has done since it was made.
///
/// Ticks received = recorded + duplicates + quarantined + dropped + pending.
public struct RecorderCounters: Sendable, Hashable {
    /// Ticks given to the recorder.
    public var received: Int64 = 0
    /// Ticks that are in `trades` or `quotes` because of it.
    public var recorded: Int64 = 0
    /// Trades that were in the database already.
    public var duplicates: Int64 = 0
    /// Ticks that PostgreSQL refused; they are in `quarantined_ticks`.
    public var quarantined: Int64 = 0
    /// Ticks lost because the queue was full, or because the database stayed away until the recorder had to stop.
    public var dropped: Int64 = 0
    /// Ticks that wait for the database or are on their way to it.
    public var pending: Int64 = 0
    /// Batches committed.
    public var batches: Int64 = 0
    /// The newest error; `nil` when the newest batch went well.
    public var lastError: String?

    /// Nothing done.
    public init() {}
}
