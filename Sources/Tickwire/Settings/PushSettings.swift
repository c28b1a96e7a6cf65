public import Notifications

/// The credentials of push services, as an operator names them: files and ids.
public struct PushSettings: Sendable, CustomStringConvertible, CustomReflectable {
    /// Apple's `.p8` file.
    public var apnsKeyFile: String?
    /// The ten characters that Apple gave the key.
    public var apnsKeyID: String?
    /// The ten characters of the developer team.
    public var apnsTeamID: String?
    /// Where devices are that do not say it themselves.
    public var apnsEnvironment = APNsEnvironment.production
    /// The Firebase project's service account file.
    public var fcmServiceAccountFile: String?
    /// The VAPID key's file; `nil` takes `vapid.pem` of the data directory if it is there.
    public var vapidKeyFile: String?
    /// Whom push services can reach: `mailto:…` or `https://…`.
    public var vapidSubject: String?
    /// The hosted Beams instance.
    public var beamsInstanceID: String?
    /// Its secret key.
    ///
    /// Secret.
    public var beamsSecretKey: PushSecret?
    /// Domains of push endpoints; `nil` is those of the browsers.
    public var webPushHosts: [String]?
    /// Where APNs is, if not at Apple.
    public var apnsURL: String?
    /// Where APNs' sandbox is, if not at Apple.
    public var apnsSandboxURL: String?
    /// Connections to APNs.
    public var apnsConnections = 4
    /// Where FCM is, if not at Google.
    public var fcmURL: String?
    /// Where access tokens are asked for, if not where the account's file says.
    public var fcmTokenURL: String?
    /// Connections to FCM.
    public var fcmConnections = 10
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
    /// Milliseconds that pushes wait for a connection of their user's to show the alert; 0 waits for none.
    public var shownGraceMilliseconds = 0
    /// Days that finished deliveries are kept.
    public var keepDays = 30
    /// Days that deliveries are kept that were given up.
    public var keepDeadDays = 90

    /// Live prices on lock screens.
    public var live = LivePriceSettings()

    /// None.
    public init() {}

    /// What is set, without files and secrets.
    public var description: String {
        let names = [
            self.apnsKeyFile.map { _ in "apns" }, self.fcmServiceAccountFile.map { _ in "fcm" },
            self.vapidSubject.map { _ in "vapid" }, self.beamsInstanceID.map { _ in "beams" },
        ]
        return "PushSettings(\(names.compactMap(\.self).joined(separator: ", ")))"
    }

    /// What is set, without files and secrets.
    public var customMirror: Mirror { Mirror(self, children: ["set": self.description]) }
}

extension Settings {
    /// Where browsers' subscriptions may point: in plain http only where private addresses are allowed.
    public var webPushRules: WebPushEndpointRules {
        var rules = WebPushEndpointRules(allowsHTTP: self.allowPrivateWebhooks)
        if let hosts = self.push.webPushHosts { rules.domains = hosts }
        return rules
    }
}
