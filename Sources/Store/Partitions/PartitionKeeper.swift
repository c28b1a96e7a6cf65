public import Logging
import Market
public import Postgres

/// The hourly upkeep of what is recorded: drops days that are no longer wanted and packs those that are over, a whole
/// partition at a time, and mends candles that lack trades.
public struct PartitionKeeper: Sendable {
    /// What one pass did.
    public struct Report: Sendable, Hashable {
        /// Partitions that were dropped, by name.
        public var dropped: [String] = []
        /// Partitions of days that are over which were frozen and analysed, by name.
        public var packed: [String] = []
        /// Trades that candles lacked and were added.
        public var tradesMended = 0
        /// Whether another process was at it: then nothing was done.
        public var wasSkipped = false

        /// Nothing done.
        public init() {}
    }

    /// The comment on a partition that is packed.
    private static let packedComment = "tickwire: packed"

    private let client: PostgresClient
    private let catalog: SymbolCatalog
    private let retention: Retention
    private let interval: Duration
    private let clock: any Clock<Duration>
    private let logger: Logger

    /// Works through `client`.
    ///
    /// - Parameters:
    ///   - client: The database; a pass takes one connection outside the pool.
    ///   - catalog: The ids of symbols and venues.
    ///   - retention: What is kept.
    ///   - interval: The time between passes.
    ///   - clock: Measures it.
    ///   - logger: Hears what was dropped, and of trouble.
    public init(
        client: PostgresClient, catalog: SymbolCatalog, retention: Retention = Retention(),
        interval: Duration = .seconds(3600), clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.client = client
        self.catalog = catalog
        self.retention = retention
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    /// Passes now and every `interval` until the task is cancelled; trouble is logged and tried again next time.
    public func run() async {
        while !Task.isCancelled {
            do {
                _ = try await self.pass()
            } catch {
                if Task.isCancelled { return }
                self.logger.warning(
                    "Upkeep of partitions failed, it goes on next time", metadata: ["error": "\(error)"])
            }
            // A cancelled sleep ends the loop.
            try? await self.clock.sleep(for: self.interval)
        }
    }

    /// Does what is due now.
    ///
    /// Never touches today's partitions, nor those of coming days. Waits for who reads a partition that is to go; recording and
    /// reading of other days go on meanwhile.
    ///
    /// - Returns: What was done.
    /// - Throws: ``PostgresError``; what was done before stays done, the next pass goes on where this one ended.
    public func pass() async throws -> Report {
        let connection = try await self.client.connect()
        defer { connection.close() }
        // The lock goes with the connection.
        guard try await connection.query("SELECT pg_try_advisory_lock(8104733, 3)")[0].boolean(0) else {
            var report = Report()
            report.wasSkipped = true
            return report
        }
        var report = Report()
        // First of all: a trade that is dropped can no longer be added.
        let builder = CandleBuilder(client: self.client, catalog: self.catalog, logger: self.logger)
        report.tradesMended = try await builder.mend()
        try await builder.forgetBatches()
        let clock = try await connection.query(
            "SELECT (now() AT TIME ZONE 'UTC')::date::text, ((now() - interval '1 hour') AT TIME ZONE 'UTC')::date::text"
        )
        guard let today = CivilDay(try clock[0].text(0)), let packedBefore = CivilDay(try clock[0].text(1)) else {
            throw clock[0].unexpected(0, "a date")
        }
        for stream in DayPartition.Stream.allCases {
            try await self.drop(stream, today, connection, &report)
        }
        // As autovacuum does: recording comes first.
        try await connection.execute("SET vacuum_cost_delay = '2ms'")
        for stream in DayPartition.Stream.allCases {
            for partition in try await DayPartition.all(stream, connection)
            where partition.attachment == .attached && partition.day < packedBefore
                && partition.comment != Self.packedComment
            {
                try await self.pack(partition, connection)
                report.packed.append(partition.name)
            }
        }
        return report
    }

    // MARK: Dropping

    private func drop(
        _ stream: DayPartition.Stream, _ today: CivilDay, _ connection: PostgresConnection, _ report: inout Report
    ) async throws {
        let days =
            switch stream {
            case .trades: self.retention.tradeDays
            case .quotes: self.retention.quoteDays
            }
        let firstKept = days.map { today.advanced(by: -$0) }
        for partition in try await DayPartition.all(stream, connection) {
            let isOver = firstKept.map { partition.day < $0 } ?? false
            switch partition.attachment {
            case .attached where isOver:
                try await self.remember(partition, connection)
                try await connection.execute(
                    "ALTER TABLE \(stream.rawValue) DETACH PARTITION \(partition.name) CONCURRENTLY"
                )
            case .detaching where partition.day < today:
                // Nobody can use a table in this state; who broke it off meant to drop it.
                try await connection.execute(
                    "ALTER TABLE \(stream.rawValue) DETACH PARTITION \(partition.name) FINALIZE")
            case .detached: break
            case .attached, .detaching: continue
            }
            // A table that somebody else detached is theirs.
            guard try await self.isRemembered(partition, connection) else { continue }
            try await connection.execute("DROP TABLE \(partition.name)")
            report.dropped.append(partition.name)
            self.logger.info("Ticks of a day were dropped", metadata: ["partition": "\(partition.name)"])
        }
    }

    /// Before anything else: a pass that is broken off is continued by this, and candles are not rebuilt from what is left.
    private func remember(_ partition: DayPartition, _ connection: PostgresConnection) async throws {
        try await connection.query(
            """
            INSERT INTO dropped_days (stream, day) VALUES ($1, $2::date)
            ON CONFLICT (stream, day) DO UPDATE SET dropped_at = now()
            """,
            [.text(partition.stream.rawValue), .text(partition.day.description)]
        )
    }

    private func isRemembered(_ partition: DayPartition, _ connection: PostgresConnection) async throws -> Bool {
        try await connection.query(
            "SELECT FROM dropped_days WHERE stream = $1 AND day = $2::date",
            [.text(partition.stream.rawValue), .text(partition.day.description)]
        ).count == 1
    }

    // MARK: Packing

    /// Freezes the rows for good, so that no later vacuum has to read them, and tells the planner what they are like.
    private func pack(_ partition: DayPartition, _ connection: PostgresConnection) async throws {
        try await connection.execute("VACUUM (FREEZE, ANALYZE) \(partition.name)")
        try await connection.execute("COMMENT ON TABLE \(partition.name) IS '\(Self.packedComment)'")
    }
}
