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
    /// Where browsers' subscriptions may point.
    public var webPushRules = WebPushEndpointRules()

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
