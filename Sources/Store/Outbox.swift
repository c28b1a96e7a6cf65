public import Market
public import Postgres

/// Who takes a delivery to its target.
public enum DeliveryService: String, Sendable, Hashable, CaseIterable {
    /// An HTTP POST signed as Standard Webhooks demands; the target is the URL.
    case webhook
}

/// One notification on its way, leased to who claimed it.
public struct OutboxDelivery: Sendable, Hashable, Identifiable {
    /// The delivery's id: the same on every attempt.
    public let id: Int64
    /// The row of `alert_events`.
    public let eventID: Int64
    /// Who takes it there.
    public let service: DeliveryService
    /// Where it goes: the webhook's URL.
    public let target: String
    /// The exact bytes of the body.
    public let payload: [UInt8]
    /// The number of this attempt, from 1.
    public let attempt: Int
    /// When the alert fired.
    public let firedAt: Timestamp
}

/// The table `deliveries`: what has been decided to be sent, and what became of it.
///
/// Delivery is at least once: who claims a delivery and dies loses it to another when the lease is over. Answers of a
/// claimer whose lease was taken over are ignored. New deliveries notify the channel `tickwire_outbox`.
public struct Outbox: Sendable {
    /// What is notified when deliveries are added.
    public static let additionsChannel = "tickwire_outbox"
    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Takes deliveries that are due, and those whose lease is over, so that nobody else takes them.
    ///
    /// - Parameters:
    ///   - limit: How many at most.
    ///   - lease: How long the caller may take before others may claim them.
    /// - Returns: What the caller now has to deliver, oldest first.
    /// - Throws: ``PostgresError``.
    public func claim(limit: Int, lease: Duration) async throws -> [OutboxDelivery] {
        let rows = try await self.client.query(
            """
            UPDATE deliveries SET
                state = 'leased', attempt = deliveries.attempt + 1,
                lease_until = now() + $2::bigint * interval '1 millisecond'
            FROM alert_events
            WHERE alert_events.id = deliveries.event_id AND deliveries.id IN (
                SELECT id FROM deliveries
                WHERE (state = 'ready' AND next_at <= now()) OR (state = 'leased' AND lease_until <= now())
                ORDER BY next_at
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING deliveries.id, deliveries.event_id, deliveries.service, deliveries.target, deliveries.payload,
                      deliveries.attempt, alert_events.fired_at
            """,
            [.integer(Int64(max(0, limit))), .integer(lease.milliseconds)]
        )
        let deliveries = try rows.map { row in
            guard let service = DeliveryService(rawValue: try row.text(2)) else {
                throw row.unexpected(2, "one of \(DeliveryService.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return OutboxDelivery(
                id: try row.integer(0), eventID: try row.integer(1), service: service, target: try row.text(3),
                payload: Array(try row.text(4).utf8), attempt: Int(try row.integer(5)), firedAt: try row.timestamp(6)
            )
        }
        return deliveries.sorted { $0.id < $1.id }
    }

    /// How long until a delivery is due or a lease is over, zero for now; `nil` when nothing waits.
    public func timeUntilDue() async throws -> Duration? {
        let rows = try await self.client.query(
            """
            SELECT ceil(extract(epoch FROM min(due) - now()) * 1000)::bigint FROM (
                SELECT next_at AS due FROM deliveries WHERE state = 'ready'
                UNION ALL
                SELECT lease_until FROM deliveries WHERE state = 'leased'
            ) AS waiting
            """
        )
        return try rows[0].optionalInteger(0).map { .milliseconds(max(0, $0)) }
    }

    /// The target took it.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func complete(_ delivery: OutboxDelivery, status: Int?) async throws -> Bool {
        try await self.finish(delivery, state: "done", status: status, error: nil)
    }

    /// It failed for good.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func dead(_ delivery: OutboxDelivery, status: Int?, error: String) async throws -> Bool {
        try await self.finish(delivery, state: "dead", status: status, error: error)
    }

    /// It failed and is to be tried again after `delay`.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func retry(
        _ delivery: OutboxDelivery, after delay: Duration, status: Int?, error: String
    ) async throws -> Bool {
        try await self.client.query(
            """
            UPDATE deliveries SET
                state = 'ready', lease_until = NULL, next_at = now() + $3::bigint * interval '1 millisecond',
                last_status = $4, last_error = $5
            WHERE id = $1 AND state = 'leased' AND attempt = $2
            """,
            [
                .integer(delivery.id), .integer(Int64(delivery.attempt)), .integer(delay.milliseconds),
                .optional(status.map(Int64.init)), .text(error.replacing("\0", with: "\u{FFFD}")),
            ]
        ).affectedRows == 1
    }

    /// It failed and is to be tried again at `time`.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func retry(
        _ delivery: OutboxDelivery, at time: Timestamp, status: Int?, error: String
    ) async throws -> Bool {
        try await self.client.query(
            """
            UPDATE deliveries SET
                state = 'ready', lease_until = NULL, next_at = $3, last_status = $4, last_error = $5
            WHERE id = $1 AND state = 'leased' AND attempt = $2
            """,
            [
                .integer(delivery.id), .integer(Int64(delivery.attempt)), .timestamp(time),
                .optional(status.map(Int64.init)), .text(error.replacing("\0", with: "\u{FFFD}")),
            ]
        ).affectedRows == 1
    }

    private func finish(
        _ delivery: OutboxDelivery, state: String, status: Int?, error: String?
    ) async throws -> Bool {
        try await self.client.query(
            """
            UPDATE deliveries SET
                state = $3, lease_until = NULL, finished_at = now(), last_status = $4,
                last_error = coalesce($5, last_error)
            WHERE id = $1 AND state = 'leased' AND attempt = $2
            """,
            [
                .integer(delivery.id), .integer(Int64(delivery.attempt)), .text(state),
                .optional(status.map(Int64.init)), .optional(error?.replacing("\0", with: "\u{FFFD}")),
            ]
        ).affectedRows == 1
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero, never negative.
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return max(0, seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000)
    }
}
