import Market
import Notifications
public import Postgres

/// The table `deliveries`: what has been decided to be sent, and what became of it.
///
/// Delivery is at least once: who claims a delivery and dies loses it to another when the lease is over. Answers of a
/// claimer whose lease was taken over are ignored. New deliveries notify the channel `tickwire_outbox`.
public struct Outbox: Sendable {
    /// What is notified when deliveries are added.
    public static let additionsChannel = "tickwire_outbox"
    let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Takes deliveries that are due, so that nobody else takes them.
    ///
    /// What is worthless by now is marked so instead.
    ///
    /// - Parameters:
    ///   - lane: Of which credential; `nil` is any.
    ///   - limit: How many at most.
    ///   - lease: How long the caller may take before others may claim them.
    /// - Returns: What the caller now has to deliver: urgent ones first, then the oldest.
    /// - Throws: `PostgresError`.
    public func claim(lane: String? = nil, limit: Int, lease: Duration) async throws -> [OutboxDelivery] {
        if lane == nil { try await self.reclaim() }
        let rows = try await self.client.query(
            """
            WITH due AS (
                SELECT id, expires_at IS NOT NULL AND expires_at <= now() AS is_late FROM deliveries
                WHERE state = 'ready' AND next_at <= now() AND \(lane == nil ? "$3::text IS NULL" : "lane = $3")
                ORDER BY priority DESC, next_at, id
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            ), taken AS (
                UPDATE deliveries SET
                    state = CASE WHEN due.is_late THEN 'expired' ELSE 'leased' END,
                    attempt = deliveries.attempt + CASE WHEN due.is_late THEN 0 ELSE 1 END,
                    finished_at = CASE WHEN due.is_late THEN now() END,
                    lease_until = CASE WHEN due.is_late THEN NULL
                                  ELSE now() + $2::bigint * interval '1 millisecond' END
                FROM due WHERE due.id = deliveries.id
                RETURNING deliveries.*, due.is_late
            )
            SELECT taken.id, taken.message_id, taken.event_id, taken.service, taken.lane, taken.target, taken.payload,
                   taken.format, taken.attempt, taken.attempt - taken.attempt_base,
                   coalesce(alert_events.fired_at, taken.created_at), taken.expires_at, taken.is_silent,
                   devices.id, devices.user_id, devices.locale, devices.created_at, devices.last_registered_at,
                   devices.last_success_at, devices.disabled_reason, devices.service, devices.token, devices.secrets,
                   devices.topic, devices.environment
            FROM taken
            LEFT JOIN alert_events ON alert_events.id = taken.event_id
            LEFT JOIN devices ON devices.id = taken.device_id
            WHERE NOT taken.is_late
            ORDER BY taken.priority DESC, taken.id
            """,
            [.integer(Int64(max(0, limit))), .integer(lease.milliseconds), .optional(lane)]
        )
        return try rows.map(Self.delivery)
    }

    /// Makes deliveries due again whose lease is over: who claimed them is gone.
    ///
    /// - Returns: How many.
    @discardableResult
    public func reclaim() async throws -> Int {
        try await self.client.query(
            """
            UPDATE deliveries SET state = 'ready', lease_until = NULL, next_at = least(next_at, now()) WHERE id IN (
                SELECT id FROM deliveries WHERE state = 'leased' AND lease_until <= now() LIMIT 10000
                FOR UPDATE SKIP LOCKED
            )
            """
        ).affectedRows
    }

    /// The lanes that deliveries wait in, due or not.
    public func lanes() async throws -> [String] {
        // A loose index scan: as long as there are lanes, however many deliveries wait.
        try await self.client.query(
            """
            WITH RECURSIVE lanes AS (
                (SELECT lane FROM deliveries WHERE state = 'ready' ORDER BY lane LIMIT 1)
                UNION ALL
                SELECT (
                    SELECT deliveries.lane FROM deliveries
                    WHERE state = 'ready' AND deliveries.lane > lanes.lane ORDER BY lane LIMIT 1
                ) FROM lanes WHERE lanes.lane IS NOT NULL
            )
            SELECT lane FROM lanes WHERE lane IS NOT NULL
            """
        ).map { try $0.text(0) }
    }

