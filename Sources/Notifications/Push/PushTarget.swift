/// Where a notification goes: one case for each kind of service.
public enum PushTarget: Hashable, Sendable {
    /// An Apple device.
    case apns(APNsDevice)
    /// One Live Activity on an Apple device, by its update or push-to-start token.
    case liveActivity(APNsDevice)
    /// Everyone whose Live Activity listens to a broadcast channel.
    case apnsChannel(APNsChannel)
    /// An installation that Firebase knows.
    case fcm(FCMRecipient)
    /// A browser's push subscription.
    case webPush(WebPushSubscription)
    /// Interests or users of hosted Pusher Beams.
    case beams(BeamsAudience)
    /// A Standard Webhooks receiver.
    case webhook(WebhookTarget)
    /// A topic of an ntfy server.
    case ntfy(NtfyTopic)
    /// A Slack incoming webhook.
    case slack(SlackWebhook)
    /// A Discord webhook.
    case discord(DiscordWebhook)
    /// A Telegram chat.
    case telegram(TelegramChat)
}

/// An Apple device, or an activity on one, as APNs names it.
public struct APNsDevice: Hashable, Sendable {
    /// The token in hexadecimal digits, as the app reported it.
    public var token: String
    /// The app's bundle id, without a suffix.
    public var topic: String
    /// Which of Apple's services issued the token.
    public var environment: APNsEnvironment

    /// Makes a device.
    public init(token: String, topic: String, environment: APNsEnvironment) {
        self.token = token
        self.topic = topic
        self.environment = environment
    }
}

/// Which of Apple's two separate services.
public enum APNsEnvironment: String, Hashable, Sendable, CaseIterable {
    /// Apps from the store and TestFlight.
    case production
    /// Apps run from Xcode.
    case sandbox

    /// The other one.
    public var other: APNsEnvironment { self == .production ? .sandbox : .production }
}

/// A broadcast channel of APNs.
public struct APNsChannel: Hashable, Sendable {
    /// The Base64 id that Apple gave it.
    public var id: String
    /// The app's bundle id, without a suffix.
    public var topic: String
    /// Which of Apple's services made it.
    public var environment: APNsEnvironment

    /// Makes a channel.
    public init(id: String, topic: String, environment: APNsEnvironment) {
        self.id = id
        self.topic = topic
        self.environment = environment
    }
}

/// An installation of an app as Firebase names it.
public struct FCMRecipient: Hashable, Sendable {
    /// What `value` is.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A registration token.
        case token
        /// A Firebase installation id.
        case installation = "fid"
    }

    /// What `value` is.
    public var kind: Kind
    /// The token or id.
    public var value: String

    /// Makes a recipient.
    public init(_ value: String, kind: Kind = .token) {
        self.kind = kind
        self.value = value
    }
}

/// A browser's push subscription: `PushSubscription` of the Push API.
public struct WebPushSubscription: Hashable, Sendable {
    /// Where to post.
    public let endpoint: String
    /// The browser's public key: 65 bytes, an uncompressed point of P-256.
    public let publicKey: [UInt8]
    /// The browser's authentication secret: 16 bytes.
    public let authSecret: [UInt8]
    /// The Beams instance whose SDK registered it; `nil` when another worker reads what comes.
    ///
    /// The SDK's service worker shows only what names the instance.
    public var beamsInstance: String?

    /// Makes a subscription from parts that were checked already, such as those of the database.
    public init(endpoint: String, publicKey: [UInt8], authSecret: [UInt8], beamsInstance: String? = nil) {
        self.endpoint = endpoint
        self.publicKey = publicKey
        self.authSecret = authSecret
        self.beamsInstance = beamsInstance
    }
}

/// Whom hosted Beams shall tell.
public enum BeamsAudience: Hashable, Sendable {
    /// Devices subscribed to any of 1 to 100 interests.
    case interests([String])
    /// Devices of any of 1 to 1000 users.
    case users([String])
}

/// A receiver of Standard Webhooks.
public struct WebhookTarget: Hashable, Sendable {
    /// Where to post.
    public var url: String
    /// What signs, one or several while they are being rotated.
    public var secrets: [WebhookSecret]

    /// Makes a receiver.
    public init(url: String, secrets: [WebhookSecret]) {
        self.url = url
        self.secrets = secrets
    }
}

/// A topic of an ntfy server.
public struct NtfyTopic: Hashable, Sendable {
    /// The server's base URL: `https://ntfy.sh`.
    public var server: String
    /// The topic.
    public var topic: String
    /// An access token, if the topic needs one.
    public var token: PushSecret?

    /// Makes a topic.
    public init(server: String, topic: String, token: PushSecret? = nil) {
        self.server = server
        self.topic = topic
        self.token = token
    }
}

/// A Slack incoming webhook: its URL is its secret.
public struct SlackWebhook: Hashable, Sendable {
    /// `https://hooks.slack.com/services/…`.
    public var url: PushSecret

    /// Makes a webhook.
    public init(url: PushSecret) { self.url = url }
}

/// A Discord webhook: its URL is its secret.
public struct DiscordWebhook: Hashable, Sendable {
    /// `https://discord.com/api/webhooks/ID/TOKEN`.
    public var url: PushSecret

    /// Makes a webhook.
    public init(url: PushSecret) { self.url = url }
}

/// A Telegram chat and the bot that writes to it.
public struct TelegramChat: Hashable, Sendable {
    /// The bot's token: `123456:ABC…`.
    public var botToken: PushSecret
    /// A number, or `@name` of a public channel.
    public var chatID: String

    /// Makes a chat.
    public init(botToken: PushSecret, chatID: String) {
        self.botToken = botToken
        self.chatID = chatID
    }
}
