/// The payload of a publication for Android devices: written in FCM's old form, sent in its present one.
public struct FCMPayload: Hashable, Sendable {
    /// The message of FCM's HTTP v1 API without its target.
    public let message: JSONValue
    /// For how many seconds the service keeps it; `nil`: four weeks.
    public let timeToLive: Int64?
    /// What replaces an older message of the same key.
    public let collapseKey: String?
    /// The application's own values, all strings.
    private let data: [String: String]
    /// Whether the device shows something by itself.
    private let isDisplayable: Bool

    /// Names of the old form and of the present one.
    private static let notificationNames: [String: String] = [
        "icon": "icon", "sound": "sound", "tag": "tag", "color": "color", "click_action": "click_action",
        "android_channel_id": "channel_id", "title_loc_key": "title_loc_key", "title_loc_args": "title_loc_args",
        "body_loc_key": "body_loc_key", "body_loc_args": "body_loc_args",
    ]

    init(_ value: JSONValue) throws(BeamsError) {
        guard value.members != nil else { throw .unprocessable("fcm is \(value.kind), not an object.") }
        let notification = try PayloadReading.object(value, "notification", in: "fcm")
        let data = try PayloadReading.object(value, "data", in: "fcm")
        guard notification != nil || data != nil else {
            throw .unprocessable("fcm has neither notification nor data.")
        }
        self.timeToLive = try PayloadReading.integer(value, "time_to_live", in: "fcm", 0...2_419_200)
        self.collapseKey = try PayloadReading.string(value, "collapse_key", in: "fcm")
        let priority = try PayloadReading.string(value, "priority", in: "fcm")
        if let priority, !["normal", "high"].contains(priority) {
            throw .unprocessable("fcm.priority is '\(priority.prefix(20))': write normal or high.")
        }
        var strings: [String: String] = [:]
        for (name, value) in data ?? [:] {
            guard !Self.isReserved(name) else {
                throw .unprocessable("fcm.data.\(name) is a name that FCM keeps to itself.")
            }
            strings[name] = value.string ?? String(decoding: value.bytes, as: UTF8.self)
        }
        self.data = strings
        self.isDisplayable = notification != nil
        var android: [String: JSONValue] = [:]
        if let seconds = self.timeToLive { android["ttl"] = .string("\(seconds)s") }
        if let key = self.collapseKey { android["collapse_key"] = .string(key) }
        if let priority { android["priority"] = .string(priority.uppercased()) }
        var message: [String: JSONValue] = [:]
        if let notification {
            var common: [String: JSONValue] = [:]
            for name in ["title", "body", "image"] { common[name] = notification[name] }
            message["notification"] = .object(common)
            var own: [String: JSONValue] = [:]
            for (old, new) in Self.notificationNames { own[new] = notification[old] }
            if !own.isEmpty { android["notification"] = .object(own) }
        }
        if !android.isEmpty { message["android"] = .object(android) }
        self.message = .object(message)
    }

    /// The message without its target.
    ///
    /// - Parameters:
    ///   - publishID: The publication.
    ///   - instance: The instance's id.
    /// - Returns: JSON text.
    public func bytes(publishID: String, instance: String) -> [UInt8] {
        var members = self.message.members ?? [:]
        var data = self.data.mapValues(JSONValue.string)
        let marks: JSONValue = .object([
            "instanceId": .string(instance), "publishId": .string(publishID),
            "hasDisplayableContent": .boolean(self.isDisplayable), "hasData": .boolean(!self.data.isEmpty),
        ])
        data["pusher"] = .string(String(decoding: marks.bytes, as: UTF8.self))
        members["data"] = .object(data)
        return JSONValue.object(members).bytes
    }

    private static func isReserved(_ name: String) -> Bool {
        name == "from" || name == "message_type" || name.hasPrefix("google.") || name.hasPrefix("gcm.notification.")
            || name == "pusher"
    }
}
