import Beams
public import HTTPClient
public import Logging
public import Market
import Notifications
public import Store

/// Sends deliveries to every push service there is a credential for.
///
/// What has none is held back with a message that says which setting is missing. Someone has to be in ``run()`` while it is
/// used; ``shutdown()`` closes its connections.
public final class PushSender: DeliverySender {
    /// A delivery whose request could be built.
    struct Prepared: Sendable {
        let target: PushTarget
        let request: PushRequest
        let transport: Transport
        var token: CredentialStore.Token?
    }

    let services: PushServices
    let now: @Sendable () -> Timestamp
    private let client: HTTPClient
    private let apnsPools: [APNsEnvironment: HTTP2Pool]
    let apnsTransports: [APNsEnvironment: Transport]
    /// Broadcast channels are made at hosts of their own, and seldom.
    private let channelPools: [APNsEnvironment: HTTP2Pool]
    let channelTransports: [APNsEnvironment: Transport]
    private let fcmPool: HTTP2Pool
    private let fcmTransport: Transport
    private let transport: Transport
    let apnsTokens: TokenSource
    private let fcmTokens: TokenSource
    private let vapid: VAPIDTokens?

    /// Makes a sender; connects nothing yet.
    ///
    /// - Parameters:
    ///   - services: The credentials.
    ///   - client: Sends what does not go over connections of its own; whoever made it shuts it down.
    ///   - credentials: Where tokens are shared; `nil` keeps them to this process.
    ///   - timeout: The limit for one request.
    ///   - version: Goes into the header `User-Agent`.
    ///   - now: The time of day.
    ///   - logger: Where trouble is told.
    public init(
        services: PushServices, client: HTTPClient, credentials: CredentialStore?, timeout: Duration = .seconds(12),
        version: String = "dev", now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.services = services
        self.client = client
        self.now = now
        let isPrivate = services.allowsPrivateAddresses
        var pools: [APNsEnvironment: HTTP2Pool] = [:]
        for environment in APNsEnvironment.allCases {
            pools[environment] = HTTP2Pool(
                version: version, connectionsMax: services.apns?.connectionsMax ?? 1,
                limits: MultiplexLimits(streamsMax: 500))
        }
        self.apnsPools = pools
        self.apnsTransports = pools.mapValues {
            Transport($0, timeout: timeout, allowsPrivateAddresses: isPrivate)
        }
        self.channelPools = pools.mapValues { _ in
            HTTP2Pool(version: version, connectionsMax: 1, limits: MultiplexLimits(streamsMax: 20))
        }
        self.channelTransports = self.channelPools.mapValues {
            Transport($0, timeout: timeout, allowsPrivateAddresses: isPrivate)
        }
        self.fcmPool = HTTP2Pool(
            version: version, connectionsMax: services.fcm?.connectionsMax ?? 1,
            limits: MultiplexLimits(streamsMax: 100))
        self.fcmTransport = Transport(self.fcmPool, timeout: timeout, allowsPrivateAddresses: isPrivate)
        self.transport = Transport(client, timeout: timeout, allowsPrivateAddresses: isPrivate)
        self.apnsTokens = TokenSources.apns(services.apns?.key, credentials, now: now, logger: logger)
        self.fcmTokens = TokenSources.fcm(
            services.fcm?.account, credentials, transport: self.transport, now: now, logger: logger)
        self.vapid = services.webPush.map { VAPIDTokens(key: $0.key, subject: $0.subject) }
    }

