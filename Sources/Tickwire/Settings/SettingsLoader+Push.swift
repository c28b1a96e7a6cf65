import Foundation
import Notifications

/// Reads where the credentials of push services are.
extension SettingsLoader {
    static let pushKeys = [
        "push.live.symbols", "push.live.cadence", "push.live.alertUsers",
        "push.apns.keyFile", "push.apns.keyID", "push.apns.teamID", "push.apns.topic", "push.apns.environment",
        "push.fcm.serviceAccountFile", "push.vapid.keyFile", "push.vapid.subject", "push.beams.instanceID",
        "push.beams.secretKey", "push.webPush.hosts", "push.apns.url", "push.apns.sandboxURL", "push.apns.connections",
        "push.fcm.url", "push.fcm.tokenURL", "push.fcm.connections", "push.beams.url", "push.telegram.url",
        "deliver.here", "deliver.lease", "deliver.timeout", "deliver.keep", "deliver.keepDead",
        "deliver.shownGrace",
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
        push.webPushHosts = values.list("push.webPush.hosts")
        try self.readDelivery(values, into: &push)
        push.live = try self.readLive(values)
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

    /// Where services are, if elsewhere than their owners have them, and how they are sent to.
    private static func readDelivery(_ values: Values, into push: inout PushSettings) throws {
        push.apnsURL = try self.url("push.apns.url", values)
        push.apnsSandboxURL = try self.url("push.apns.sandboxURL", values)
        if let count = try values.whole("push.apns.connections", in: 1...64) { push.apnsConnections = count }
        push.fcmURL = try self.url("push.fcm.url", values)
        push.fcmTokenURL = try self.url("push.fcm.tokenURL", values)
        if let count = try values.whole("push.fcm.connections", in: 1...64) { push.fcmConnections = count }
        push.beamsURL = try self.url("push.beams.url", values)
        push.telegramURL = try self.url("push.telegram.url", values)
        if let isHere = try values.flag("deliver.here") { push.deliversHere = isHere }
        if let seconds = try values.whole("deliver.timeout", in: 1...60) { push.timeoutSeconds = seconds }
        if let seconds = try values.whole("deliver.lease", in: 4...3_600) { push.leaseSeconds = seconds }
        // In milliseconds.
        if let grace = try values.whole("deliver.shownGrace", in: 0...30_000) { push.shownGraceMilliseconds = grace }
        // In days.
        if let days = try values.whole("deliver.keep", in: 1...3_650) { push.keepDays = days }
        if let days = try values.whole("deliver.keepDead", in: 1...3_650) { push.keepDeadDays = days }
        guard push.leaseSeconds >= 4 * push.timeoutSeconds else {
            throw SetupError.badSetting(
                name: "deliver.lease", value: String(push.leaseSeconds),
                expected: "at least four times deliver.timeout, which is \(push.timeoutSeconds)")
        }
    }

    /// A base URL without its final slash.
    private static func url(_ key: String, _ values: Values) throws -> String? {
        guard var text = values.text(key) else { return nil }
        while text.last == "/" { text.removeLast() }
        let rest = ["https://", "http://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) }
        guard let rest, !rest.isEmpty, !rest.contains("@"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw SetupError.badSetting(
                name: key, value: text, expected: "a base URL such as https://push.example:8443, without a user")
        }
        return text
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
