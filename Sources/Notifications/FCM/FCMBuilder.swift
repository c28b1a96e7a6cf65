public import Market

/// Builds the requests to one installation of an app through Firebase Cloud Messaging.
///
/// Source: Firebase Cloud Messaging HTTP v1, resource `projects.messages`.
public struct FCMBuilder: Sendable {
    /// What a message may have, in bytes; the whole body is held to it.
    public static let limit = 4_096
    /// The longest time that FCM keeps a message, in seconds: four weeks.
    public static let secondsToLiveMax: Int64 = 2_419_200

    private let recipient: FCMRecipient
    private let url: String
    private let accessToken: PushSecret
    private let channelID: String
    private let topicKey: [UInt8]

    /// Checks the recipient and makes a builder.
    ///
    /// - Parameters:
    ///   - recipient: A registration token or installation id.
    ///   - projectID: The Firebase project.
    ///   - accessToken: From ``FCMTokenReply``.
    ///   - server: The base URL without a final slash.
    ///   - channelID: The app's Android notification channel.
    ///   - topicKey: Hides the collapse id in the Web Push header `Topic`.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(
        recipient: FCMRecipient, projectID: String, accessToken: PushSecret,
        server: String = "https://fcm.googleapis.com", channelID: String = "price-alerts", topicKey: [UInt8]
    ) throws(PushError) {
        guard (1...1_024).contains(recipient.value.utf8.count),
            recipient.value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .badTarget(
                service: "FCM", part: recipient.kind == .token ? "registration token" : "installation id",
                reason: "is not 1 to 1024 printable ASCII characters; send it as the SDK gave it")
        }
        self.recipient = recipient
        self.url = "\(server)/v1/projects/\(projectID)/messages:send"
        self.accessToken = accessToken
        self.channelID = channelID
        self.topicKey = topicKey
    }

    /// A message that FCM shows, or, when the content is silent, one of data for the app alone.
    ///
    /// There is no `collapseKey`, because FCM throttles collapsible messages to one in three minutes: `tag` replaces what is shown.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - now: The time of sending: the time to live is what is left of the validity.
    ///   - extent: How much of it at most.
    ///   - isDryRun: Whether FCM only checks it.
    /// - Returns: The request.
    /// - Throws: ``PushError/reservedName(_:service:)`` for `from`, `message_type`, `collapse_key`, `google…` and `gcm…`,
    ///   ``PushError/repeatedName(_:)`` or ``PushError/tooLarge(service:bytes:limit:)``.
    public func notification(
        _ content: PushContent, now: Timestamp, extent: PushExtent = .full, isDryRun: Bool = false
    ) throws(PushError) -> PushRequest {
        try content.checkNames("FCM", isReserved: Self.isReserved)
        let (body, used) = try content.fitting("FCM", limit: Self.limit, from: extent) { reduced in
            JSONWriter.object { writer in
                if let payload = content.finishedPayload {
                    writer.json("message", self.addressed(payload))
                } else {
                    writer.object("message") { self.writeMessage(reduced, now: now, to: &$0) }
                }
                if isDryRun { writer.boolean("validateOnly", true) }
            }
        }
        return PushRequest(
            url: self.url,
            headers: [
                NotificationHeader("authorization", "Bearer \(self.accessToken.exposed)"),
                NotificationHeader("content-type", "application/json"),
            ],
            body: body, extent: used)
    }

    static func isReserved(_ name: String) -> Bool {
        name == "from" || name == "message_type" || name == "collapse_key" || name.hasPrefix("google")
            || name.hasPrefix("gcm")
    }

    /// A finished message with its target as the first member.
    private func addressed(_ payload: [UInt8]) -> [UInt8] {
        let target = JSONWriter.object { self.writeTarget(to: &$0) }
        return target.dropLast() + [UInt8(ascii: ",")] + payload.dropFirst()
    }

    private func writeTarget(to writer: inout JSONWriter) {
        switch self.recipient.kind {
        case .token: writer.string("token", self.recipient.value)
        case .installation: writer.string("fid", self.recipient.value)
        }
    }

    private func writeMessage(_ content: PushContent, now: Timestamp, to writer: inout JSONWriter) {
        self.writeTarget(to: &writer)
        writer.object("data") { $0.strings(content.flatData()) }
        if !content.isSilent {
            writer.object("notification") { writer in
                writer.string("title", content.title)
                writer.string("body", content.bodyWithSubtitle)
                writer.string("image", ifPresent: content.imageURL)
            }
        }
        writer.object("android") { self.writeAndroid(content, now: now, to: &$0) }
        writer.object("apns") { writer in
            writer.object("headers") { writer in
                writer.string("apns-push-type", content.isSilent ? "background" : "alert")
                writer.string("apns-priority", content.isSilent || content.priority == .passive ? "5" : "10")
                writer.string("apns-expiration", String(max(0, content.expiresAt.unixSeconds)))
                if !content.isSilent { writer.string("apns-collapse-id", content.collapseID) }
            }
            writer.object("payload") { writer in
                writer.object("aps") { APNsPayload.writeAPS(content, to: &$0) }
            }
        }
        guard !content.isSilent else { return }
        writer.object("webpush") { writer in
            writer.object("headers") { writer in
                let headers = WebPushHeaders(
                    content, now: now, device: self.recipient.value, topicKey: self.topicKey)
                writer.string("TTL", headers.timeToLive)
                writer.string("Urgency", headers.urgency)
                writer.string("Topic", headers.topic)
            }
            writer.object("notification") { writer in
                writer.string("tag", content.collapseID)
                writer.boolean("renotify", content.priority != .passive)
                writer.integer("timestamp", content.createdAt.microseconds / 1_000)
            }
            // FCM takes https links only.
            if let link = content.link, link.lowercased().hasPrefix("https://") {
                writer.object("fcmOptions") { $0.string("link", link) }
            }
        }
    }

    private func writeAndroid(_ content: PushContent, now: Timestamp, to writer: inout JSONWriter) {
        let isQuiet = content.isSilent || content.priority == .passive
        writer.string("priority", isQuiet ? "NORMAL" : "HIGH")
        writer.string("ttl", "\(min(content.remainingSeconds(at: now), Self.secondsToLiveMax))s")
        guard !content.isSilent else { return }
        writer.object("notification") { writer in
            writer.string("tag", content.collapseID)
            writer.string("channelId", self.channelID)
            writer.string("eventTime", content.createdAt.description)
            writer.string("notificationPriority", Self.priority(content.priority))
            if let badge = content.badge { writer.integer("notificationCount", Int64(badge)) }
            if content.priority != .passive { writer.string("sound", content.sound ?? "default") }
            guard let words = content.localization else { return }
            if let key = words.titleKey {
                writer.string("titleLocKey", key)
                writer.array("titleLocArgs", strings: words.titleArguments)
            }
            if let key = words.bodyKey {
                writer.string("bodyLocKey", key)
                writer.array("bodyLocArgs", strings: words.bodyArguments)
            }
        }
    }

    /// For Android before 8; later ones go by the channel.
    private static func priority(_ priority: NotificationPriority) -> String {
        switch priority {
        case .passive: "PRIORITY_LOW"
        case .active: "PRIORITY_HIGH"
        case .urgent: "PRIORITY_MAX"
        }
    }
}

extension PushContent {
    /// Everything for an app as names and texts, for services that carry nothing else.
    func flatData() -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = [("eid", self.eventID)]
        pairs += self.data.filter { $0.name != "eid" }.map { ($0.name, $0.value) }
        if let link = self.link { pairs.append(("link", link)) }
        if !self.sparkline.isEmpty {
            pairs.append(("sparkline", self.sparkline.map(String.init).joined(separator: ",")))
        }
        if !self.actions.isEmpty {
            let json = JSONWriter.object { writer in writer.array("actions") { self.writeActions(to: &$0) } }
            // Only the array: `{"actions":[…]}` without its shell.
            pairs.append(("actions", String(decoding: json.dropFirst(11).dropLast(), as: UTF8.self)))
        }
        return pairs
    }
}
