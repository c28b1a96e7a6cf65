public import Postgres

/// How much of each journal is in the database.
public struct JournalPositions: Sendable {
    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// The positions of a journal's streams in the database; 0 for a journal that it does not know.
    public func load(_ journal: String) async throws -> [JournalStream: Int64] {
        var positions: [JournalStream: Int64] = [.trades: 0, .quotes: 0]
        let rows = try await self.client.query(
            "SELECT consumer, position FROM journal_positions WHERE journal = $1::uuid", [.text(journal)])
        for row in rows {
            if let stream = JournalStream(rawValue: try row.text(0)) { positions[stream] = try row.integer(1) }
        }
        return positions
    }

    /// Makes sure that the database counts no tick of `journal` as done that is still to come.
    ///
    /// It would when the journal's folder is an older copy of what the database knows: then the journal gets a new id. Call
    /// before anything is recorded.
    ///
    /// - Returns: The journal's positions.
    /// - Throws: ``PostgresError`` or ``JournalError``.
    public func reconcile(_ journal: Journal) async throws -> [JournalStream: Int64] {
        let known = try await self.load(journal.id)
        let held = Dictionary(uniqueKeysWithValues: JournalStream.allCases.map { ($0, journal.endAtOpening(of: $0)) })
        guard known.contains(where: { $0.value > held[$0.key, default: 0] }) else { return known }
        let id = try journal.renew()
        let positions = known.merging(held) { min($0, $1) }
        try await self.client.query(
            """
            INSERT INTO journal_positions (journal, consumer, position)
            VALUES ($1::uuid, 'trades', $2), ($1::uuid, 'quotes', $3), ($1::uuid, 'candles', $2)
            ON CONFLICT DO NOTHING
            """,
            [.text(id), .integer(positions[.trades, default: 0]), .integer(positions[.quotes, default: 0])]
        )
        return positions
    }
}
