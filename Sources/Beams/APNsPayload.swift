/// The payload of a publication for Apple devices.
public struct APNsPayload: Hashable, Sendable {
    /// The JSON that the device gets: `aps`, `data` and the application's own members.
    public let json: JSONValue
    /// What replaces an older notification of the same id; at most 64 bytes.
    public let collapseID: String?
    /// Unix seconds after which it is worthless; `nil`: as long as the service keeps it.
    public let expiration: Int64?
    /// 10 at once, 5 when it suits the device.
    public let priority: Int64
    /// Whether it shows nothing, which the service must be told.
    public let isBackground: Bool
    /// Whether the SDK is to report what became of it.
    public let isTracked: Bool

    /// What the API lifts out of the payload into headers.
    private static let lifted: Set<String> = ["collapse_id", "expiration", "priority", "pusher"]

    init(_ value: JSONValue) throws(BeamsError) {
        guard var members = value.members else { throw .unprocessable("apns is \(value.kind), not an object.") }
        guard let aps = try PayloadReading.object(value, "aps", in: "apns") else {
            throw .unprocessable("apns.aps is missing.")
        }
        if let alert = aps["alert"], alert.string == nil, alert.members == nil {
            throw .unprocessable("apns.aps.alert is \(alert.kind), neither a string nor an object.")
        }
        self.collapseID = try PayloadReading.string(value, "collapse_id", in: "apns")
        if let id = self.collapseID, !(1...64).contains(id.utf8.count) {
            throw .unprocessable("apns.collapse_id has \(id.utf8.count) bytes, allowed are 1 to 64.")
        }
        self.expiration = try PayloadReading.integer(value, "expiration", in: "apns", 0...Int64.max)
        let priority = try PayloadReading.integer(value, "priority", in: "apns", 1...10)
        if let priority, ![1, 5, 10].contains(priority) {
            throw .unprocessable("apns.priority is \(priority): write 10, 5 or 1.")
        }
        let shows = aps["alert"] != nil || aps["badge"] != nil || aps["sound"] != nil
        self.isBackground = !shows
        // Apple refuses a background notification that asks for more.
        self.priority = shows ? priority ?? 10 : 5
        let options = try PayloadReading.object(value, "pusher", in: "apns")
        self.isTracked = options?["disable_delivery_tracking"] != .boolean(true)
        for name in Self.lifted { members[name] = nil }
        self.json = .object(members)
    }

    /// The JSON with what the SDK needs to report on it.
    ///
    /// - Parameters:
    ///   - publishID: The publication.
    ///   - instance: The instance's id.
    /// - Returns: JSON text.
    public func bytes(publishID: String, instance: String) -> [UInt8] {
        guard case .object(var members) = self.json else { return self.json.bytes }
        var data = members["data"]?.members ?? [:]
        data["pusher"] = .object(["instanceId": .string(instance), "publishId": .string(publishID)])
        members["data"] = .object(data)
        if self.isTracked, case .object(var aps)? = members["aps"] {
            aps["content-available"] = .integer(1)
            members["aps"] = .object(aps)
        }
        return JSONValue.object(members).bytes
    }
}
