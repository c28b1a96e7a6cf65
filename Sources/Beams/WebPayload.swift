/// The payload of a publication for browsers.
public struct WebPayload: Hashable, Sendable {
    /// What is shown; `nil` when there is only data.
    public let notification: [String: JSONValue]?
    /// The application's own members.
    public let data: [String: JSONValue]
    /// For how many seconds the push service keeps it; at most four weeks.
    public let timeToLive: Int64

    /// Four weeks, the default and the most.
    public static let timeToLiveMax: Int64 = 2_419_200

    init(_ value: JSONValue) throws(BeamsError) {
        guard value.members != nil else { throw .unprocessable("web is \(value.kind), not an object.") }
        self.notification = try PayloadReading.object(value, "notification", in: "web")
        if self.notification != nil {
            for name in ["title", "body", "icon", "deep_link"] {
                _ = try PayloadReading.string(value["notification"] ?? .null, name, in: "web.notification")
            }
            if let flag = self.notification?["hide_notification_if_site_has_focus"], flag != .boolean(true),
                flag != .boolean(false)
            {
                throw .unprocessable("web.notification.hide_notification_if_site_has_focus is no boolean.")
            }
        }
        let data = try PayloadReading.object(value, "data", in: "web")
        guard self.notification != nil || data != nil else {
            throw .unprocessable("web has neither notification nor data.")
        }
        if data?["pusher"] != nil {
            throw .unprocessable("web.data.pusher is a name that the service keeps to itself.")
        }
        self.data = data ?? [:]
        self.timeToLive =
            try PayloadReading.integer(value, "time_to_live", in: "web", 0...Self.timeToLiveMax) ?? Self.timeToLiveMax
    }

    /// The JSON that the SDK's service worker understands: without `data.pusher` it ignores a message.
    ///
    /// - Parameters:
    ///   - publishID: The publication.
    ///   - instance: The instance's id.
    /// - Returns: JSON text, to be encrypted.
    public func bytes(publishID: String, instance: String) -> [UInt8] {
        var data = self.data
        data["pusher"] = .object([
            "instanceId": .string(instance), "publishId": .string(publishID),
            "hasDisplayableContent": .boolean(self.notification != nil), "hasData": .boolean(!self.data.isEmpty),
        ])
        return JSONValue.object([
            "notification": .object(self.notification ?? [:]), "data": .object(data),
        ]).bytes
    }
}
