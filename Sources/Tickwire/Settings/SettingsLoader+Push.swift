import Foundation
import Notifications

/// Reads where the credentials of push services are.
extension SettingsLoader {
    static let pushKeys = [
        "push.apns.keyFile", "push.apns.keyID", "push.apns.teamID", "push.apns.topic", "push.apns.environment",
        "push.fcm.serviceAccountFile", "push.vapid.keyFile", "push.vapid.subject", "push.beams.instanceID",
        "push.beams.secretKey", "push.webPush.hosts",
    ]

    static func readPush(_ values: Values, into settings: inout Settings) throws {
        if let topic = values.text("push.apns.topic") ?? values.text("push.apnsTopic") {
            guard (try? NotificationOptions(topic: topic)) != nil else {
                throw SetupError.badSetting(
                    name: "push.apns.topic", value: topic,
                    expected: "the app's bundle id, for example com.example.prices")
            }
            settings.apnsTopic = topic
        }
        var push = PushSettings()
        push.apnsKeyFile = values.text("push.apns.keyFile").map { self.absolute($0) }
        push.apnsKeyID = values.text("push.apns.keyID")
        push.apnsTeamID = values.text("push.apns.teamID")
        if let name = values.text("push.apns.environment") {
            guard let environment = APNsEnvironment(rawValue: name) else {
                throw SetupError.badSetting(
                    name: "push.apns.environment", value: name, expected: "production or sandbox")
            }
            push.apnsEnvironment = environment
        }
        push.fcmServiceAccountFile = values.text("push.fcm.serviceAccountFile").map { self.absolute($0) }
        push.vapidKeyFile = values.text("push.vapid.keyFile").map { self.absolute($0) }
        push.vapidSubject = values.text("push.vapid.subject")
        push.beamsInstanceID = values.text("push.beams.instanceID")
        push.beamsSecretKey = values.text("push.beams.secretKey").map { PushSecret($0) }
        if let hosts = values.list("push.webPush.hosts") { push.webPushRules.domains = hosts }
        try self.checkTogether([
            ("push.apns.keyFile", push.apnsKeyFile != nil), ("push.apns.keyID", push.apnsKeyID != nil),
            ("push.apns.teamID", push.apnsTeamID != nil),
        ])
        try self.checkTogether([
            ("push.beams.instanceID", push.beamsInstanceID != nil),
            ("push.beams.secretKey", push.beamsSecretKey != nil),
        ])
        settings.push = push
    }

    /// Half a credential is a mistake.
    private static func checkTogether(_ parts: [(name: String, isSet: Bool)]) throws {
        guard parts.contains(where: \.isSet), let missing = parts.first(where: { !$0.isSet }) else { return }
        let names = parts.map(\.name)
        throw SetupError.badSetting(
            name: missing.name, value: "",
            expected: "a value: \(names.dropLast().joined(separator: ", ")) and \(names.last ?? "") go together")
    }
}
