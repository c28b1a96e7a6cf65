public import Logging
public import Market
public import Postgres

/// Keeps the table `candles` up to the trades that are recorded: each trade counts in its candles exactly once.
public final class CandleWriter: Sendable {
    /// Makes a writer; it connects when it runs.
    ///
    /// - Parameters:
    ///   - client: The database; the writer takes a connection outside the pool.
    ///   - catalog: Gives symbols and venues their ids; those of trades that are added exist already.
    ///   - journal: The UUID of the journal whose positions are given to ``add(_:through:)``.
    ///   - settings: Times and bounds.
    ///   - clock: Measures the time between writes, and the waits between attempts.
    ///   - logger: Hears of outages and of what was mended.
    public init(
        client: PostgresClient, catalog: SymbolCatalog, journal: String,
        settings: CandleWriterSettings = CandleWriterSettings(), clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger
    ) {}

    /// What has been done so far.
    public var counters: CandleWriterCounters { CandleWriterCounters() }

    /// Adds the trades that a committed batch inserted.
    ///
    /// Waits until the writer runs and has mended what an earlier process left, and while more than `barsMax` bars wait.
    ///
    /// - Parameters:
    ///   - trades: What was inserted, duplicates and refused trades left out; may be empty.
    ///   - position: The position of the stream of trades that the batch moved to, as in its row of `recorded_batches`.
    ///     Batches come in the order of their positions.
    public func add(_ trades: [Trade], through position: Int64) async {}

    /// Waits until everything added before is in the table.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when the writer has ended.
    public func flush() async throws {}

    /// Writes candles until the task is cancelled, then what still waits, for at most `stopTimeout`.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when it ran before, and errors that time does not mend.
    public func run() async throws {}
}
