import Beams
import Crypto
public import Delivery
import Foundation
public import HTTPClient
public import Logging
import Ingest
import Market
public import Notifications
public import Postgres
import ServiceLifecycle
import Store

/// Puts the delivery side together: credentials, sender and worker.
public struct DeliveryAssembly {
    /// The parts, ready to run.
    struct Parts {
        /// Worker and sender, in the order in which they are started.
        let services: [any Service]
        /// For what does not go through the outbox; `services` run it.
        let sender: PushSender
        let metrics: @Sendable () -> String
    }

    let settings: Settings
    let client: PostgresClient
    let httpClient: HTTPClient
    let secret: WebhookSecret
    let logger: Logger

    /// Prepares; nothing is read before the parts are asked for.
    ///
    /// - Parameters:
    ///   - settings: Where credentials are.
    ///   - client: The database.
    ///   - httpClient: Sends what does not go to APNs or FCM.
    ///   - secret: Signs alert webhooks.
    ///   - logger: Where trouble is told.
    public init(
        settings: Settings, client: PostgresClient, httpClient: HTTPClient, secret: WebhookSecret, logger: Logger
    ) {
        self.settings = settings
        self.client = client
        self.httpClient = httpClient
        self.secret = secret
        self.logger = logger
    }

    func assemble() throws -> Parts {
        let sender = try self.sender()
        let worker = DeliveryWorker(
            queue: self.queue, sender: sender, settings: self.deliverySettings, now: { Timestamp.now },
            logger: self.logger)
        return Parts(
            services: [SenderService(sender: sender), worker], sender: sender,
            metrics: { MetricsText.deliveries(worker.counters) + worker.latency.text })
    }

    /// Sends to every service there is a credential for.
    ///
    /// - Throws: ``SetupError`` or `PushError` when a credential cannot be used.
    public func sender() throws -> PushSender {
        PushSender(
            services: try self.services(), client: self.httpClient, credentials: CredentialStore(client: self.client),
            timeout: .seconds(self.settings.push.timeoutSeconds), version: TickwireVersion.current,
            now: { Timestamp.now }, logger: self.logger)
    }

    /// The outbox, worked on under this process's name.
    public var queue: OutboxQueue {
        let name = "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)"
        return OutboxQueue(client: self.client, worker: name, now: { Timestamp.now }, logger: self.logger)
    }

    /// Limits and times.
    public var deliverySettings: DeliverySettings {
        DeliverySettings(
            timeout: .seconds(self.settings.push.timeoutSeconds), lease: .seconds(self.settings.push.leaseSeconds),
            keeping: Outbox.Keeping(
                finished: .seconds(self.settings.push.keepDays * 86_400),
                dead: .seconds(self.settings.push.keepDeadDays * 86_400)))
    }

    private func services() throws -> PushServices {
        let push = self.settings.push
        let topicKey = Array(SHA256.hash(data: Array("topic \(self.secret.exposed)".utf8)))
        var services = PushServices(
            webhookSecrets: [self.secret], topicKey: topicKey,
            allowsPrivateAddresses: self.settings.allowPrivateWebhooks)
        let credentials = try PushCredentials(self.settings)
        services.apns = credentials.apns.map {
            .init(key: $0, url: push.apnsURL, sandboxURL: push.apnsSandboxURL, connectionsMax: push.apnsConnections)
        }
        services.fcm = credentials.fcm.map {
            .init(
                account: $0, url: push.fcmURL ?? "https://fcm.googleapis.com", connectionsMax: push.fcmConnections)
        }
        if let key = credentials.vapid {
            guard let subject = credentials.vapidSubject else {
                throw SetupError.badSetting(
                    name: "push.vapid.subject", value: "",
                    expected: "whom push services can reach, such as mailto:ops@example.com")
            }
            services.webPush = .init(key: key, subject: subject, rules: self.settings.webPushRules)
        }
        services.beams = credentials.beams
        services.beamsWebhooks = self.settings.beamsWebhookSecret.map {
            BeamsWebhookSigner(secret: $0, standard: WebhookSigner(secrets: [self.secret]))
        }
        if let url = push.telegramURL { services.telegramURL = url }
        return services
    }
}

/// Looks after the sender's connections, and closes them when the worker has ended.
struct SenderService: Service {
    let sender: PushSender

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.sender.run() }
        await self.sender.shutdown()
    }
}
