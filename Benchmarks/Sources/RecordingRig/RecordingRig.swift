import Foundation
import Logging
public import Postgres
public import Store

/// A recorder with its journal and its candles, as the service runs them, on the database of `DATABASE_URL`.
public struct RecordingRig: Sendable {
    /// The database.
    public let client: PostgresClient
    /// What is measured.
    public let recorder: Recorder
    /// Candles over a connection of their own.
    public let candles: CandleWriter
    private let journal: Journal
    private let folder: URL
    private let running: [Task<Void, any Error>]

    /// Brings the schema up to date and starts recorder and candles.
    ///
    /// - Parameters:
    ///   - name: Names the journal's temporary folder.
    ///   - migrations: The folder of migrations.
    ///   - settings: The recorder's batches.
    ///   - hasCandles: Whether candles are kept of what is recorded.
    /// - Throws: What opening the database or the journal throws.
    public init(
        _ name: String, migrations: String, settings: RecorderSettings = RecorderSettings(), hasCandles: Bool = true
    ) async throws {
        var logger = Logger(label: name)
        logger.logLevel = .warning
        self.client = PostgresClient(
            PostgresSettings(ProcessInfo.processInfo.environment["DATABASE_URL"] ?? ""), logger: logger)
        try await Migrator(client: self.client, directory: migrations).up()
        self.folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(name)-\(getpid())")
        self.journal = try Journal(JournalSettings(directory: self.folder.path), logger: logger)
        let catalog = SymbolCatalog(client: self.client)
        let candles = CandleWriter(client: self.client, catalog: catalog, journal: self.journal.id, logger: logger)
        let recorder = Recorder(
            client: self.client, catalog: catalog, journal: self.journal, candles: hasCandles ? candles : nil,
            settings: settings, logger: logger)
        self.candles = candles
        self.recorder = recorder
        self.running = [Task { try await candles.run() }, Task { try await recorder.run() }]
    }

    /// Stops the recorder, then the candles, and removes the journal.
    public func finish() async throws {
        for task in self.running.reversed() {
            task.cancel()
            try await task.value
        }
        self.journal.close()
        try FileManager.default.removeItem(at: self.folder)
    }

    /// The number that the command line names second, and the folder of migrations that it names first; ends the program with a
    /// word about its use when they are missing.
    public static func arguments(_ usage: String, otherwise count: Int) -> (migrations: String, count: Int) {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2, let count = arguments.count > 2 ? Int(arguments[2]) : count else {
            FileHandle.standardError.write(Data("Usage: \(usage)\n".utf8))
            exit(64)
        }
        return (arguments[1], count)
    }
}
