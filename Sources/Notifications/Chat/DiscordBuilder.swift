import Market

/// Builds the requests to one Discord webhook.
///
/// Source: Discord, "Webhook resource", "Execute webhook" and "Edit webhook message"; "Embed limits".
public struct DiscordBuilder: Sendable {
    /// What all texts of an embed may have together, in units of UTF-16.
    public static let embedLimit = 6_000

    private let url: PushSecret

    /// Checks the webhook and makes a builder.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``, which never contains the URL.
    public init(_ webhook: DiscordWebhook) throws(PushError) {
        guard let url = PushURL(webhook.url.exposed), url.scheme == "https" || url.isLoopback,
            !webhook.url.exposed.contains("?"), !webhook.url.exposed.hasSuffix("/")
        else {
            throw .badTarget(
                service: "Discord", part: "webhook URL",
                reason: "is not https://discord.com/api/webhooks/ID/TOKEN without a query")
        }
        self.url = webhook.url
    }

    /// A message with one embed, whose id the verdict carries.
    ///
    /// - Parameters:
    ///   - content: What is said; nobody is mentioned, whatever it contains.
    ///   - messageID: An earlier message that this one replaces.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    /// - Throws: ``PushError/badTarget(service:part:reason:)`` for a message id that is not a number.
    public func notification(
        _ content: PushContent, replacing messageID: String? = nil, extent: PushExtent = .full
    ) throws(PushError) -> PushRequest {
        let reduced = content.reduced(to: extent)
        let body = JSONWriter.object { writer in
            writer.array("embeds") { writer in
                writer.element { Self.embed(reduced, to: &$0) }
            }
            writer.object("allowed_mentions") { $0.array("parse", strings: []) }
            // SUPPRESS_NOTIFICATIONS; an edit never notifies.
            if reduced.priority == .passive, messageID == nil { writer.integer("flags", 1 << 12) }
        }
        let headers = [NotificationHeader("content-type", "application/json")]
        guard let messageID else {
            return PushRequest(url: "\(self.url.exposed)?wait=true", headers: headers, body: body, extent: extent)
        }
        guard UInt64(messageID) != nil else {
            throw .badTarget(service: "Discord", part: "message id", reason: "is not a number")
        }
        return PushRequest(
            method: "PATCH", url: "\(self.url.exposed)/messages/\(messageID)", headers: headers, body: body,
            extent: extent)
    }

    private static func embed(_ content: PushContent, to writer: inout JSONWriter) {
        // Escaping can double a text, and the limit counts what is sent.
        let title = ChatText.discord(PushText.line(content.title, 120, .utf16))
        let text = ChatText.discord(PushText.lines(content.bodyWithSubtitle, 2_000, .utf16))
        writer.string("title", title)
        writer.string("description", text)
        writer.string("url", ifPresent: content.link)
        writer.string("timestamp", content.createdAt.description)
        switch content.priority {
        case .passive: writer.integer("color", 0x95A5A6)
        case .active: writer.integer("color", 0x3498DB)
        case .urgent: writer.integer("color", 0xE74C3C)
        }
        if let image = content.imageURL { writer.object("image") { $0.string("url", image) } }
        if let symbol = content.symbol { writer.object("footer") { $0.string("text", symbol.name) } }
        // Webhooks that no app owns cannot carry buttons; links are fields, as many as the embed's limit leaves room for.
        var room = self.embedLimit - title.utf16.count - text.utf16.count - 64
        writer.array("fields") { writer in
            for action in content.actions {
                guard let link = action.link else { continue }
                let name = ChatText.discord(action.title.isEmpty ? "…" : action.title)
                room -= name.utf16.count + link.utf16.count
                guard room >= 0 else { return }
                writer.element { writer in
                    writer.string("name", name)
                    writer.string("value", link)
                    writer.boolean("inline", true)
                }
            }
        }
    }
}
