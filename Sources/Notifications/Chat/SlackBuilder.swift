import Market

/// Builds the requests to one Slack incoming webhook.
///
/// Source: Slack, "Reference: blocks". Text from outside is only ever `plain_text` there, which knows no mentions and no links.
public struct SlackBuilder: Sendable {
    private let url: PushSecret

    /// Checks the webhook and makes a builder.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``, which never contains the URL.
    public init(_ webhook: SlackWebhook) throws(PushError) {
        guard let url = PushURL(webhook.url.exposed), url.scheme == "https" || url.isLoopback else {
            throw .badTarget(
                service: "Slack", part: "webhook URL", reason: "is not https://hooks.slack.com/services/…")
        }
        self.url = webhook.url
    }

    /// A message of blocks; Slack's webhooks cannot replace an earlier one.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    public func notification(_ content: PushContent, extent: PushExtent = .full) -> PushRequest {
        let reduced = content.reduced(to: extent)
        let text = reduced.bodyWithSubtitle
        let body = JSONWriter.object { writer in
            // What notifications show; markup stays escaped, so the limit holds for what is read.
            writer.string("text", ChatText.slack(PushText.lines("\(reduced.title)\n\(text)", 3_000, .utf16)))
            writer.array("blocks") { writer in
                writer.element { writer in
                    writer.string("type", "header")
                    writer.object("text") { Self.plain(Self.nonEmpty(reduced.title), 150, to: &$0) }
                }
                if !text.isEmpty {
                    writer.element { writer in
                        writer.string("type", "section")
                        writer.object("text") { Self.plain(text, 3_000, to: &$0) }
                    }
                }
                if let image = reduced.imageURL {
                    writer.element { writer in
                        writer.string("type", "image")
                        writer.string("image_url", image)
                        writer.string("alt_text", PushText.line(Self.nonEmpty(reduced.title), 2_000, .utf16))
                    }
                }
                writer.element { Self.context(reduced, to: &$0) }
                Self.buttons(reduced, to: &writer)
            }
        }
        return PushRequest(
            url: self.url.exposed, headers: [NotificationHeader("content-type", "application/json")], body: body,
            extent: extent)
    }

    private static func context(_ content: PushContent, to writer: inout JSONWriter) {
        writer.string("type", "context")
        writer.array("elements") { writer in
            writer.element { writer in
                let symbol = content.symbol.map { "\($0.name) · " } ?? ""
                self.plain("\(symbol)\(content.createdAt)", 200, to: &writer)
            }
        }
    }

    private static func buttons(_ content: PushContent, to writer: inout JSONWriter) {
        var buttons = content.actions.filter { $0.link != nil }
        if buttons.isEmpty, let link = content.link {
            buttons = [PushAction(id: "open", title: "Open", link: link)]
        }
        guard !buttons.isEmpty else { return }
        writer.element { writer in
            writer.string("type", "actions")
            writer.array("elements") { writer in
                for (index, button) in buttons.enumerated() {
                    writer.element { writer in
                        writer.string("type", "button")
                        // Ids must differ within a message.
                        writer.string("action_id", "\(button.id)-\(index)")
                        writer.object("text") { self.plain(self.nonEmpty(button.title), 75, to: &$0) }
                        writer.string("url", ifPresent: button.link)
                    }
                }
            }
        }
    }

    private static func plain(_ text: String, _ limit: Int, to writer: inout JSONWriter) {
        writer.string("type", "plain_text")
        writer.string("text", PushText.lines(text, limit, .utf16))
        // Otherwise `:word:` would become a picture.
        writer.boolean("emoji", false)
    }

    /// Slack refuses empty texts.
    private static func nonEmpty(_ text: String) -> String { text.isEmpty ? "…" : text }
}

extension PushURL {
    /// Whether it is this machine, where test servers are.
    var isLoopback: Bool { ["127.0.0.1", "localhost", "[::1]"].contains(self.host) }
}
