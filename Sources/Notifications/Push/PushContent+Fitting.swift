import Crypto

extension PushContent {
    /// The pairs that stay when others are dropped: they name the event.
    private static let essentialNames: Set<String> = ["eid", "alert", "symbol"]

    /// Clean and bounded, with as much in it as `extent` says.
    ///
    /// Whatever came in, the smallest form has less than 1 KiB of text, so that it fits every service.
    func reduced(to extent: PushExtent) -> PushContent {
        var content = self
        let isShort = extent >= .short
        let isMinimal = extent == .minimal
        content.title = PushText.line(self.title, isMinimal ? 64 : isShort ? 128 : 1_024)
        content.body = PushText.lines(self.body, isMinimal ? 96 : isShort ? 256 : 8_192)
        content.subtitle = self.subtitle.map { PushText.line($0, isShort ? 128 : 1_024) }
        content.eventID = PushID.bounded(self.eventID, to: 128)
        content.threadID = PushID.bounded(self.threadID, to: 64)
        content.collapseID = PushID.bounded(self.collapseID, to: 64)
        content.sound = self.sound.map { PushText.line($0, 64) }
        content.category = self.category.map { PushText.line($0, 64) }
        content.link = self.link.flatMap { PushID.link($0, schemes: ["https", "http"]) }
        content.imageURL = self.imageURL.flatMap { PushID.link($0, schemes: ["https"]) }
        content.badge = self.badge.map { min(max($0, 0), 99_999) }
        content.relevance = self.relevance.map { $0.isFinite ? min(max($0, 0), 1) : 0 }
        content.sparkline = self.sparkline.suffix(Self.sparklinePointsMax).map { min(max($0, 0), 100) }
        content.actions = self.actions.prefix(4).map { action in
            PushAction(
                id: PushID.bounded(action.id, to: 32), title: PushText.line(action.title, 64),
                link: action.link.flatMap { PushID.link($0, schemes: ["https", "http"]) })
        }
        content.localization = self.localization?.bounded
        content.data = self.data.map { PushField($0.name, PushText.clean($0.value, keepsLines: true)) }
        if extent >= .withoutSparkline { content.sparkline = [] }
        if extent >= .withoutExtras {
            content.imageURL = nil
            content.actions = []
            content.data = self.data.filter { Self.essentialNames.contains($0.name) }
                .map { PushField($0.name, PushText.line($0.value, 128)) }
        }
        if isMinimal {
            content.link = nil
            content.subtitle = nil
            content.localization = nil
        }
        return content
    }

    /// The first form, from `extent` on, that `limit` allows.
    ///
    /// - Parameters:
    ///   - service: Whose limit it is, for the error.
    ///   - limit: In bytes.
    ///   - extent: Where the ladder begins.
    ///   - build: Makes the body of a reduced content.
    /// - Returns: The body and what it holds.
    /// - Throws: ``PushError/tooLarge(service:bytes:limit:)``.
    func fitting(
        _ service: String, limit: Int, from extent: PushExtent, _ build: (PushContent) -> [UInt8]
    ) throws(PushError) -> (body: [UInt8], extent: PushExtent) {
        var extent = extent
        while true {
            let body = build(self.reduced(to: extent))
            if body.count <= limit { return (body, extent) }
            guard let next = extent.next else {
                throw .tooLarge(service: service, bytes: body.count, limit: limit)
            }
            extent = next
        }
    }

    /// Refuses custom pairs that could not be told apart, or that the service or Tickwire keeps for itself.
    func checkNames(_ service: String, isReserved: (String) -> Bool) throws(PushError) {
        var seen: Set<String> = ["eid", "link", "image", "sparkline", "actions"]
        for pair in self.data {
            if pair.name.isEmpty || isReserved(pair.name) { throw .reservedName(pair.name, service: service) }
            // An `eid` of the caller's is the event's id again.
            if pair.name == "eid" { continue }
            guard seen.insert(pair.name).inserted else { throw .repeatedName(pair.name) }
        }
    }

    /// The text of services without a subtitle: the subtitle, then the body.
    var bodyWithSubtitle: String {
        guard let subtitle = self.subtitle, !subtitle.isEmpty else { return self.body }
        return self.body.isEmpty ? subtitle : subtitle + "\n" + self.body
    }
}

extension PushLocalization {
    /// With keys of at most 128 bytes and at most eight arguments of at most 256.
    fileprivate var bounded: PushLocalization {
        func line(_ text: String, _ limit: Int) -> String { PushText.line(text, limit) }
        return PushLocalization(
            titleKey: self.titleKey.map { line($0, 128) },
            titleArguments: self.titleArguments.prefix(8).map { line($0, 256) },
            bodyKey: self.bodyKey.map { line($0, 128) },
            bodyArguments: self.bodyArguments.prefix(8).map { line($0, 256) })
    }
}

/// Ids and addresses within what headers and services allow.
enum PushID {
    /// `id` if it is printable ASCII without blanks and fits; otherwise 32 digits of its SHA-256, always the same.
    static func bounded(_ id: String, to limit: Int) -> String {
        if (1...limit).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return id }
        return self.digest(id)
    }

    /// 32 hexadecimal digits that stand for `text`.
    static func digest(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).prefix(16).hexadecimal
    }

    /// `text` if it is an absolute URL of one of `schemes`, printable ASCII and at most 1024 bytes.
    static func link(_ text: String, schemes: [String]) -> String? {
        guard (1...1_024).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            schemes.contains(where: { text.count > $0.count + 3 && text.lowercased().hasPrefix($0 + "://") })
        else { return nil }
        return text
    }
}
