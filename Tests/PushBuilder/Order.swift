import Foundation
import Market
import Notifications

/// What shall be built.
struct Order: Decodable {
    /// The content of a notification, all but the first two optional.
    struct Content: Decodable {
        var title: String
        var body: String
        var eventID: String?
        var subtitle: String?
        var collapseID: String?
        var threadID: String?
        var priority: String?
        var validSeconds: Int64?
        var link: String?
        var imageURL: String?
        var sound: String?
        var badge: Int?
        var data: [[String]]?
        var actions: [[String]]?
        var sparkline: [Int]?
        var symbol: String?
        var titleKey: String?
        var bodyKey: String?
        var isSilent: Bool?
    }

    /// `apns`, `apns-token`, `fcm`, `fcm-token`, `seal`, `webpush`, `vapid`, `beams`, `beams-token`, `webhook`, `telegram`, `slack`,
    /// `discord` or `ntfy`.
    var make: String
    var content: Content?
    /// Unix seconds.
    var now: Int64?
    var token: String?
    var kind: String?
    var key: String?
    var keyID: String?
    var team: String?
    var subject: String?
    var endpoint: String?
    var p256dh: String?
    var auth: String?
    /// Base64.
    var plaintext: String?
    var padding: Bool?
    var account: String?
    var interests: [String]?
    var users: [String]?
    var hosts: [String]?
    var user: String?

    /// The answer.
    func built() async throws -> [String: Any] {
        switch self.make {
        case "apns", "fcm", "webpush", "beams", "webhook": return try self.notification().answer
        case "telegram", "slack", "discord", "ntfy": return try self.chat().answer
        case "apns-token":
            let key = try APNsKey(pem: self.key ?? "", keyID: self.keyID ?? "", teamID: self.team ?? "")
            return ["token": try await key.token(now: self.time)]
        case "fcm-token":
            let account = try FCMServiceAccount(json: Array((self.account ?? "").utf8))
            return try await account.tokenRequest(now: self.time).answer
        case "beams-token":
            return ["token": try await self.instance().userToken(for: self.user ?? "", now: self.time).exposed]
        case "vapid":
            let key = try self.key.map { try VAPIDKey($0) } ?? VAPIDKey()
            let authorization = try await key.authorization(
                endpoint: self.endpoint ?? "", subject: try VAPIDSubject(self.subject ?? ""), now: self.time)
            return ["authorization": authorization, "publicKey": key.publicKey]
        case "seal":
            let plaintext = Array(Data(base64Encoded: self.plaintext ?? "") ?? Data())
            let body = try WebPushEncryption.seal(
                plaintext, for: self.subscription(), padding: self.padding == true ? .steps : .none, with: .random())
            return ["body": Data(body).base64EncodedString()]
        default: return ["error": "unknown: \(self.make)"]
        }
    }

    private func notification() throws -> PushRequest {
        let content = try self.pushContent()
        switch self.make {
        case "apns":
            let device = APNsDevice(
                token: self.token ?? "", topic: self.subject ?? "com.example.prices", environment: .production)
            return try APNsBuilder(device: device, providerToken: PushSecret("token")).notification(content)
        case "fcm":
            let recipient = FCMRecipient(self.token ?? "", kind: FCMRecipient.Kind(rawValue: self.kind ?? "") ?? .token)
            return try FCMBuilder(
                recipient: recipient, projectID: "prices-1", accessToken: PushSecret("access"), topicKey: [1]
            ).notification(content, now: self.time)
        case "webpush":
            return try WebPushBuilder(
                subscription: self.subscription(), authorization: PushSecret(self.key ?? "vapid"), topicKey: [1]
            ).notification(content, now: self.time, ephemeral: .random())
        case "beams":
            let audience = self.users.map { BeamsAudience.users($0) } ?? .interests(self.interests ?? [])
            return try BeamsBuilder(try self.instance()).publish(content, to: audience, now: self.time)
        default:
            let target = WebhookTarget(
                url: self.endpoint ?? "", secrets: [try WebhookSecret(self.key ?? "")])
            return try WebhookBuilder(target).notification(
                content, type: "alert.fired", deliveryID: content.eventID, now: self.time)
        }
    }

    private func chat() throws -> PushRequest {
        let content = try self.pushContent()
        let url = PushSecret(self.endpoint ?? "")
        switch self.make {
        case "telegram":
            return try TelegramBuilder(
                TelegramChat(botToken: PushSecret(self.token ?? ""), chatID: self.subject ?? "1")
            ).notification(content)
        case "slack": return try SlackBuilder(SlackWebhook(url: url)).notification(content)
        case "discord": return try DiscordBuilder(DiscordWebhook(url: url)).notification(content)
        default:
            let topic = NtfyTopic(server: self.endpoint ?? "", topic: self.subject ?? "")
            return try NtfyBuilder(topic).notification(content)
        }
    }

    private var time: Timestamp { Timestamp(microseconds: (self.now ?? 1_795_435_200) * 1_000_000) }

    private func subscription() throws -> WebPushSubscription {
        try WebPushSubscription(
            endpoint: self.endpoint ?? "", p256dh: self.p256dh ?? "", auth: self.auth ?? "",
            rules: self.hosts.map { WebPushEndpointRules(domains: $0) } ?? WebPushEndpointRules())
    }

    private func instance() throws -> BeamsInstance {
        try BeamsInstance(id: self.keyID ?? "", secretKey: PushSecret(self.key ?? ""))
    }

    private func pushContent() throws -> PushContent {
        let given = self.content ?? Content(title: "", body: "")
        var content = PushContent(
            eventID: given.eventID ?? "alert-1-1", title: given.title, body: given.body,
            threadID: given.threadID ?? "BTC-USD", collapseID: given.collapseID ?? "alert-1",
            priority: given.priority.flatMap { NotificationPriority(rawValue: $0) } ?? .active, createdAt: self.time,
            expiresAt: self.time.advanced(byNanoseconds: (given.validSeconds ?? 900) * 1_000_000_000))
        content.subtitle = given.subtitle
        content.link = given.link
        content.imageURL = given.imageURL
        content.sound = given.sound
        content.badge = given.badge
        content.isSilent = given.isSilent ?? false
        content.sparkline = given.sparkline ?? []
        content.symbol = try given.symbol.map { try Symbol($0) }
        if given.titleKey != nil || given.bodyKey != nil {
            content.localization = PushLocalization(
                titleKey: given.titleKey, titleArguments: ["a"], bodyKey: given.bodyKey, bodyArguments: ["b"])
        }
        content.data = (given.data ?? []).map { PushField($0.first ?? "", $0.last ?? "") }
        content.actions = (given.actions ?? []).map {
            PushAction(id: $0.first ?? "", title: $0.dropFirst().first ?? "", link: $0.count > 2 ? $0.last : nil)
        }
        return content
    }
}
