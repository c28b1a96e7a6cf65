public import Market

/// Builds the requests to hosted Pusher Beams, or to a server with its API.
///
/// Beams knows no idempotency key: what is repeated after a lost answer can arrive twice, and replaces itself by collapse id and tag.
public struct BeamsBuilder: Sendable {
    /// What a publish to interests may have, in bytes.
    public static let interestsLimit = 10_240
    /// What a publish to users may have, in bytes.
    public static let usersLimit = 204_800

    private let instance: BeamsInstance

    /// Makes a builder.
    public init(_ instance: BeamsInstance) { self.instance = instance }

    /// One publish to an audience.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - audience: Interests or users.
    ///   - now: The time of sending.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``, ``PushError/reservedName(_:service:)``,
    ///   ``PushError/repeatedName(_:)`` or ``PushError/tooLarge(service:bytes:limit:)``.
    public func publish(
        _ content: PushContent, to audience: BeamsAudience, now: Timestamp, extent: PushExtent = .full
    ) throws(PushError) -> PushRequest {
        try audience.check()
        try content.checkNames("Beams") { $0 == "pusher" || FCMBuilder.isReserved($0) }
        let path: String
        let limit: Int
        let names: [String]
        switch audience {
        case .interests(let interests): (path, limit, names) = ("interests", Self.interestsLimit, interests)
        case .users(let users): (path, limit, names) = ("users", Self.usersLimit, users)
        }
        let listing = JSONWriter.object { $0.array("names", strings: names) }.count
        // The services behind Beams take 4 KiB each, however long the list of users is.
        let (body, used) = try content.fitting(
            "Beams", limit: min(limit, 3 * FCMBuilder.limit + listing), from: extent
        ) { reduced in
            JSONWriter.object { writer in
                switch audience {
                case .interests: writer.array("interests", strings: names)
                case .users: writer.array("users", strings: names)
                }
                Self.write(reduced, now: now, to: &writer)
            }
        }
        return self.request("POST", "/publish_api/v1/instances/\(self.instance.id)/publishes/\(path)", body, used)
    }

    /// Removes a user and all their devices.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public func deleteUser(_ user: String) throws(PushError) -> PushRequest {
        try BeamsAudience.users([user]).check()
        let path = "/customer_api/v1/instances/\(self.instance.id)/users/\(Self.escaped(user))"
        return self.request("DELETE", path, [], .full)
    }

    private func request(_ method: String, _ path: String, _ body: [UInt8], _ extent: PushExtent) -> PushRequest {
        var headers = [NotificationHeader("authorization", "Bearer \(self.instance.secretKey.exposed)")]
        if !body.isEmpty { headers.append(NotificationHeader("content-type", "application/json")) }
        return PushRequest(
            method: method, url: self.instance.server + path, headers: headers, body: body, extent: extent)
    }

    private static func write(_ content: PushContent, now: Timestamp, to writer: inout JSONWriter) {
        let seconds = min(content.remainingSeconds(at: now), FCMBuilder.secondsToLiveMax)
        let isQuiet = content.isSilent || content.priority == .passive
        writer.object("apns") { writer in
            writer.object("aps") { APNsPayload.writeAPS(content, to: &$0) }
            writer.object("data") { $0.strings(content.flatData()) }
            if !content.isSilent { writer.string("collapse_id", content.collapseID) }
            writer.integer("expiration", max(0, content.expiresAt.unixSeconds))
            writer.integer("priority", isQuiet ? 5 : 10)
        }
        writer.object("fcm") { writer in
            if !content.isSilent {
                writer.object("notification") { writer in
                    writer.string("title", content.title)
                    writer.string("body", content.bodyWithSubtitle)
                    writer.string("tag", content.collapseID)
                    writer.string("android_channel_id", "price-alerts")
                    if !isQuiet { writer.string("sound", content.sound ?? "default") }
                }
            }
            writer.object("data") { $0.strings(content.flatData()) }
            writer.string("priority", isQuiet ? "normal" : "high")
            writer.integer("time_to_live", seconds)
        }
        guard !content.isSilent else { return }
        writer.object("web") { writer in
            writer.integer("time_to_live", seconds)
            writer.object("notification") { writer in
                writer.string("title", content.title)
                writer.string("body", content.bodyWithSubtitle)
                // Beams takes https links only.
                if let link = content.link, link.lowercased().hasPrefix("https://") {
                    writer.string("deep_link", link)
                }
                writer.boolean("hide_notification_if_site_has_focus", content.priority == .passive)
            }
            writer.object("data") { $0.strings(content.flatData()) }
        }
    }

    /// Percent-encoded for a path: RFC 3986, section 2.3.
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                // A full stop too: a path of `..` would be another one.
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
