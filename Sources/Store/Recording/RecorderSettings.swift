/// How a recorder batches.
public struct RecorderSettings: Sendable {
    /// Ticks in a batch at most; default 5 000, 1…100 000.
    public var batchTicksMax: Int
    /// Ticks in a batch at most while as many wait, after an outage: fewer commits; default 20 000, ``batchTicksMax``…100 000.
    public var catchUpTicksMax: Int
    /// How long a tick waits for its batch to fill; default 100 ms.
    public var batchWait: Duration
    /// How long a cancelled recorder goes on writing what waits; default 3 s.
    ///
    /// What is left then stays in the journal for the next run.
    public var stopTimeout: Duration

    /// Makes settings; without arguments the defaults.
    public init(
        batchTicksMax: Int = 5_000, catchUpTicksMax: Int = 20_000, batchWait: Duration = .milliseconds(100),
        stopTimeout: Duration = .seconds(3)
    ) {
        self.batchTicksMax = min(max(batchTicksMax, 1), 100_000)
        self.catchUpTicksMax = min(max(catchUpTicksMax, self.batchTicksMax), 100_000)
        self.batchWait = batchWait
        self.stopTimeout = stopTimeout
    }
}

/// What a recorder has done since it was made.
public struct RecorderCounters: Sendable, Hashable {
    /// Ticks given to the recorder.
    public var received: Int64 = 0
    /// Ticks that an earlier run left in the journal.
    public var resumed: Int64 = 0
    /// Ticks that are in `trades` or `quotes` because of it.
    public var recorded: Int64 = 0
    /// Trades that were in the database already.
    public var duplicates: Int64 = 0
    /// Ticks that PostgreSQL refused; they are in `quarantined_ticks`.
    public var quarantined: Int64 = 0
    /// Ticks that the journal had to give up or that were damaged in it; they are in `recording_losses`.
    public var lost: Int64 = 0
    /// Batches committed.
    public var batches: Int64 = 0
    /// The newest error; `nil` when the newest batch went well.
    public var lastError: String?

    /// Ticks that wait for the database or are on their way to it.
    public var pending: Int64 {
        max(0, self.received + self.resumed - self.recorded - self.duplicates - self.quarantined - self.lost)
    }

    /// Nothing done.
    public init() {}
}
