import Crypto
import FoundationEssentials
import Notifications
import Postgres

/// A push target as the columns of `devices` hold it.
struct StoredTarget {
    let service: DeliveryService
    let token: String
    let secrets: [String: String]
    var topic: String?
    var environment: String?

    init(_ target: PushTarget) {
        var secrets: [String: String] = [:]
        switch target {
        case .apns(let device), .liveActivity(let device):
            if case .apns = target { self.service = .apns } else { self.service = .liveActivity }
            // Apple's hexadecimal digits are the same in capitals.
            self.token = device.token.lowercased()
            self.topic = device.topic
            self.environment = device.environment.rawValue
        case .apnsChannel(let channel):
            self.service = .apnsChannel
            self.token = channel.id
            self.topic = channel.topic
            self.environment = channel.environment.rawValue
        case .fcm(let recipient):
            self.service = .fcm
            self.token = recipient.value
            secrets["kind"] = recipient.kind.rawValue
        case .webPush(let subscription):
            self.service = .webPush
            self.token = subscription.endpoint
            secrets["p256dh"] = Data(subscription.publicKey).base64EncodedString()
            secrets["auth"] = Data(subscription.authSecret).base64EncodedString()
            secrets["beams"] = subscription.beamsInstance
        case .beams(.interests(let names)):
            self.service = .beams
            self.token = names.joined(separator: "\n")
            secrets["kind"] = "interests"
        case .beams(.users(let names)):
            self.service = .beams
            self.token = names.joined(separator: "\n")
            secrets["kind"] = "users"
        case .webhook(let webhook):
            self.service = .webhook
            self.token = webhook.url
            secrets["secrets"] = webhook.secrets.map(\.exposed).joined(separator: " ")
        case .ntfy(let topic):
            self.service = .ntfy
            self.token = topic.server + "\n" + topic.topic
            secrets["token"] = topic.token?.exposed
        case .slack(let webhook):
            self.service = .slack
            self.token = webhook.url.exposed
        case .discord(let webhook):
            self.service = .discord
            self.token = webhook.url.exposed
        case .telegram(let chat):
            self.service = .telegram
            self.token = chat.chatID
            secrets["botToken"] = chat.botToken.exposed
        }
        self.secrets = secrets
    }

    /// The same for the same token, whoever's it is.
    var hash: [UInt8] {
        // A chat is another one for each bot.
        let bot = self.secrets["botToken"].map { "\n" + $0 } ?? ""
        return Array(SHA256.hash(data: Array("\(self.service.rawValue)\n\(self.token)\(bot)".utf8)))
    }

    /// The credential that carries it: see ``DeliveryLane``.
    var lane: String {
        switch self.service {
        case .apns, .liveActivity, .apnsChannel: "apns:\(self.environment ?? ""):\(self.topic ?? "")"
        case .fcm: "fcm"
        case .beams: "beams"
        case .telegram: "telegram:\((self.secrets["botToken"] ?? "").prefix { $0 != ":" })"
        case .webPush, .webhook, .ntfy, .slack, .discord, .beamsWebhook:
            "\(self.service.rawValue):\(Self.authority(of: self.token))"
        }
    }

    /// The host and port of a URL, in small letters.
    private static func authority(of url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty else { return "" }
        let ends: Set<Character> = ["/", "?", "#", "\n"]
        let authority = parts[2].prefix { !ends.contains($0) }
        return authority.split(separator: "@").last.map { $0.lowercased() } ?? ""
    }

    /// The secrets as a JSON object.
    func secretsJSON() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self.secrets), as: UTF8.self)
    }

    /// Reads the columns service, token, secrets, topic and environment, which stand in this order from `first` on.
    static func target(_ row: PostgresRow, from first: Int) throws -> PushTarget {
        let service = try row.text(first)
        let token = try row.text(first + 1)
        let secrets: [String: String]
        do {
            secrets = try JSONDecoder().decode([String: String].self, from: Data(try row.text(first + 2).utf8))
        } catch is DecodingError {
            throw row.unexpected(first + 2, "an object of strings")
        }
        let topic = row.optionalText(first + 3) ?? ""
        let environment = row.optionalText(first + 4).flatMap(APNsEnvironment.init) ?? .production
        guard let kind = DeliveryService(rawValue: service) else { throw row.unexpected(first, "a push service") }
        let bytes: (String) -> [UInt8] = { name in
            secrets[name].flatMap { Data(base64Encoded: $0) }.map { Array($0) } ?? []
        }
        switch kind {
        case .apns: return .apns(APNsDevice(token: token, topic: topic, environment: environment))
        case .liveActivity: return .liveActivity(APNsDevice(token: token, topic: topic, environment: environment))
        case .apnsChannel: return .apnsChannel(APNsChannel(id: token, topic: topic, environment: environment))
        case .fcm: return .fcm(FCMRecipient(token, kind: secrets["kind"].flatMap(FCMRecipient.Kind.init) ?? .token))
        case .webPush:
            return .webPush(
                WebPushSubscription(
                    endpoint: token, publicKey: bytes("p256dh"), authSecret: bytes("auth"),
                    beamsInstance: secrets["beams"]))
        case .beams:
            let names = token.split(separator: "\n").map(String.init)
            return .beams(secrets["kind"] == "users" ? .users(names) : .interests(names))
        case .webhook:
            let texts = (secrets["secrets"] ?? "").split(separator: " ").map(String.init)
            do {
                return .webhook(
                    WebhookTarget(
                        url: token, secrets: try texts.map { text throws(NotificationError) in try WebhookSecret(text) }
                    ))
            } catch {
                throw row.unexpected(first + 2, "webhook secrets")
            }
        case .ntfy:
            let parts = token.split(separator: "\n", maxSplits: 1).map(String.init)
            return .ntfy(
                NtfyTopic(
                    server: parts.first ?? "", topic: parts.count > 1 ? parts[1] : "",
                    token: secrets["token"].map { PushSecret($0) }))
        case .beamsWebhook: throw row.unexpected(first, "a service that devices have")
        case .slack: return .slack(SlackWebhook(url: PushSecret(token)))
        case .discord: return .discord(DiscordWebhook(url: PushSecret(token)))
        case .telegram:
            return .telegram(TelegramChat(botToken: PushSecret(secrets["botToken"] ?? ""), chatID: token))
        }
    }
}
