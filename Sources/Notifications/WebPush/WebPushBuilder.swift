public import Market

/// Builds the requests to one browser.
///
/// Sources: RFC 8030, RFC 8291, RFC 8292; W3C Push API, "Declarative push message"; WHATWG Notifications.
public struct WebPushBuilder: Sendable {
    /// The shape of the document inside.
    public enum Form: Hashable, Sendable {
        /// Shown by the service worker alone.
        case plain
        /// Also shown by a browser with Declarative Web Push, without the worker; needs a link, else it is plain.
        case declarative
    }

    private let subscription: WebPushSubscription
    private let authorization: PushSecret
    private let topicKey: [UInt8]

    /// Makes a builder for a checked subscription.
    ///
    /// - Parameters:
    ///   - subscription: The browser.
    ///   - authorization: From ``VAPIDKey/authorization(endpoint:subject:now:)``.
    ///   - topicKey: Any bytes, secret and the same in all processes: hides the collapse id from the push service.
    public init(subscription: WebPushSubscription, authorization: PushSecret, topicKey: [UInt8]) {
        self.subscription = subscription
        self.authorization = authorization
        self.topicKey = topicKey
    }

    /// The encrypted request.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - now: The time of sending: `TTL` is what is left of the validity.
    ///   - form: The shape of the document.
    ///   - extent: How much of it at most; see ``bytesMax(_:)`` for services that take less.
    ///   - ephemeral: A new one for every message.
    /// - Returns: The request.
    /// - Throws: ``PushError/repeatedName(_:)``, ``PushError/tooLarge(service:bytes:limit:)`` or
    ///   ``PushError/badTarget(service:part:reason:)``.
    public func notification(
        _ content: PushContent, now: Timestamp, form: Form = .declarative, extent: PushExtent = .full,
        ephemeral: WebPushEncryption.Ephemeral
    ) throws(PushError) -> PushRequest {
        try content.checkNames("Web Push") { $0 == "pusher" }
        let (document, used) = try content.fitting(
            "Web Push", limit: Self.bytesMax(self.subscription.endpoint), from: extent
        ) { reduced in
            if let payload = content.finishedPayload { return payload }
            if let instance = self.subscription.beamsInstance { return Self.beamsDocument(reduced, instance: instance) }
            return Self.document(reduced, form: form)
        }
        let body = try WebPushEncryption.seal(document, for: self.subscription, with: ephemeral)
        let reduced = content.reduced(to: used)
        let headers = WebPushHeaders(
            reduced, now: now, device: self.subscription.endpoint, topicKey: self.topicKey)
        let isDeclarative = self.subscription.beamsInstance == nil && Self.isDeclarative(reduced, form)
        return PushRequest(
            url: self.subscription.endpoint,
            headers: [
                NotificationHeader("authorization", self.authorization.exposed),
                NotificationHeader("content-encoding", "aes128gcm"),
                NotificationHeader(
                    "content-type", isDeclarative ? "application/notification+json" : "application/octet-stream"),
                NotificationHeader("ttl", headers.timeToLive),
                NotificationHeader("urgency", headers.urgency),
                NotificationHeader("topic", headers.topic),
            ],
            body: body, extent: used)
    }

    /// Takes back a message that the push service still keeps, for example when the alert is no longer true.
    ///
    /// Source: RFC 8030, section 6.2.
    ///
    /// - Parameter location: What the verdict's id was.
    /// - Returns: `nil` for a place at another origin than the subscription's, which would get the authorization.
    public func cancellation(_ location: String) -> PushRequest? {
        guard let origin = PushURL(self.subscription.endpoint)?.origin, PushURL(location)?.origin == origin else {
            return nil
        }
        return PushRequest(
            method: "DELETE", url: location,
            headers: [NotificationHeader("authorization", self.authorization.exposed)])
    }

    /// The plaintext that an endpoint takes.
    ///
    /// Mozilla bridges some endpoints to mobile services that take about 2744 bytes of body; 2.5 KB pass everywhere there.
    public static func bytesMax(_ endpoint: String) -> Int {
        guard let url = PushURL(endpoint), url.isWithin("push.services.mozilla.com") else {
            return WebPushEncryption.plaintextMax
        }
        return 2_048
    }

    private static func isDeclarative(_ content: PushContent, _ form: Form) -> Bool {
        form == .declarative && content.link != nil && !content.isSilent && content.finishedPayload == nil
    }

    /// One document for both readers: the worker finds under `notification` what a declarative browser shows by itself.
    static func document(_ content: PushContent, form: Form) -> [UInt8] {
        JSONWriter.object { writer in
            if self.isDeclarative(content, form) { writer.integer("web_push", 8030) }
            writer.object("notification") { writer in
                self.writeNotification(content, to: &writer)
                writer.object("data") { self.writeData(content, to: &$0) }
            }
            if let badge = content.badge { writer.integer("app_badge", Int64(badge)) }
            writer.boolean("mutable", true)
        }
    }

    /// What the service worker of the Beams SDK shows: without `data.pusher` it ignores a message.
    ///
    /// Source: pusher/push-notifications-web 2.1.0, the service worker; it opens `deep_link`.
    static func beamsDocument(_ content: PushContent, instance: String) -> [UInt8] {
        JSONWriter.object { writer in
            writer.object("notification") { writer in
                self.writeNotification(content, to: &writer)
                writer.string("deep_link", ifPresent: content.link)
            }
            writer.object("data") { writer in
                self.writeData(content, to: &writer)
                writer.object("pusher") { writer in
                    writer.string("instanceId", instance)
                    writer.string("publishId", content.eventID)
                    writer.boolean("hasDisplayableContent", true)
                    writer.boolean("hasData", true)
                }
            }
        }
    }

    private static func writeNotification(_ content: PushContent, to writer: inout JSONWriter) {
        writer.string("title", content.title)
        writer.string("body", content.bodyWithSubtitle)
        writer.string("navigate", ifPresent: content.link)
        writer.string("dir", "auto")
        writer.string("tag", content.collapseID)
        writer.string("image", ifPresent: content.imageURL)
        writer.boolean("renotify", content.priority != .passive && !content.isSilent)
        writer.boolean("silent", content.priority == .passive || content.isSilent)
        writer.boolean("require_interaction", content.priority == .urgent)
        writer.integer("timestamp", content.createdAt.microseconds / 1_000)
        if content.actions.isEmpty { return }
        writer.array("actions") { writer in
            for action in content.actions {
                writer.element { writer in
                    writer.string("action", action.id)
                    writer.string("title", action.title)
                    writer.string("navigate", ifPresent: action.link ?? content.link)
                }
            }
        }
    }

    private static func writeData(_ content: PushContent, to writer: inout JSONWriter) {
        writer.string("eid", content.eventID)
        writer.strings(content.data.filter { $0.name != "eid" }.map { ($0.name, $0.value) })
        if !content.sparkline.isEmpty { writer.array("sparkline", integers: content.sparkline) }
    }
}
