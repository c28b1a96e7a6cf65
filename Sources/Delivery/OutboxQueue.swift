public import Logging
public import Market
public import Notifications
public import Postgres
public import Store

/// The outbox in PostgreSQL as a queue of deliveries.
public struct OutboxQueue: DeliveryQueue {
    private let outbox: Outbox
    private let client: PostgresClient
    private let worker: String
    private let now: (@Sendable () -> Timestamp)?
    private let logger: Logger

    /// Reads and writes through `client`; listening takes a connection of its own.
    ///
    /// - Parameters:
    ///   - client: The database.
    ///   - worker: This worker's name, for `deliver status`: one that no other has.
    ///   - now: The time of day, so that what is sent late says so; `nil` sends everything as it was written.
    ///   - logger: Where trouble is told.
    public init(
        client: PostgresClient, worker: String, now: (@Sendable () -> Timestamp)? = nil, logger: Logger
    ) {
        self.now = now
        self.outbox = Outbox(client: client)
        self.client = client
        self.worker = worker
        self.logger = logger
    }

    /// The lanes that deliveries wait in.
    public func lanes() async throws -> [String] { try await self.outbox.lanes() }

    /// Takes deliveries of a lane that are due.
    public func claim(lane: String, limit: Int, lease: Duration) async throws -> [OutboxDelivery] {
        await self.telling(try await self.outbox.claim(lane: lane, limit: limit, lease: lease))
    }

    /// Has alerts that are sent late say so, with the present price: one query for all of them.
    private func telling(_ deliveries: [OutboxDelivery]) async -> [OutboxDelivery] {
        guard let now = self.now?() else { return deliveries }
        let events = Set(
            deliveries.filter { LateNotice(firedAt: $0.firedAt, price: nil, now: now) != nil }.compactMap(\.eventID))
        if events.isEmpty { return deliveries }
        var prices: [Int64: LateNotice.Price] = [:]
        do {
            prices = try await self.outbox.presentPrices(of: events)
        } catch {
            self.logger.debug("Present prices not read", metadata: ["error": "\(error)"])
        }
        return deliveries.map { delivery in
            guard let event = delivery.eventID, case .content(let content)? = delivery.message,
                let notice = LateNotice(firedAt: delivery.firedAt, price: prices[event], now: now)
            else { return delivery }
            return delivery.replacing(notice.added(to: content))
        }
    }

    /// Makes deliveries due again whose lease is over.
    public func reclaim() async throws {
        let count = try await self.outbox.reclaim()
        if count > 0 {
            self.logger.info("Deliveries of a worker that is gone are due again", metadata: ["count": "\(count)"])
        }
    }

    /// Writes down what became of attempts; a lease that was lost is no error: another worker has it.
    public func record(_ results: [OutboxResult]) async throws {
        let held = try await self.outbox.record(results)
        if held.count < results.count {
            self.logger.debug(
                "Leases lost before the outcome was known", metadata: ["count": "\(results.count - held.count)"])
        }
    }

    /// Gives up the device, or takes the webhook off the owner's alerts.
    public func drop(
        _ delivery: OutboxDelivery, unlessRegisteredAfter time: Timestamp?, reason: String
    ) async throws -> Bool {
        guard let device = delivery.device else {
            try await self.outbox.disableWebhook(of: delivery)
            return true
        }
        return try await DeviceStore(client: self.client)
            .disable(id: device.id, unlessRegisteredAfter: time, reason: reason)
    }

    /// Keeps that the device belongs to this one of Apple's services.
    public func setEnvironment(_ environment: APNsEnvironment, of delivery: OutboxDelivery) async throws {
        guard let device = delivery.device else { return }
        try await DeviceStore(client: self.client).setEnvironment(environment, id: device.id)
    }

    /// Keeps that a lane is held back, or is not.
    public func hold(lane: String, until time: Timestamp?, reason: String) async throws {
        let store = CredentialStore(client: self.client)
        if let time {
            try await store.suspend(lane: lane, until: time, reason: reason)
        } else {
            try await store.resume(lane: lane)
        }
    }

    /// Deletes finished deliveries that were kept long enough.
    public func deleteFinished(_ keeping: Outbox.Keeping, limit: Int) async throws -> Int {
        try await self.outbox.deleteFinished(keeping, limit: limit)
    }

    /// Keeps how lanes are.
    public func report(_ reports: [LaneReport]) async throws {
        try await self.outbox.report(reports, worker: self.worker)
    }

    /// Wakes on every addition to the outbox, and whenever the connection that listens is new.
    public func listen(_ wake: @escaping @Sendable () -> Void) async throws {
        let listener = PostgresListener(
            channels: [Outbox.additionsChannel], client: self.client, logger: self.logger)
        try await listener.run { _ in wake() }
    }
}