    /// Writes down what became of attempts, all in one statement.
    ///
    /// A delivery that is to be tried again when a newer one of the same device and collapse key exists gives way to it.
    ///
    /// - Returns: The ids of those whose lease the caller still held; the answers of the others do not count.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func record(_ results: [OutboxResult]) async throws -> Set<Int64> {
        if results.isEmpty { return [] }
        let clean: (String?) -> String? = { $0?.withoutNUL }
        let rows = try await self.client.query(
            """
            UPDATE deliveries SET
                state = CASE WHEN given.state = 'ready' AND newer.is_there THEN 'superseded' ELSE given.state END,
                lease_until = NULL,
                next_at = CASE WHEN given.state = 'ready' THEN now() + given.pause * interval '1 millisecond'
                          ELSE next_at END,
                finished_at = CASE WHEN given.state <> 'ready' OR newer.is_there THEN now() END,
                last_status = given.status, last_error = coalesce(given.error, last_error),
                last_answer = coalesce(given.answer, last_answer), service_id = coalesce(given.receipt, service_id)
            FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[])
                AS given (id, attempt, state, pause, status, error, answer, receipt)
            CROSS JOIN LATERAL (
                SELECT given.state = 'ready' AND EXISTS (
                    SELECT FROM deliveries AS other JOIN deliveries AS mine ON mine.id = given.id
                    WHERE other.device_id = mine.device_id AND other.collapse_key = mine.collapse_key
                        AND other.id > mine.id AND other.state IN ('ready', 'leased', 'done')
                ) AS is_there
            ) AS newer
            WHERE deliveries.id = given.id AND deliveries.state = 'leased' AND deliveries.attempt = given.attempt
            RETURNING deliveries.id
            """,
            [
                .array(results.map { String($0.delivery.id) }), .array(results.map { String($0.delivery.attempt) }),
                .array(results.map(\.state.stored)), .array(results.map { String($0.state.pause.milliseconds) }),
                .array(results.map { $0.status.map(String.init) }), .array(results.map { clean($0.error) }),
                .array(results.map { clean($0.answer) }), .array(results.map { clean($0.serviceID) }),
            ]
        )
        let devices = Set(results.filter { $0.state == .done }.compactMap { $0.delivery.device?.id })
        if !devices.isEmpty { try await DeviceStore(client: self.client).succeeded(devices.sorted()) }
        return Set(try rows.map { try $0.integer(0) })
    }

    /// The target took it.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func complete(_ delivery: OutboxDelivery, status: Int?) async throws -> Bool {
        try await !self.record([OutboxResult(delivery, .done, status: status)]).isEmpty
    }

    /// It failed for good.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func dead(_ delivery: OutboxDelivery, status: Int?, error: String) async throws -> Bool {
        try await !self.record([OutboxResult(delivery, .dead, status: status, error: error)]).isEmpty
    }

    /// It failed and is to be tried again after `delay`.
    ///
    /// - Returns: Whether the caller still held the lease.
    @discardableResult
    public func retry(
        _ delivery: OutboxDelivery, after delay: Duration, status: Int?, error: String
    ) async throws -> Bool {
        try await !self.record([OutboxResult(delivery, .ready(after: delay), status: status, error: error)]).isEmpty
    }

    /// Takes the webhook off the alerts of whoever's event this is: its receiver wants nothing more.
    public func disableWebhook(of delivery: OutboxDelivery) async throws {
        guard let eventID = delivery.eventID else { return }
        try await self.client.query(
            """
            UPDATE alerts SET webhook_url = NULL
            WHERE webhook_url = $2 AND owner = (
                SELECT owner FROM alerts JOIN alert_events ON alert_events.alert_id = alerts.id
                WHERE alert_events.id = $1
            )
            """, [.integer(eventID), .text(delivery.target)])
    }

    private static func delivery(_ row: PostgresRow) throws -> OutboxDelivery {
        guard let service = DeliveryService(rawValue: try row.text(3)) else {
            throw row.unexpected(3, "one of \(DeliveryService.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var device: Device?
        if let id = try row.optionalInteger(13) {
            device = Device(
                id: id, user: try row.text(14), target: try StoredTarget.target(row, from: 20),
                locale: row.optionalText(15), createdAt: try row.timestamp(16), lastRegisteredAt: try row.timestamp(17),
                lastSuccessAt: try row.optionalTimestamp(18), disabledReason: row.optionalText(19))
        }
        let bytes = Array(try row.text(6).utf8)
        var message: OutboxDelivery.Message? = .body(bytes)
        if try row.text(7) == "content" {
            var content = StoredContent.content(bytes)
            if try row.boolean(12) {
                content?.priority = .passive
                content?.sound = nil
            }
            message = content.map { .content($0) }
        }
        return OutboxDelivery(
            id: try row.integer(0), messageID: try row.text(1), eventID: try row.optionalInteger(2), service: service,
            lane: try row.text(4), target: try row.text(5), device: device, message: message,
            attempt: Int(try row.integer(8)), tries: Int(try row.integer(9)), firedAt: try row.timestamp(10),
            expiresAt: try row.optionalTimestamp(11))
    }
}

extension OutboxResult.State {
    fileprivate var stored: String {
        switch self {
        case .done: "done"
        case .ready: "ready"
        case .dead: "dead"
        case .expired: "expired"
        }
    }

    fileprivate var pause: Duration {
        if case .ready(let pause) = self { pause } else { .zero }
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero, never negative.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return max(0, seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000)
    }
}
