import Market
import Postgres

/// What was recorded between two looks at the database: stretches of event time, and the transactions that wrote in them.
struct RecordedBatches {
    /// A stretch of event time, both ends included, and what its new rows carry as xmin.
    struct Stretch: Equatable {
        var from: Timestamp
        var to: Timestamp
        var transactions: [String]

        /// The condition that finds the new rows.
        ///
        /// A transaction's 32 bits come again after 4 billion transactions; within one stretch of event time they do not.
        var condition: String { " AND xmin = ANY ('{\(self.transactions.joined(separator: ","))}'::xid[])" }
    }

    /// Sorted by time, without overlaps: read one after the other they give the ticks in their order.
    private(set) var stretches: [Stretch] = []

    /// The batches that the connection's transaction sees and `snapshot`, an earlier one, did not.
    ///
    /// A recorder lists a batch in the transaction that writes it, so both become visible in the same moment. Below the
    /// snapshot's xmin everything was decided when it was taken.
    init(since snapshot: String, _ connection: PostgresConnection) async throws {
        let rows = try await connection.query(
            """
            SELECT from_time, to_time, array_to_string(xmins, ',') FROM recorded_batches
            WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
            ORDER BY from_time
            """, [.text(snapshot)])
        for row in rows {
            self.add(
                Stretch(
                    from: try row.timestamp(0), to: try row.timestamp(1),
                    transactions: try row.text(2).split(separator: ",").map(String.init)))
        }
    }

    /// Adds a stretch that does not begin before those added already.
    mutating func add(_ stretch: Stretch) {
        guard let last = self.stretches.last, stretch.from <= last.to else { return self.stretches.append(stretch) }
        self.stretches[self.stretches.count - 1].to = max(last.to, stretch.to)
        self.stretches[self.stretches.count - 1].transactions += stretch.transactions
    }

    /// No batches.
    init() {}
}
