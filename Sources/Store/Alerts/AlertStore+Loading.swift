public import Alerts
public import Market
import Postgres

extension AlertStore {
    /// Reads all alerts that can still fire in pages, with their states: what an evaluator starts from.
    ///
    /// Memory holds one page, however many alerts there are. Alerts that are changed meanwhile may be read before or after the
    /// change: who listens to ``changesChannel`` from before hears of it.
    ///
    /// - Parameters:
    ///   - now: Alerts that expired more than a day before it are left out.
    ///   - pageSize: Alerts in a page at most.
    ///   - body: Gets each page; the next one is read when it returns.
    /// - Throws: ``PostgresError`` or what `body` throws.
    public func forEachArmed(
        now: Timestamp, pageSize: Int = 5_000, _ body: (AlertPage) async throws -> Void
    ) async throws {
        let day: Int64 = 86_400_000_000_000
        let oldest = now.advanced(byNanoseconds: -day)
        var last: Int64 = .min
        // The end of a page first: knowing nothing of a table that was just filled, the planner would read and sort all of it for each.
        while let end = try await self.lastID(after: last, count: max(1, pageSize)) {
            let rows = try await self.client.query(
                """
                \(AlertRow.selection)
                AND alerts.id > $1 AND alerts.id <= $2
                AND alerts.pause IS NULL AND (alerts.expires_at IS NULL OR alerts.expires_at > $3)
                ORDER BY alerts.id
                """,
                [.integer(last), .integer(end), .timestamp(oldest)]
            )
            last = end
            var page = try Self.page(rows)
            page.entries.removeAll { $0.alert.isSpent }
            try await body(page)
        }
    }

    /// The id of the last of so many rows behind `id`, removed ones too; `nil` when there are none.
    private func lastID(after id: Int64, count: Int) async throws -> Int64? {
        let rows = try await self.client.query(
            "SELECT max(id) FROM (SELECT id FROM alerts WHERE id > $1 ORDER BY id LIMIT $2) AS page",
            [.integer(id), .integer(Int64(count))])
        return try rows.first?.optionalInteger(0)
    }

    /// All alerts that can still fire, with their states; see ``forEachArmed(now:pageSize:_:)`` for many.
    public func loadArmed() async throws -> [Alert] { try await self.list().filter { !$0.isSpent && $0.pause == nil } }

    /// The alerts with ids in the ranges that were not removed; paused, spent and expired ones too.
    ///
    /// Id by id along the index, whatever the planner thinks of a table that it has not looked at: ask for some thousands at once.
    ///
    /// - Throws: ``PostgresError``.
    public func alerts(in ranges: [ClosedRange<Int64>]) async throws -> AlertPage {
        if ranges.isEmpty { return AlertPage() }
        let rows = try await self.client.query(
            "\(AlertRow.selection) AND alerts.id = ANY ($1::bigint[]) ORDER BY alerts.id",
            [.array(ranges.flatMap { $0.map { String($0) } })]
        )
        return try Self.page(rows)
    }

    private static func page(_ rows: PostgresRows) throws(PostgresError) -> AlertPage {
        var page = AlertPage()
        page.entries.reserveCapacity(rows.count)
        for row in rows {
            do throws(PostgresError) {
                page.entries.append(
                    AlertPage.Entry(alert: try AlertRow.alert(row), changedAt: try AlertRow.changedAt(row)))
            } catch .unexpectedValue(let column, let value, let expected) {
                let reason = PostgresError.unexpectedValue(column: column, value: value, expected: expected)
                page.unreadable.append((try row.integer(0), "\(reason)"))
            }
        }
        return page
    }
}
