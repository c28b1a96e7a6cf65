public import Market
public import Postgres

/// Brings ticks of a CSV file into the tables: all of them, or none.
///
/// The file is streamed into a staging table and moved in one transaction, whose line in `recorded_batches` tells followers.
/// Ticks that are in the tables already stay as they are: trades by their id, quotes by all their columns.
public struct TickImport: Sendable {
    /// What to do about trades without an id that look like trades in the table: of one time, price, size and side.
    public enum Lookalikes: Sendable, Hashable {
        /// Import nothing.
        case refuse
        /// Take them for known.
        case skip
        /// Import them: they are other trades.
        case add
    }

    /// A file may span so many days: each has a partition.
    static let daysMax = 5_000

    private let client: PostgresClient
    private let symbol: Symbol?
    private let venue: Venue?
    private let lookalikes: Lookalikes

    /// Makes an import.
    ///
    /// - Parameters:
    ///   - client: The database.
    ///   - symbol: The symbol of all ticks, where no column says it.
    ///   - venue: The venue of all ticks, where no column says it.
    ///   - lookalikes: What to do about trades without an id that seem to be known.
    public init(client: PostgresClient, symbol: Symbol? = nil, venue: Venue? = nil, lookalikes: Lookalikes = .refuse) {
        self.client = client
        self.symbol = symbol
        self.venue = venue
        self.lookalikes = lookalikes
    }

    /// Reads a file to its end and moves its ticks into the tables.
    ///
    /// - Parameters:
    ///   - pieces: The file's bytes, cut anywhere.
    ///   - now: The receive time of ticks whose own is not in the file.
    ///   - progress: Called now and then with how many ticks were read and the time of the last one.
    /// - Returns: What was new.
    /// - Throws: ``ImportError`` for a bad file, ``PostgresError``, or what `pieces` throws; then nothing was imported.
    public func run<Pieces: AsyncSequence>(
        _ pieces: Pieces, now: Timestamp, progress: (Int, Timestamp) -> Void = { _, _ in }
    ) async throws -> ImportSummary where Pieces.Element == [UInt8] {
        try await self.client.withTransaction { connection in
            var staging = ImportStaging(connection: connection)
            try await staging.begin()
            var reader = CSVReader()
            var csv: TickCSV?
            let take: (CSVReader.Record) throws -> Void = { record in
                guard csv != nil else {
                    csv = try TickCSV(record, symbol: self.symbol, venue: self.venue, now: now)
                    return
                }
                if let tick = try csv?.tick(record) { try staging.add(tick, line: record.line) }
            }
            var reported = 0
            for try await piece in pieces {
                try reader.read(piece, take)
                try await staging.send()
                if staging.count > reported {
                    progress(staging.count - reported, staging.lastTime)
                    reported = staging.count
                }
            }
            try reader.finish(take)
            try await staging.send(all: true)
            guard let csv else {
                throw ImportError(
                    line: nil, column: nil, name: nil, value: "the file is empty",
                    expected: "a first line that names the columns, for example time,price,size,side,id")
            }
            // Partitions are made in transactions of their own, so that no recorder waits for this one.
            try await self.createDays(staging.days.sorted())
            var summary = try await staging.move(self.lookalikes)
            summary.ignoredColumns = csv.ignored
            return summary
        }
    }

    private func createDays(_ days: [CivilDay]) async throws {
        guard days.count <= Self.daysMax else {
            throw ImportError(
                line: nil, column: nil, name: nil, value: "ticks of \(days.count) days",
                expected: "at most \(Self.daysMax) in one file; check the times, or split the file")
        }
        for day in days {
            try await self.client.withConnection { connection in
                try await connection.withSession { session in try DayPartition.create(day, session) }
            }
        }
    }
}
