import Market
import Postgres

extension Outbox {
    /// How many deliveries are in which state.
    public func counts() async throws -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for row in try await self.client.query("SELECT state, count(*) FROM deliveries GROUP BY state") {
            counts[try row.text(0)] = try row.integer(1)
        }
        return counts
    }

    /// How every lane is that has or had deliveries, or that a worker has, by name.
    public func laneStatus() async throws -> [LaneStatus] {
        try await self.client.query(
            """
            WITH kept AS (
                SELECT lane, count(*) FILTER (WHERE state = 'ready') AS waiting,
                       min(created_at) FILTER (WHERE state = 'ready') AS oldest,
                       count(*) FILTER (WHERE state = 'leased') AS leased,
                       count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'dead') AS dead,
                       count(*) FILTER (WHERE state = 'expired') AS expired
                FROM deliveries GROUP BY lane
            ), live AS (
                SELECT lane, max(breaker) FILTER (WHERE updated_at > now() - interval '30 seconds') AS breaker,
                       max(breaker_reason) FILTER (WHERE updated_at > now() - interval '30 seconds') AS reason,
                       sum(retried) FILTER (WHERE updated_at > now() - interval '30 seconds') AS retried,
                       (array_agg(last_error ORDER BY last_error_at DESC NULLS LAST))[1] AS last_error,
                       max(last_error_at) AS last_error_at
                FROM delivery_lanes GROUP BY lane
            )
            SELECT coalesce(kept.lane, live.lane) AS name, coalesce(waiting, 0), oldest, coalesce(leased, 0),
                   coalesce(done, 0), coalesce(live.retried, 0)::bigint, coalesce(dead, 0), coalesce(expired, 0), breaker,
                   coalesce(live.reason, held.suspended_reason), live.last_error, live.last_error_at, token.issued_at
            FROM kept FULL JOIN live ON live.lane = kept.lane
            LEFT JOIN push_credentials AS held
                ON held.name = 'lane:' || coalesce(kept.lane, live.lane) AND held.suspended_until > now()
            LEFT JOIN LATERAL (
                SELECT max(issued_at) AS issued_at FROM push_credentials
                WHERE split_part(name, ':', 1) = split_part(coalesce(kept.lane, live.lane), ':', 1) AND token IS NOT NULL
            ) AS token ON true
            ORDER BY name
            """
        ).map { row in
            LaneStatus(
                lane: try row.text(0), waiting: try row.integer(1), oldestAt: try row.optionalTimestamp(2),
                inFlight: try row.integer(3), sent: try row.integer(4), retried: try row.integer(5),
                dead: try row.integer(6), expired: try row.integer(7), breaker: row.optionalText(8),
                breakerReason: row.optionalText(9), lastError: row.optionalText(10),
                lastErrorAt: try row.optionalTimestamp(11), tokenIssuedAt: try row.optionalTimestamp(12))
        }
    }

    /// Writes down what a worker says about its lanes, and forgets workers of yesterday.
    public func report(_ reports: [LaneReport], worker: String) async throws {
        if reports.isEmpty { return }
        let clean: (String?) -> String? = { $0?.withoutNUL }
        try await self.client.query(
            """
            WITH old AS (DELETE FROM delivery_lanes WHERE updated_at < now() - interval '1 day')
            INSERT INTO delivery_lanes (
                lane, worker, breaker, breaker_reason, in_flight, sent, retried, dead, last_error, last_error_at
            )
            SELECT lane, $1, breaker, reason, in_flight, sent, retried, dead, last_error, last_error_at
            FROM unnest(
                $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],
                $10::timestamptz[]
            ) AS given (lane, breaker, reason, in_flight, sent, retried, dead, last_error, last_error_at)
            ON CONFLICT (lane, worker) DO UPDATE SET
                breaker = excluded.breaker, breaker_reason = excluded.breaker_reason, in_flight = excluded.in_flight,
                sent = excluded.sent, retried = excluded.retried, dead = excluded.dead,
                last_error = excluded.last_error, last_error_at = excluded.last_error_at, updated_at = now()
            """,
            [
                .text(worker), .array(reports.map(\.lane)), .array(reports.map(\.breaker)),
                .array(reports.map { clean($0.breakerReason) }), .array(reports.map { String($0.inFlight) }),
                .array(reports.map { String($0.sent) }), .array(reports.map { String($0.retried) }),
                .array(reports.map { String($0.dead) }), .array(reports.map { clean($0.lastError) }),
                .array(reports.map { $0.lastErrorAt?.storedText }),
            ])
    }

    /// What was given up, the newest first.
    public func deadLetters(limit: Int = 100) async throws -> [DeadLetter] {
        try await self.client.query(
            """
            SELECT id, lane, device_id, event_key, attempt - attempt_base, last_status, coalesce(last_error, ''),
                   last_answer, coalesce(finished_at, created_at)
            FROM deliveries WHERE state = 'dead' ORDER BY id DESC LIMIT $1
            """, [.integer(Int64(max(0, limit)))]
        ).map { row in
            DeadLetter(
                id: try row.integer(0), lane: try row.text(1), deviceID: try row.optionalInteger(2),
                eventKey: row.optionalText(3), attempts: Int(try row.integer(4)),
                status: try row.optionalInteger(5).map { Int($0) }, error: try row.text(6), answer: row.optionalText(7),
                finishedAt: try row.timestamp(8))
        }
    }

    /// Makes deliveries due again that were given up; their devices count as registered again.
    ///
    /// What would be worthless by now gets `validity` more, and devices are tried again that were given up.
    ///
    /// - Parameters:
    ///   - ids: Which; `nil` is all that were given up.
    ///   - validity: How long what has run out is worth something again.
    /// - Returns: How many.
    /// - Throws: ``StoreError/notDead(_:)`` when one of `ids` was not given up, and then none is made due; or
    ///   `PostgresError`.
    @discardableResult
    public func replay(_ ids: [Int64]? = nil, validity: Duration = .seconds(900)) async throws -> Int {
        let list: PostgresParameter = ids.map { .array($0.map { String($0) }) } ?? .null
        return try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session in
                    let rows = try session.query(
                        """
                        UPDATE deliveries SET
                            state = 'ready', next_at = now(), finished_at = NULL, attempt_base = attempt,
                            expires_at = CASE WHEN expires_at IS NOT NULL
                                THEN greatest(expires_at, now() + $2::bigint * interval '1 millisecond') END,
                            created_at = CASE WHEN expires_at IS NULL THEN now() ELSE created_at END
                        WHERE state = 'dead' AND ($1::bigint[] IS NULL OR id = ANY($1::bigint[]))
                        RETURNING id, device_id
                        """, [list, .integer(validity.milliseconds)])
                    let replayed = Set(try rows.map { try $0.integer(0) })
                    if let missing = ids?.first(where: { !replayed.contains($0) }) { throw StoreError.notDead(missing) }
                    let devices = Set(try rows.compactMap { try $0.optionalInteger(1) })
                    try session.query(
                        "UPDATE devices SET disabled_at = NULL, disabled_reason = NULL WHERE id = ANY($1::bigint[])",
                        [.array(devices.sorted().map { String($0) })])
                    try session.query("SELECT pg_notify($1, '')", [.text(Self.additionsChannel)])
                    return rows.count
                }
            }
        }
    }
}