    /// Looks after the connections until the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            for pool in self.pools { group.addTask { await pool.run() } }
        }
    }

    /// Ends what is on its way and closes the connections.
    public func shutdown() async {
        for pool in self.pools { await pool.shutdown() }
    }

    /// How the connections to APNs and FCM are, together.
    public var status: [HTTP2PoolStatus] { self.pools.map(\.status) }

    private var pools: [HTTP2Pool] {
        Array(self.apnsPools.values) + Array(self.channelPools.values) + [self.fcmPool]
    }

    /// Makes the request of a delivery, sends it once, and judges the answer.
    public func send(_ delivery: OutboxDelivery, _ options: SendingOptions) async -> SendingResult {
        let prepared: Prepared
        do {
            prepared = try await self.prepare(delivery, options)
        } catch let verdict as Refusal {
            return SendingResult(verdict.verdict, reason: verdict.reason)
        } catch let error as PushError {
            return SendingResult(.abandon(reason: error.description), reason: error.description)
        } catch {
            if Task.isCancelled { return SendingResult(nil) }
            return SendingResult(.retry(after: nil), reason: "\(error)")
        }
        if options.needsNewConnection { prepared.transport.renew() }
        switch await prepared.transport.send(prepared.request) {
        case .interrupted: return SendingResult(nil)
        case .impossible(let reason): return SendingResult(.abandon(reason: reason), reason: reason)
        case .came(let outcome, let reason):
            let attempt = PushAttempt(
                now: self.now(), extent: prepared.request.extent,
                hasSucceededBefore: delivery.device?.lastSuccessAt != nil,
                hasTriedOtherEnvironment: options.isAtOtherEnvironment,
                hasRefreshedCredential: options.hasRefreshedCredential,
                credentialAge: prepared.token.map { .nanoseconds(self.now().nanoseconds - $0.issuedAt.nanoseconds) })
            let verdict = prepared.target.verdict(outcome, attempt)
            guard case .answered(let response) = outcome else { return SendingResult(verdict, reason: reason) }
            return SendingResult(
                verdict, status: response.status, reason: reason,
                answer: String(decoding: response.body.prefix(1_024), as: UTF8.self))
        }
    }
}

extension PushSender {
    /// Why there is no request.
    struct Refusal: Error {
        let verdict: PushVerdict
        let reason: String

        static func suspend(_ reason: String) -> Refusal {
            Refusal(verdict: .suspendCredential(reason: reason), reason: reason)
        }
        static func abandon(_ reason: String) -> Refusal { Refusal(verdict: .abandon(reason: reason), reason: reason) }
        static func retry(_ reason: String, after: Duration?) -> Refusal {
            Refusal(verdict: .retry(after: after), reason: reason)
        }
    }

    private func prepare(_ delivery: OutboxDelivery, _ options: SendingOptions) async throws -> Prepared {
        switch delivery.message {
        case .body(let bytes): return try self.webhook(delivery, bytes)
        case .content(let stored):
            guard let device = delivery.device else { throw Refusal.abandon("the device was removed") }
            var content = stored
            if let expiresAt = delivery.expiresAt { content.expiresAt = expiresAt }
            return try await self.prepare(content, device.target, delivery, options)
        case nil: throw Refusal.abandon("what is stored is no content that this version can read")
        }
    }

    private func prepare(
        _ content: PushContent, _ target: PushTarget, _ delivery: OutboxDelivery, _ options: SendingOptions
    ) async throws -> Prepared {
        let extent = options.extent
        let request: PushRequest
        switch target {
        case .apns(let device): return try await self.apns(content, device, options)
        case .fcm(let recipient): return try await self.fcm(content, recipient, options)
        case .liveActivity, .apnsChannel:
            throw Refusal.abandon("a Live Activity takes prices, not notifications")
        case .webPush(let subscription): request = try await self.webPush(content, subscription, extent)
        case .beams(let audience):
            guard let instance = self.services.beams else { throw Refusal.suspend(Self.missing("Beams", "push.beams")) }
            request = try BeamsBuilder(instance).publish(content, to: audience, now: self.now(), extent: extent)
        case .webhook(let webhook):
            request = try WebhookBuilder(webhook).notification(
                content, type: "alert.fired", deliveryID: delivery.messageID, now: self.now(), extent: extent)
        case .ntfy(let topic): request = try NtfyBuilder(topic).notification(content, extent: extent)
        case .slack(let webhook): request = try SlackBuilder(webhook).notification(content, extent: extent)
        case .discord(let webhook): request = try DiscordBuilder(webhook).notification(content, extent: extent)
        case .telegram(let chat):
            request = try TelegramBuilder(chat, server: self.services.telegramURL).notification(content, extent: extent)
        }
        return Prepared(target: target, request: request, transport: self.transport)
    }

