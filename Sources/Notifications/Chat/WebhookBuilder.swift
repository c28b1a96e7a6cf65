public import Market

/// Builds the requests to one receiver of Standard Webhooks.
///
/// Source: Standard Webhooks specification 1.0.
public struct WebhookBuilder: Sendable {
    /// What a body has at most, in bytes: the specification advises to stay below 20 KB.
    public static let limit = 20_000

    private let target: WebhookTarget

    /// Checks the receiver and makes a builder.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(_ target: WebhookTarget) throws(PushError) {
        guard PushURL(target.url) != nil else {
            throw .badTarget(service: "webhook", part: "URL", reason: "is not an absolute http or https URL")
        }
        guard !target.secrets.isEmpty else {
            throw .badTarget(service: "webhook", part: "secret", reason: "is missing; write whsec_ and Base64")
        }
        self.target = target
    }

    /// One signed attempt.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - type: The event's type, such as `alert.fired`.
    ///   - deliveryID: The same on every attempt.
    ///   - now: The time of this attempt.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    /// - Throws: ``PushError/tooLarge(service:bytes:limit:)`` or ``PushError/repeatedName(_:)``.
    public func notification(
        _ content: PushContent, type: String, deliveryID: String, now: Timestamp, extent: PushExtent = .full
    ) throws(PushError) -> PushRequest {
        try content.checkNames("webhook") { _ in false }
        let (body, used) = try content.fitting("webhook", limit: Self.limit, from: extent) { reduced in
            JSONWriter.object { writer in
                writer.string("type", PushText.line(type, 100))
                writer.string("timestamp", reduced.createdAt.description)
                writer.object("data") { Self.write(reduced, to: &$0) }
            }
        }
        let isPlainID =
            (1...128).contains(deliveryID.utf8.count)
            && deliveryID.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ".") }
        let id = isPlainID ? deliveryID : PushID.digest(deliveryID)
        let headers = WebhookSigner(secrets: self.target.secrets).headers(
            id: id, unixSeconds: now.unixSeconds, body: body)
        return PushRequest(url: self.target.url, headers: headers, body: body, extent: used)
    }

    private static func write(_ content: PushContent, to writer: inout JSONWriter) {
        writer.string("id", content.eventID)
        writer.string("title", content.title)
        writer.string("subtitle", ifPresent: content.subtitle)
        writer.string("body", content.body)
        writer.string("symbol", ifPresent: content.symbol?.name)
        writer.string("thread", content.threadID)
        writer.string("collapse", content.collapseID)
        writer.string("priority", content.priority.rawValue)
        writer.string("expiresAt", content.expiresAt.description)
        writer.string("link", ifPresent: content.link)
        writer.string("image", ifPresent: content.imageURL)
        if !content.sparkline.isEmpty { writer.array("sparkline", integers: content.sparkline) }
        if !content.actions.isEmpty { writer.array("actions") { content.writeActions(to: &$0) } }
        writer.object("data") { $0.strings(content.data.map { ($0.name, $0.value) }) }
    }
}
