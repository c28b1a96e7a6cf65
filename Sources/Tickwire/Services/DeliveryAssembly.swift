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
            services: [SenderService(sender: sender), worker],
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
        return OutboxQueue(client: self.client, worker: name, logger: self.logger)
    }

    /// Limits and times.
    public var deliverySettings: DeliverySettings {
        DeliverySettings(
            timeout: .seconds(self.settings.push.timeoutSeconds), lease: .seconds(self.settings.push.leaseSeconds))
    }

    private func services() throws -> PushServices {
        let push = self.settings.push
        let topicKey = Array(SHA256.hash(data: Array("topic \(self.secret.exposed)".utf8)))
        var services = PushServices(
            webhookSecrets: [self.secret], topicKey: topicKey,
            allowsPrivateAddresses: self.settings.allowPrivateWebhooks)
        if let file = push.apnsKeyFile {
            let key = try APNsKey(
                pem: String(decoding: try Self.read(file, "push.apns.keyFile"), as: UTF8.self),
                keyID: push.apnsKeyID ?? "", teamID: push.apnsTeamID ?? "")
            services.apns = .init(
                key: key, url: push.apnsURL, sandboxURL: push.apnsSandboxURL, connectionsMax: push.apnsConnections)
        }
        if let file = push.fcmAccountFile {
            let account = try FCMServiceAccount(
                json: try Self.read(file, "push.fcm.accountFile"), tokenURL: push.fcmTokenURL)
            services.fcm = .init(
                account: account, url: push.fcmURL ?? "https://fcm.googleapis.com", connectionsMax: push.fcmConnections)
        }
        services.webPush = try self.webPush()
        if let instance = push.beamsInstance {
            services.beams = try BeamsInstance(
                id: instance, secretKey: PushSecret(push.beamsSecretKey ?? ""), server: push.beamsURL)
        }
        if let url = push.telegramURL { services.telegramURL = url }
        return services
    }

    private func webPush() throws -> PushServices.WebPush? {
        let push = self.settings.push
        let standard = self.settings.dataDirectory + "/vapid.pem"
        guard let file = push.webPushKeyFile ?? (FileManager.default.fileExists(atPath: standard) ? standard : nil)
        else { return nil }
        guard let subject = push.webPushSubject else {
            throw SetupError.badSetting(
                name: "push.webPush.subject", value: "",
                expected: "whom push services can reach, such as mailto:ops@example.com")
        }
        return .init(
            key: try VAPIDKey(String(decoding: try Self.read(file, "push.webPush.keyFile"), as: UTF8.self)),
            subject: try VAPIDSubject(subject), rules: self.settings.webPushRules)
    }

    private static func read(_ file: String, _ setting: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw SetupError.notFound(what: "The file", path: file, fix: "Put it there, or correct \(setting).")
        }
        return Array(data)
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
