import Market

/// The payload of an alert or a background push.
enum APNsPayload {
    /// Writes `aps` and the custom members of a reduced content.
    static func write(_ content: PushContent, to writer: inout JSONWriter) {
        writer.object("aps") { self.writeAPS(content, to: &$0) }
        writer.string("eid", content.eventID)
        writer.strings(content.data.filter { $0.name != "eid" }.map { ($0.name, $0.value) })
        writer.string("link", ifPresent: content.link)
        writer.string("image", ifPresent: content.imageURL)
        if !content.sparkline.isEmpty { writer.array("sparkline", integers: content.sparkline) }
        if !content.actions.isEmpty { writer.array("actions") { content.writeActions(to: &$0) } }
    }

    /// Writes the members of `aps`.
    static func writeAPS(_ content: PushContent, to writer: inout JSONWriter) {
        guard !content.isSilent else { return writer.integer("content-available", 1) }
        writer.object("alert") { writer in
            writer.string("title", content.title)
            writer.string("subtitle", ifPresent: content.subtitle)
            writer.string("body", content.body)
            guard let words = content.localization else { return }
            if let key = words.titleKey {
                writer.string("title-loc-key", key)
                writer.array("title-loc-args", strings: words.titleArguments)
            }
            if let key = words.bodyKey {
                writer.string("loc-key", key)
                writer.array("loc-args", strings: words.bodyArguments)
            }
        }
        if let badge = content.badge { writer.integer("badge", Int64(badge)) }
        if content.priority != .passive { writer.string("sound", content.sound ?? "default") }
        writer.string("thread-id", content.threadID)
        writer.string("category", ifPresent: content.category)
        // The service extension draws the chart and fetches the picture.
        if !content.sparkline.isEmpty || content.imageURL != nil { writer.integer("mutable-content", 1) }
        switch content.priority {
        case .passive: writer.string("interruption-level", "passive")
        case .active: writer.string("interruption-level", "active")
        case .urgent: writer.string("interruption-level", "time-sensitive")
        }
        if let relevance = content.relevance { writer.number("relevance-score", relevance) }
        writer.string("target-content-id", ifPresent: content.symbol?.name)
    }
}

extension PushContent {
    /// Writes the buttons as the elements of an array.
    func writeActions(to writer: inout JSONWriter) {
        for action in self.actions {
            writer.element { writer in
                writer.string("id", action.id)
                writer.string("title", action.title)
                writer.string("link", ifPresent: action.link)
            }
        }
    }
}