    private func webhook(_ delivery: OutboxDelivery, _ bytes: [UInt8]) throws -> Prepared {
        let seconds = self.now().microseconds / 1_000_000
        let headers: [NotificationHeader]
        switch delivery.service {
        case .webhook:
            headers = WebhookSigner(secrets: self.services.webhookSecrets).headers(
                id: "msg_" + delivery.messageID, unixSeconds: seconds, body: bytes)
        case .beamsWebhook:
            guard let signer = self.services.beamsWebhooks else {
                throw Refusal.suspend(Self.missing("Beams webhooks", "beams.instance and beams.secretKey"))
            }
            headers = signer.headers(
                bytes, to: delivery.target, requestID: delivery.messageID, unixSeconds: seconds)
        case .apns, .liveActivity, .apnsChannel, .fcm, .webPush, .beams, .ntfy, .slack, .discord, .telegram:
            throw Refusal.abandon("there is no sender for a body to '\(delivery.service.rawValue)'")
        }
        return Prepared(
            target: .webhook(WebhookTarget(url: delivery.target, secrets: self.services.webhookSecrets)),
            request: PushRequest(url: delivery.target, headers: headers, body: bytes), transport: self.transport)
    }

    private func apns(
        _ content: PushContent, _ device: APNsDevice, _ options: SendingOptions
    ) async throws -> Prepared {
        guard let apns = self.services.apns else { throw Refusal.suspend(Self.missing("APNs", "push.apns.keyFile")) }
        var device = device
        if options.isAtOtherEnvironment { device.environment = device.environment.other }
        guard let transport = self.apnsTransports[device.environment] else {
            throw Refusal.abandon("there is no connection to APNs' \(device.environment.rawValue)")
        }
        var token = try await self.apnsTokens.token()
        if options.needsFreshCredential { token = try await self.apnsTokens.token(butNot: token.exposed) }
        let builder = try APNsBuilder(
            device: device, providerToken: PushSecret(token.exposed), servers: apns.servers(device.environment))
        return Prepared(
            target: .apns(device), request: try builder.notification(content, extent: options.extent),
            transport: transport, token: token)
    }

    private func fcm(
        _ content: PushContent, _ recipient: FCMRecipient, _ options: SendingOptions
    ) async throws -> Prepared {
        guard let fcm = self.services.fcm else {
            throw Refusal.suspend(Self.missing("FCM", "push.fcm.serviceAccountFile"))
        }
        var token = try await self.fcmTokens.token()
        if options.needsFreshCredential { token = try await self.fcmTokens.token(butNot: token.exposed) }
        let builder = try FCMBuilder(
            recipient: recipient, projectID: fcm.account.projectID, accessToken: PushSecret(token.exposed),
            server: fcm.url, topicKey: self.services.topicKey)
        return Prepared(
            target: .fcm(recipient),
            request: try builder.notification(content, now: self.now(), extent: options.extent),
            transport: self.fcmTransport, token: token)
    }

    private func webPush(
        _ content: PushContent, _ subscription: WebPushSubscription, _ extent: PushExtent
    ) async throws -> PushRequest {
        guard let webPush = self.services.webPush, let vapid = self.vapid else {
            throw Refusal.suspend(Self.missing("Web Push", "push.vapid.keyFile"))
        }
        try webPush.rules.check(subscription.endpoint)
        let authorization = try await vapid.authorization(subscription.endpoint, now: self.now())
        let builder = WebPushBuilder(
            subscription: subscription, authorization: PushSecret(authorization), topicKey: self.services.topicKey)
        return try builder.notification(content, now: self.now(), extent: extent, ephemeral: .random())
    }

    static func missing(_ service: String, _ setting: String) -> String {
        "there is no credential for \(service): set \(setting) and start again"
    }
}
