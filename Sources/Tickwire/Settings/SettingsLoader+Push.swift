/// Reads what concerns push services.
extension SettingsLoader {
    static let pushKeys = [
        "push.apns.keyFile", "push.apns.keyID", "push.apns.teamID", "push.apns.url", "push.apns.sandboxURL",
        "push.apns.connections", "push.fcm.accountFile", "push.fcm.url", "push.fcm.tokenURL", "push.fcm.connections",
        "push.webPush.keyFile", "push.webPush.subject", "push.webPush.hosts", "push.beams.instance",
        "push.beams.secretKey", "push.beams.url", "push.telegram.url", "deliver.here", "deliver.lease",
        "deliver.timeout",
    ]

    static func readPush(_ values: Values, into settings: inout Settings) throws {
        var push = PushSettings()
        push.apnsKeyFile = values.text("push.apns.keyFile").map { self.absolute($0) }
        push.apnsKeyID = values.text("push.apns.keyID")
        push.apnsTeamID = values.text("push.apns.teamID")
        push.apnsURL = try self.url("push.apns.url", values)
        push.apnsSandboxURL = try self.url("push.apns.sandboxURL", values)
        if let count = try values.whole("push.apns.connections", in: 1...64) { push.apnsConnections = count }
        push.fcmAccountFile = values.text("push.fcm.accountFile").map { self.absolute($0) }
        push.fcmURL = try self.url("push.fcm.url", values)
        push.fcmTokenURL = try self.url("push.fcm.tokenURL", values)
        if let count = try values.whole("push.fcm.connections", in: 1...64) { push.fcmConnections = count }
        push.webPushKeyFile = values.text("push.webPush.keyFile").map { self.absolute($0) }
        push.webPushSubject = values.text("push.webPush.subject")
        push.webPushHosts = values.list("push.webPush.hosts")
        push.beamsInstance = values.text("push.beams.instance")
        push.beamsSecretKey = values.text("push.beams.secretKey")
        push.beamsURL = try self.url("push.beams.url", values)
        push.telegramURL = try self.url("push.telegram.url", values)
        if let isHere = try values.flag("deliver.here") { push.deliversHere = isHere }
        if let seconds = try values.whole("deliver.timeout", in: 1...60) { push.timeoutSeconds = seconds }
        if let seconds = try values.whole("deliver.lease", in: 4...3_600) { push.leaseSeconds = seconds }
        guard push.leaseSeconds >= 4 * push.timeoutSeconds else {
            throw SetupError.badSetting(
                name: "deliver.lease", value: String(push.leaseSeconds),
                expected: "at least four times deliver.timeout, which is \(push.timeoutSeconds)")
        }
        settings.push = push
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
}
