import Market
public import Postgres

/// Reads what was recorded: candles, ticks, and how much there is.
///
/// Each call sees one moment of the database, and streams: memory does not grow with what is read.
public struct History: Sendable {
    /// Ticks are read along their index: the first rows come at once, and the order costs nothing.
    ///
    /// What is switched off counts as dear, and dear statements would first be compiled (JIT), which takes half a second.
    static let begin = """
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; \
        SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0
        """

    let client: PostgresClient
    let catalog: SymbolCatalog

    /// Reads through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog) {
        self.client = client
        self.catalog = catalog
    }

    /// Runs `body` in a transaction that sees one moment of the database.
    func reading<Value: Sendable>(_ body: (PostgresConnection) async throws -> Value) async throws -> Value {
        try await self.client.withConnection { connection in
            try await connection.execute(Self.begin)
            let value = try await body(connection)
            try await connection.execute("COMMIT")
            return value
        }
    }

    /// The ids of a symbol and a venue that were recorded.
    ///
    /// - Throws: ``StoreError`` about an unknown name or a range without anything in it.
    func ids(
        _ symbol: Symbol, _ venue: Venue?, since: Timestamp?, until: Timestamp?
    ) async throws -> (symbol: Int32, venue: Int16?) {
        if let since, let until, since >= until {
            throw StoreError.invalidRange(
                "The time span from \(since) to \(until) is empty. Let it end after its start.")
        }
        let symbolID = try await self.catalog.id(of: symbol)
        guard let venue else { return (symbolID, nil) }
        return (symbolID, try await self.catalog.id(of: venue))
    }
}
