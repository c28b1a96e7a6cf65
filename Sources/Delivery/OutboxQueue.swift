public import Logging
public import Market
public import Postgres
import Store
import Synchronization

/// The outbox in PostgreSQL as a queue of deliveries.
public final class OutboxQueue: DeliveryQueue {
    private let outbox: Outbox
    private let client: PostgresClient
    private let logger: Logger
    /// What is claimed here, as the outbox knows it.
    ///
    /// Bounded: past ``claimedMax`` the oldest are forgotten, whose leases ended long ago.
    private static let claimedMax = 4_096
    private let claimed = Mutex<[Int64: OutboxDelivery]>([:])

    /// Reads and writes through `client`; listening takes a connection of its own.
    public init(client: PostgresClient, logger: Logger) {
        self.outbox = Outbox(client: client)
        self.client = client
        self.logger = logger
    }

    /// Takes deliveries that are due, and those whose lease is over.
    public func claim(limit: Int, lease: Duration) async throws -> [PendingDelivery] {
        let deliveries = try await self.outbox.claim(limit: limit, lease: lease)
        self.claimed.withLock { claimed in
            for delivery in deliveries { claimed[delivery.id] = delivery }
            let excess = claimed.count - Self.claimedMax
            if excess > 0 { for id in claimed.keys.sorted().prefix(excess) { claimed[id] = nil } }
        }
        return deliveries.map { delivery in
            PendingDelivery(
                id: delivery.id,
                // With the time, so that ids of a database that was made anew do not look like repetitions.
                messageID: "msg_\(delivery.id)_\(delivery.firedAt.microseconds)", service: delivery.service.rawValue,
                target: delivery.target, payload: delivery.payload, attempt: delivery.attempt,
                createdAt: delivery.firedAt)
        }
    }

    /// Marks it as done.
    public func complete(_ delivery: PendingDelivery, status: Int) async throws {
        try await self.end(delivery) { try await self.outbox.complete($0, status: status) }
    }

    /// Puts it back until `time`.
    public func retry(_ delivery: PendingDelivery, at time: Timestamp, status: Int?, error: String) async throws {
        try await self.end(delivery) { try await self.outbox.retry($0, at: time, status: status, error: error) }
    }

    /// Marks it as dead; with `disablesTarget` the owner's alerts stop posting to this URL.
    public func abandon(
        _ delivery: PendingDelivery, status: Int?, error: String, disablesTarget: Bool
    ) async throws {
        if disablesTarget, let known = self.claimed.withLock({ $0[delivery.id] }) {
            try await self.client.query(
                """
                UPDATE alerts SET webhook_url = NULL
                WHERE webhook_url = $2 AND owner = (
                    SELECT owner FROM alerts JOIN alert_events ON alert_events.alert_id = alerts.id
                    WHERE alert_events.id = $1
                )
                """,
                [.integer(known.eventID), .text(known.target)])
        }
        try await self.end(delivery) { try await self.outbox.dead($0, status: status, error: error) }
    }

    /// Puts it back, due at once.
    public func release(_ delivery: PendingDelivery) async throws {
        try await self.end(delivery) {
            try await self.outbox.retry($0, after: .zero, status: nil, error: "interrupted by a stop")
        }
    }

    /// Wakes on every addition to the outbox, and whenever the connection that listens is new.
    public func listen(_ wake: @escaping @Sendable () -> Void) async throws {
        let listener = PostgresListener(
            channels: [Outbox.additionsChannel], client: self.client, logger: self.logger)
        try await listener.run { _ in wake() }
    }

    /// Forgets the claim once the outbox has answered.
    ///
    /// A lease that was lost is no error: another worker has it.
    private func end(
        _ delivery: PendingDelivery, _ change: (OutboxDelivery) async throws -> Bool
    ) async throws {
        guard let known = self.claimed.withLock({ $0[delivery.id] }) else { return }
        if try await !change(known) {
            self.logger.debug("Lease lost before the outcome was known", metadata: ["delivery.id": "\(delivery.id)"])
        }
        self.claimed.withLock { claimed in
            if claimed[delivery.id] == known { claimed[delivery.id] = nil }
        }
    }
}
