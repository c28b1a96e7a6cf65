import Foundation
import Logging
import Market
import Postgres
import Store
import Testing

/// A migrated database of its own, with what works on it.
struct TestStore: Sendable {
    /// The repository's folder of migrations.
    static let migrations = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Migrations"

    let settings: PostgresSettings
    let client: PostgresClient
    let catalog: SymbolCatalog

    var history: History { History(client: self.client, catalog: self.catalog) }

    static func with<Value: Sendable>(_ body: (TestStore) async throws -> Value) async throws -> Value {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, logger: TestServer.logger)
            defer { client.close() }
            try await Migrator(client: client, directory: Self.migrations).up()
            return try await body(
                TestStore(settings: settings, client: client, catalog: SymbolCatalog(client: client))
            )
        }
    }

    /// Runs a recorder on a journal of its own, or on the one in `directory`, while `body` works with it, then stops it.
    func recording<Value: Sendable>(
        _ settings: RecorderSettings = RecorderSettings(batchWait: .milliseconds(5)), journal directory: String? = nil,
        _ body: (Recorder) async throws -> Value
    ) async throws -> Value {
        try await TemporaryFolder.with { folder in
            let journal = try Journal(JournalSettings(directory: directory ?? folder), logger: TestServer.logger)
            defer { journal.close() }
            let recorder = Recorder(
                client: self.client, catalog: self.catalog, journal: journal, settings: settings,
                logger: TestServer.logger
            )
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await recorder.run() }
                let value = try await body(recorder)
                group.cancelAll()
                try await group.waitForAll()
                return value
            }
        }
    }

    /// The one number that a statement gives.
    func number(_ sql: String) async throws -> Int64 { try await self.client.number(sql) }

    /// Ends every connection to the database but the one that asks, as a restart of the server does.
    func killConnections() async throws {
        try await self.client.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    }
}

extension Trade {
    /// Trades of a few symbols over a stretch of time, with ids from `firstID`.
    static func random(
        count: Int, firstID: Int = 1, from start: Timestamp, seconds: Int64 = 600,
        using random: inout some RandomNumberGenerator
    ) throws -> [Trade] {
        let symbols = try ["BTC-USD", "ETH-USD", "AAPL"].map { try Symbol($0) }
        let venues = try ["coinbase", "kraken"].map { try Venue($0) }
        return try (0..<count).map { index in
            let time = start.advanced(byNanoseconds: Int64.random(in: 0..<seconds * 1_000_000, using: &random) * 1_000)
            return Trade(
                symbol: symbols.randomElement(using: &random) ?? symbols[0],
                venue: venues.randomElement(using: &random) ?? venues[0],
                price: try Decimal64(
                    mantissa: Int64.random(in: 1...10_000_000, using: &random),
                    exponent: -Int.random(in: 0...6, using: &random)
                ),
                size: try Decimal64(
                    mantissa: Int64.random(in: 1...1_000_000, using: &random),
                    exponent: -Int.random(in: 0...9, using: &random)
                ),
                side: [.buy, .sell, .unknown].randomElement(using: &random) ?? .buy, id: "\(firstID + index)",
                eventTime: time, receivedTime: time.advanced(byNanoseconds: 5_000_000),
                venueSequence: index % 3 == 0 ? nil : Int64(firstID + index)
            )
        }
    }
}

/// An instant from ISO 8601 text.
func time(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

/// A number from its digits.
func decimal(_ text: String) throws -> Decimal64 { try #require(Decimal64(text)) }

/// A folder that is gone after the test.
enum TemporaryFolder {
    static func with<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("tickwire-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer {
            // Left behind it does no harm.
            try? FileManager.default.removeItem(at: url)
        }
        return try await body(url.path)
    }
}
