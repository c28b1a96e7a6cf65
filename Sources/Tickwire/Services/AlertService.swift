import Alerts
import Channels
import Ingest
import Logging
import Notifications
import Postgres
import ServiceLifecycle
import Store
import Synchronization

/// Keeps the evaluator's alerts those of the database, and takes what fires to the database, the outbox and the user's channel.
final class AlertService: Service {
    private let client: PostgresClient
    private let store: AlertStore
    private let publisher: any EventPublisher
    private let options: NotificationOptions
    private let logger: Logger
    private let pipeline = Mutex<MarketPipeline?>(nil)
    private let queue: WriteQueue<(alert: FiredAlert, payloads: NotificationPayloads)>

    init(
        client: PostgresClient, store: AlertStore, publisher: any EventPublisher, options: NotificationOptions,
        logger: Logger
    ) {
        self.client = client
        self.store = store
        self.publisher = publisher
        self.options = options
        self.logger = logger
        // One by one: event, alert state and deliveries of a crossing are one transaction, and a crossing that is stored
        // already changes nothing.
        self.queue = WriteQueue(of: "fired alerts", waitingMax: 100_000, batchMax: 1, logger: logger) { alerts in
            for fired in alerts { _ = try await store.record(fired.alert, payloads: fired.payloads) }
        }
    }

    /// Names the pipeline whose evaluator is kept current; it needs this service's ``alertsFired(_:)`` and so is made later.
    func attach(_ pipeline: MarketPipeline) { self.pipeline.withLock { $0 = pipeline } }

    /// Takes alerts from a shard.
    ///
    /// The user's channel hears of them at once, whatever the database does.
    func alertsFired(_ alerts: [FiredAlert]) {
        let fired = alerts.compactMap { alert in self.payloads(of: alert).map { (alert: alert, payloads: $0) } }
        self.queue.append(fired)
        guard !fired.isEmpty else { return }
        self.publisher.publish(
            fired.map {
                ChannelEvent(
                    channel: $0.payloads.channelName, name: NotificationPayloads.channelEventName,
                    data: $0.payloads.channelData
                )
            }
        )
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.followChanges() }
                group.addTask { await self.queue.run() }
            }
        }
        await self.queue.drain()
    }

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
