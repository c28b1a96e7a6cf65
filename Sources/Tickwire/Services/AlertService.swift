import Alerts
import Channels
import DequeModule
import Ingest
import Logging
import Notifications
import Postgres
import ServiceLifecycle
import Store
import Synchronization

/// Keeps the evaluator's alerts those of the database, and takes what fires to the database, the outbox and the user's channel.
final class AlertService: Service {
    /// Fired alerts that may wait while PostgreSQL is away.
    private static let waitingMax = 100_000

    private let client: PostgresClient
    private let store: AlertStore
    private let publisher: any EventPublisher
    private let options: NotificationOptions
    private let logger: Logger
    private let pipeline = Mutex<MarketPipeline?>(nil)
    private let waiting = Mutex<Deque<FiredAlert>>([])
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    init(
        client: PostgresClient, store: AlertStore, publisher: any EventPublisher, options: NotificationOptions,
        logger: Logger
    ) {
        self.client = client
        self.store = store
        self.publisher = publisher
        self.options = options
        self.logger = logger
        (self.wakeUps, self.wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Names the pipeline whose evaluator is kept current; it needs this service's ``alertsFired(_:)`` and so is made later.
    func attach(_ pipeline: MarketPipeline) { self.pipeline.withLock { $0 = pipeline } }

    /// Takes alerts from a shard.
    ///
    /// The user's channel hears of them at once, whatever the database does.
    func alertsFired(_ alerts: [FiredAlert]) {
        var events: [ChannelEvent] = []
        for alert in alerts {
            if let payloads = self.payloads(of: alert) {
                events.append(
                    ChannelEvent(
                        channel: payloads.channelName, name: NotificationPayloads.channelEventName,
                        data: payloads.channelData
                    )
                )
            }
            let isKept = self.waiting.withLock { waiting in
                guard waiting.count < Self.waitingMax else { return false }
                waiting.append(alert)
                return true
            }
            if !isKept {
                self.logger.error(
                    "Alert event lost: too many wait for PostgreSQL", metadata: ["alert.id": "\(alert.alert.id)"]
                )
            }
        }
        self.wakeUp.yield()
        if !events.isEmpty { self.publisher.publish(events) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.followChanges() }
                group.addTask { await self.writeFired() }
            }
        }
        // What fired in the last moments still goes to the database, if it is there.
        while let alert = self.next() {
            do { try await self.record(alert) } catch {
                self.logger.error(
                    "Alert event not stored", metadata: ["alert.id": "\(alert.alert.id)", "error": "\(error)"]
                )
            }
        }
    }

    private func next() -> FiredAlert? { self.waiting.withLock { $0.popFirst() } }

    private func followChanges() async {
        let listener = PostgresListener(
            channels: [AlertStore.changesChannel], client: self.client, logger: self.logger
        )
        do {
            try await listener.run { _ in await self.reload() }
        } catch {
            if !Task.isCancelled {
                self.logger.error("Alert changes are not followed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func reload() async {
        do {
            let alerts = try await self.store.loadArmed()
            self.pipeline.withLock { $0 }?.reload(alerts)
            self.logger.debug("Alerts loaded", metadata: ["alerts": "\(alerts.count)"])
        } catch {
            self.logger.warning("Alerts not loaded", metadata: ["error": "\(error)"])
        }
    }

    private func writeFired() async {
        var backOff = BackOff(first: .milliseconds(250), longest: .seconds(30))
        for await _ in self.wakeUps {
            while !Task.isCancelled, let alert = self.next() {
                do {
                    try await self.record(alert)
                    backOff.reset()
                } catch let error as PostgresError where error.isTransient {
                    self.waiting.withLock { $0.prepend(alert) }
                    self.logger.warning("Alert event waits for PostgreSQL", metadata: ["error": "\(error)"])
                    do { try await Task.sleep(for: backOff.next()) } catch { return }
                } catch {
                    self.logger.error(
                        "Alert event not stored", metadata: ["alert.id": "\(alert.alert.id)", "error": "\(error)"]
                    )
                }
            }
        }
    }

    /// Writes event, alert state and deliveries in one transaction; a crossing that is stored already changes nothing.
    private func record(_ fired: FiredAlert) async throws {
        guard let payloads = self.payloads(of: fired) else { return }
        _ = try await self.store.record(fired, payloads: payloads)
    }

    private func payloads(of fired: FiredAlert) -> NotificationPayloads? {
        do {
            return try NotificationPayloads(fired, options: self.options)
        } catch {
            self.logger.error(
                "Alert has no message", metadata: ["alert.id": "\(fired.alert.id)", "error": "\(error)"]
            )
            return nil
        }
    }
}
