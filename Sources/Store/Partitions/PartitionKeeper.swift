public import Logging
public import Postgres

/// Drops ticks that are no longer wanted, and packs days that are over: a whole partition at a time.
public struct PartitionKeeper: Sendable {
    /// What one pass did.
    public struct Report: Sendable, Hashable {
        /// Partitions that were dropped, by name.
        public var dropped: [String] = []
        /// Partitions of days that are over which were frozen and analysed, by name.
        public var packed: [String] = []
        /// Whether another process was at it: then nothing was done.
        public var wasSkipped = false

        /// Nothing done.
        public init() {}
    }

    /// Works through `client`.
    ///
    /// - Parameters:
    ///   - client: The database; a pass takes one connection outside the pool.
    ///   - retention: What is kept.
    ///   - interval: The time between passes.
    ///   - clock: Measures it.
    ///   - logger: Hears what was dropped, and of trouble.
    public init(
        client: PostgresClient, retention: Retention, interval: Duration = .seconds(3600),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {}

    /// Does what is due now; at once when there is nothing.
    ///
    /// - Throws: ``PostgresError``; what was done before stays done, the next pass goes on.
    public func pass() async throws -> Report { Report() }

    /// Passes now and every `interval` until the task is cancelled; trouble is logged and tried again next time.
    public func run() async {}
}
