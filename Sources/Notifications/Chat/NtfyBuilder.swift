import Market

/// Builds the requests to one topic of an ntfy server.
///
/// Source: ntfy documentation, "Publish as JSON".
public struct NtfyBuilder: Sendable {
    /// What a message may have, in bytes; a server takes longer ones for an attached file.
    public static let messageLimit = 4_096
    /// What a title may have, in bytes.
    static let titleLimit = 250

    private let topic: NtfyTopic

    /// Checks the topic and makes a builder.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(_ topic: NtfyTopic) throws(PushError) {
        guard PushURL(topic.server) != nil else {
            throw .badTarget(
                service: "ntfy", part: "server", reason: "is not an absolute URL, for example https://ntfy.sh")
        }
        let isTopicByte: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard (1...64).contains(topic.topic.utf8.count), topic.topic.utf8.allSatisfy(isTopicByte) else {
            throw .badTarget(service: "ntfy", part: "topic", reason: "is not 1 to 64 of A-Z a-z 0-9 _ -")
        }
        if let token = topic.token?.exposed, !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || token.isEmpty {
            throw .badTarget(service: "ntfy", part: "token", reason: "is not printable ASCII")
        }
        self.topic = topic
    }

    /// A message; from ntfy 2.16 on a newer one with the same collapse id replaces it.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    /// - Throws: ``PushError/tooLarge(service:bytes:limit:)``.
    public func notification(_ content: PushContent, extent: PushExtent = .full) throws(PushError) -> PushRequest {
        let reduced = content.reduced(to: extent)
        let body = JSONWriter.object { writer in
            writer.string("topic", self.topic.topic)
            writer.string("title", PushText.line(reduced.title, Self.titleLimit))
            // An empty message would show as `triggered`.
            let text = reduced.bodyWithSubtitle
            writer.string("message", PushText.lines(text.isEmpty ? reduced.title : text, Self.messageLimit))
            switch reduced.priority {
            case .passive: writer.integer("priority", 2)
            case .active: writer.integer("priority", 4)
            case .urgent: writer.integer("priority", 5)
            }
            if let symbol = reduced.symbol { writer.array("tags", strings: [symbol.name]) }
            writer.string("click", ifPresent: reduced.link)
            writer.string("attach", ifPresent: reduced.imageURL)
            writer.string("sequence_id", Self.sequenceID(reduced.collapseID))
            let actions = reduced.actions.filter { $0.link != nil }.prefix(3)
            guard !actions.isEmpty else { return }
            writer.array("actions") { writer in
                for action in actions {
                    writer.element { writer in
                        writer.string("action", "view")
                        writer.string("label", action.title)
                        writer.string("url", ifPresent: action.link)
                        writer.boolean("clear", true)
                    }
                }
            }
        }
        var headers = [NotificationHeader("content-type", "application/json")]
        if let token = self.topic.token {
            headers.append(NotificationHeader("authorization", "Bearer \(token.exposed)"))
        }
        let server = self.topic.server.hasSuffix("/") ? self.topic.server : self.topic.server + "/"
        return PushRequest(url: server, headers: headers, body: body, extent: extent)
    }

    /// A sequence id has the alphabet of topics.
    private static func sequenceID(_ id: String) -> String {
        let isFit = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isFit ? id : PushID.digest(id)
    }
}
