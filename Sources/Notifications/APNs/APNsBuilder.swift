public import Market

/// Builds the requests for one Apple device.
///
/// Sources: Apple, "Generating a remote notification" and "Sending notification requests to APNs".
public struct APNsBuilder: Sendable {
    /// What the payload of a device's notification may have, in bytes.
    public static let payloadLimit = 4_096
    /// What the payload of a broadcast or a VoIP push may have, in bytes.
    public static let broadcastLimit = 5_120

    /// The device, or the activity on it.
    public let device: APNsDevice
    /// The provider token.
    private let providerToken: PushSecret
    private let servers: APNsServers

    /// Checks the device and makes a builder.
    ///
    /// - Parameters:
    ///   - device: Whose token must be an even number of hexadecimal digits, 2 to 400, and whose topic a bundle id.
    ///   - providerToken: From ``APNsKey/token(now:)``.
    ///   - servers: `nil` takes Apple's for the device's environment.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(device: APNsDevice, providerToken: PushSecret, servers: APNsServers? = nil) throws(PushError) {
        // Apple says not to rely on the length of tokens; this only bounds what is put into a path.
        guard (2...400).contains(device.token.utf8.count), device.token.utf8.count.isMultiple(of: 2),
            device.token.utf8.allSatisfy(Self.isHexDigit)
        else {
            throw .badTarget(
                service: "APNs", part: "device token",
                reason: "is not an even number of hexadecimal digits; send the token's bytes as hexadecimal text")
        }
        try Self.check(topic: device.topic)
        self.device = device
        self.providerToken = providerToken
        self.servers = servers ?? APNsServers(device.environment)
    }

    /// A notification that is shown, or, when the content is silent, one that wakes the app.
    ///
    /// Passive ones have priority 5 and the interruption level `passive`; urgent ones are `time-sensitive`.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    /// - Throws: ``PushError/reservedName(_:service:)``, ``PushError/repeatedName(_:)`` or
    ///   ``PushError/tooLarge(service:bytes:limit:)``.
    public func notification(_ content: PushContent, extent: PushExtent = .full) throws(PushError) -> PushRequest {
        try content.checkNames("APNs") { $0 == "aps" }
        let (body, used) = try content.fitting("APNs", limit: Self.payloadLimit, from: extent) { reduced in
            content.finishedPayload ?? JSONWriter.object { APNsPayload.write(reduced, to: &$0) }
        }
        let isSilent = content.isSilent
        return self.request(
            type: isSilent ? "background" : "alert", topicSuffix: "",
            priority: isSilent || content.priority == .passive ? 5 : 10, expiresAt: content.expiresAt,
            collapseID: isSilent ? nil : PushID.bounded(content.collapseID, to: 64), eventID: content.eventID,
            body: body, extent: used)
    }

    /// A push that starts, updates or ends a Live Activity, to its push-to-start or update token.
    ///
    /// - Parameters:
    ///   - push: What changes.
    ///   - eventID: The same on every attempt.
    ///   - expiresAt: After which it need not arrive.
    /// - Returns: The request; priority 10 if it lights up the screen, starts or ends, else 5.
    /// - Throws: ``PushError/tooLarge(service:bytes:limit:)``: an app's state is never shortened but for its sparkline.
    public func liveActivity(
        _ push: LiveActivityPush, eventID: String, expiresAt: Timestamp
    ) throws(PushError) -> PushRequest {
        let (body, used) = try push.fitting(limit: Self.payloadLimit)
        return self.request(
            type: "liveactivity", topicSuffix: ".push-type.liveactivity", priority: push.priority,
            expiresAt: expiresAt, collapseID: nil, eventID: eventID, body: body, extent: used)
    }

    private func request(
        type: String, topicSuffix: String, priority: Int, expiresAt: Timestamp, collapseID: String?, eventID: String,
        body: [UInt8], extent: PushExtent
    ) -> PushRequest {
        var headers = [
            NotificationHeader("authorization", "bearer \(self.providerToken.exposed)"),
            NotificationHeader("apns-id", Self.notificationID(event: eventID, token: self.device.token)),
            NotificationHeader("apns-push-type", type),
            NotificationHeader("apns-topic", self.device.topic + topicSuffix),
            NotificationHeader("apns-priority", String(priority)),
            NotificationHeader("apns-expiration", String(max(0, expiresAt.unixSeconds))),
        ]
        if let collapseID { headers.append(NotificationHeader("apns-collapse-id", collapseID)) }
        return PushRequest(
            url: "\(self.servers.push)/3/device/\(self.device.token)", headers: headers, body: body, extent: extent)
    }

    /// The `apns-id` of an event on a device: the same on every attempt, so that APNs can tell a repetition.
    public static func notificationID(event: String, token: String) -> String {
        NameBasedUUID.string("apns|\(event)|\(token.lowercased())")
    }

    /// Whether `topic` is a bundle id.
    static func check(topic: String) throws(PushError) {
        let isAllowed: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard (1...155).contains(topic.utf8.count), topic.utf8.allSatisfy(isAllowed) else {
            throw .badTarget(
                service: "APNs", part: "topic", reason: "is not a bundle id, for example com.example.prices")
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
