public import Alerts
public import Market
import Postgres

extension AlertStore {
    /// A page of alerts by id; paused, spent and expired ones too.
    ///
    /// - Parameters:
    ///   - user: Only this user's; `nil` for everybody's.
    ///   - symbol: Only those on it.
    ///   - after: Only those with a greater id.
    ///   - limit: How many at most.
    /// - Returns: The alerts, fewer than `limit` at the end.
    /// - Throws: ``PostgresError``.
    public func list(user: String?, symbol: Symbol?, after: Int64, limit: Int) async throws -> [Alert] {
        let rows = try await self.client.query(
            """
            \(AlertRow.selection)
            AND ($1::text IS NULL OR alerts.owner = $1) AND ($2::text IS NULL OR symbols.name = $2) AND alerts.id > $3
            ORDER BY alerts.id LIMIT $4
            """,
            [.optional(user), .optional(symbol?.name), .integer(after), .integer(Int64(max(0, limit)))]
        )
        return try rows.map { try AlertRow.alert($0) }
    }
}
