public import Beams
public import Notifications

/// The credentials and addresses of push services: what is not set cannot be used.
public struct PushServices: Sendable {
    /// Apple's.
    public struct APNs: Sendable {
        /// Makes provider tokens.
        public var key: APNsKey
        /// Where production is, if it is not Apple's own.
        public var url: String?
        /// Where the sandbox is, if it is not Apple's own.
        public var sandboxURL: String?
        /// Connections to each.
        public var connectionsMax: Int

        /// Makes the settings of a key.
        public init(key: APNsKey, url: String? = nil, sandboxURL: String? = nil, connectionsMax: Int = 4) {
            self.key = key
            self.url = url
            self.sandboxURL = sandboxURL
            self.connectionsMax = connectionsMax
        }

        /// Where an environment is, if it is not Apple's own; the management of channels is at the same place then.
        func servers(_ environment: APNsEnvironment) -> APNsServers? {
            (environment == .production ? self.url : self.sandboxURL).map { APNsServers(push: $0, channels: $0) }
        }
    }

    /// Firebase Cloud Messaging.
    public struct FCM: Sendable {
        /// Asks for access tokens.
        public var account: FCMServiceAccount
        /// Where messages are sent.
        public var url: String
        /// Connections; Google allows a hundred requests at once on each.
        public var connectionsMax: Int

        /// Makes the settings of an account.
        public init(
            account: FCMServiceAccount, url: String = "https://fcm.googleapis.com", connectionsMax: Int = 10
        ) {
            self.account = account
            self.url = url
            self.connectionsMax = connectionsMax
        }
    }

    /// The push services of browsers.
    public struct WebPush: Sendable {
        /// Who this server is.
        public var key: VAPIDKey
        /// Whom they can reach about it.
        public var subject: VAPIDSubject
        /// Where subscriptions may point.
        public var rules: WebPushEndpointRules

        /// Makes the settings of a key.
        public init(key: VAPIDKey, subject: VAPIDSubject, rules: WebPushEndpointRules = WebPushEndpointRules()) {
            self.key = key
            self.subject = subject
            self.rules = rules
        }
    }

    /// Apple's; `nil` is none.
    public var apns: APNs?
    /// Firebase; `nil` is none.
    public var fcm: FCM?
    /// Browsers; `nil` is none.
    public var webPush: WebPush?
    /// Hosted Pusher Beams; `nil` is none.
    public var beams: BeamsInstance?
    /// Where Telegram's bots are.
    public var telegramURL = "https://api.telegram.org"
    /// Sign the webhooks of alerts.
    public var webhookSecrets: [WebhookSecret]
    /// Signs the webhooks of the Beams instance that is served; `nil` is none.
    public var beamsWebhooks: BeamsWebhookSigner?
    /// Hides collapse ids from push services: secret, the same in all processes.
    public var topicKey: [UInt8]
    /// Whether requests may go to private addresses: targets come from users.
    public var allowsPrivateAddresses: Bool

    /// Makes services without credentials but for webhooks.
    public init(webhookSecrets: [WebhookSecret], topicKey: [UInt8] = [], allowsPrivateAddresses: Bool = false) {
        self.webhookSecrets = webhookSecrets
        self.topicKey = topicKey
        self.allowsPrivateAddresses = allowsPrivateAddresses
    }
}
