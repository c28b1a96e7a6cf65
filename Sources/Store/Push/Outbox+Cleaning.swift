import Postgres

extension Outbox {
    /// For how long finished deliveries are kept, to be looked at and replayed.
    public struct Keeping: Hashable, Sendable {
        /// What was taken, ran out, was replaced or was not to be sent.
        public var finished: Duration
        /// What was given up: dead letters.
        public var dead: Duration

        /// Makes times; what is not given is the standard, 30 and 90 days.
        public init(finished: Duration = .seconds(30 * 86_400), dead: Duration = .seconds(90 * 86_400)) {
            self.finished = finished
            self.dead = dead
        }
    }

    /// Deletes finished deliveries that have been kept long enough, the oldest first.
    ///
    /// Several processes may do it at once: each takes rows that no other has, and none waits for another.
    ///
    /// - Parameters:
    ///   - keeping: How long they are kept.
    ///   - limit: How many at most, so that the statement is short.
    /// - Returns: How many were deleted; fewer than `limit` means that there are no more.
    /// - Throws: `PostgresError`.
    public func deleteFinished(_ keeping: Keeping, limit: Int) async throws -> Int {
        let statement = { (condition: String, age: Duration, limit: Int) async throws -> Int in
            try await self.client.query(
                """
                DELETE FROM deliveries WHERE id IN (
                    SELECT id FROM deliveries
                    WHERE \(condition) AND finished_at < now() - $1::bigint * interval '1 millisecond'
                    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
                )
                """, [.integer(age.milliseconds), .integer(Int64(max(0, limit)))]
            ).affectedRows
        }
        try await self.client.query("DELETE FROM alert_shown WHERE shown_at < now() - interval '1 hour'")
        try await self.client.query("DELETE FROM alert_listeners WHERE until < now() - interval '1 hour'")
        let count = try await statement("finished_at IS NOT NULL AND state <> 'dead'", keeping.finished, limit)
        if count == limit { return count }
        return try await count + statement("state = 'dead'", keeping.dead, limit - count)
    }
}
