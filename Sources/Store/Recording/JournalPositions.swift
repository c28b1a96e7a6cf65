public import Postgres

/// How much of each journal is in the database.
public struct JournalPositions: Sendable {
    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Makes sure that the database counts no tick of `journal` as done that is still to come.
    ///
    /// It would when the journal's folder is an older copy of what the database knows: then the journal gets a new id. Call
    /// before anything is recorded.
    ///
    /// - Returns: How much of the journal is in the database.
    /// - Throws: ``PostgresError`` or ``JournalError``.
    public func reconcile(_ journal: Journal) async throws -> JournalPlace {
        let known = try JournalPlace(try await self.client.query(JournalPlace.statement, [.text(journal.id)]))
        let held = JournalPlace(trades: journal.endAtOpening(of: .trades), quotes: journal.endAtOpening(of: .quotes))
        if known.trades <= held.trades, known.quotes <= held.quotes { return known }
        let id = try journal.renew()
        let place = JournalPlace(
            trades: min(known.trades, held.trades), quotes: min(known.quotes, held.quotes))
        try await self.client.query(
            """
            INSERT INTO journal_positions (journal, consumer, position)
            VALUES ($1::uuid, 'trades', $2), ($1::uuid, 'quotes', $3), ($1::uuid, 'candles', $2)
            ON CONFLICT DO NOTHING
            """,
            [.text(id), .integer(place.trades), .integer(place.quotes)]
        )
        return place
    }
}
