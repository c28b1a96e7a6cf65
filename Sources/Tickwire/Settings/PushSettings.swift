public import Notifications

/// What an operator can set about push services.
public struct PushSettings: Sendable {
    /// Apple's authentication key: a `.p8` file.
    public var apnsKeyFile: String?
    /// The key's ten characters.
    public var apnsKeyID: String?
    /// The team's ten characters.
    public var apnsTeamID: String?
    /// Where APNs is, if not at Apple.
    public var apnsURL: String?
    /// Where APNs' sandbox is, if not at Apple.
    public var apnsSandboxURL: String?
    /// Connections to APNs.
    public var apnsConnections = 4
    /// Firebase's service account: a JSON file.
    public var fcmAccountFile: String?
    /// Where FCM is, if not at Google.
    public var fcmURL: String?
    /// Where access tokens are asked for, if not where the account's file says.
    public var fcmTokenURL: String?
    /// Connections to FCM.
    public var fcmConnections = 10
    /// The VAPID key; `nil` is `vapid.pem` in the data directory, if it is there.
    public var webPushKeyFile: String?
    /// Whom push services can reach: `mailto:` or `https:`.
    public var webPushSubject: String?
    /// Domains of push endpoints; `nil` is those of the browsers.
    public var webPushHosts: [String]?
    /// The instance of hosted Pusher Beams.
    public var beamsInstance: String?
    /// Its secret key.
    ///
    /// Secret.
    public var beamsSecretKey: String?
    /// Where Beams is, if not at Pusher.
    public var beamsURL: String?
    /// Where Telegram's bots are, if not at Telegram.
    public var telegramURL: String?
    /// Whether `up` and `ingest` send deliveries; otherwise `tickwire deliver` does.
    public var deliversHere = true
    /// Seconds that a delivery belongs to the worker that took it.
    public var leaseSeconds = 60
    /// Seconds that one request may take.
    public var timeoutSeconds = 12

    /// All defaults.
    public init() {}
}

extension Settings {
    /// Where browsers' subscriptions may point: in plain http only where private addresses are allowed.
    public var webPushRules: WebPushEndpointRules {
        var rules = WebPushEndpointRules(allowsHTTP: self.allowPrivateWebhooks)
        if let hosts = self.push.webPushHosts { rules.domains = hosts }
        return rules
    }
}
