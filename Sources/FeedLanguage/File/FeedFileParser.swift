import Market

/// Reads a feed file into a ``FeedDocument``.
struct FeedFileParser {
    let reader: FileReader
    /// The environment variables that the file names.
    let variables = VariableList()
    /// What the feed's bootstrap captures: usable in every text from then on.
    var captures: [String] = []

    private static let keys = [
        "feed", "title", "version", "terms", "extends", "asset", "docs", "connect", "symbols", "subscribe",
        "unsubscribe", "messages", "tests", "defaults", "streams", "sequence", "tables", "backfill", "discover",
    ]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - yaml: Its text.
    ///   - file: Its name, for messages.
    ///   - otherFile: The text of another file of the folder by its name without the ending.
    /// - Returns: What the file describes: itself, then its `streams`.
    /// - Throws: ``FeedFileError`` at the first fault.
    static func parse(
        yaml: String, file: String, otherFile: (String) -> String? = { _ in nil }
    ) throws(FeedFileError) -> [FeedDocument] {
        let reader = FileReader(file: file)
        let whole = try FeedFileParser(reader: reader).resolved(
            YAMLValue.document(yaml, file: file), otherFile: otherFile)
        var documents: [FeedDocument] = []
        for (name, content) in try FeedFileParser(reader: reader).streams(whole) {
            var parser = FeedFileParser(reader: reader)
            var document = try parser.document(content)
            document.streamName = name
            documents.append(document)
        }
        return documents
    }

    private mutating func document(_ value: YAMLValue) throws(FeedFileError) -> FeedDocument {
        let top = try self.reader.section(value, "the feed file", keys: Self.keys)
        try self.checkVersion(top["version"])
        let name = try self.venue(top.required("feed"))
        let symbols = try self.symbolRules(top["symbols"])
        let connection = try self.connection(top.required("connect"), symbols: symbols)
        let title = try top["title"].map { value throws(FeedFileError) in try self.reader.text(value, "'title'") }
        var subscribe: SubscriptionTemplate?
        if let value = top["subscribe"] {
            guard case .webSocket = connection.transport else {
                throw self.reader.error(value.mark, "a polled feed has nothing to subscribe: remove 'subscribe'.")
            }
            subscribe = try self.subscription(value, "subscribe")
        }
        let messages = try self.messages(top.required("messages"))
        let sequence = try self.sequence(top["sequence"])
        let tables = try self.tables(top["tables"])
        var document = FeedDocument(
            name: name,
            title: title ?? name.name,
            asset: try self.asset(top.required("asset")),
            docs: try top["docs"].map { value throws(FeedFileError) in try self.reader.text(value, "'docs'") },
            connection: connection,
            symbols: symbols,
            subscribe: subscribe,
            unsubscribe: try top["unsubscribe"].map { value throws(FeedFileError) in
                try self.subscription(value, "unsubscribe")
            },
            messages: messages,
            tests: try self.tests(top["tests"]),
            defaults: try self.defaults(top["defaults"], symbols: symbols),
            sequence: sequence, sequencing: FeedSequencing(messages: messages, connection: sequence), tables: tables
        )
        document.terms = try top["terms"].map { value throws(FeedFileError) in try self.reader.text(value, "'terms'") }
        document.backfill = try top["backfill"].map { value throws(FeedFileError) in
            try self.backfill(value, symbols: top["symbols"])
        }
        document.discovery = try top["discover"].map { value throws(FeedFileError) in
            try self.discovery(value, symbols: top["symbols"], rules: symbols)
        }
        document.variables = self.variables.all.sorted { $0.name < $1.name }
        return document
    }

    private func checkVersion(_ value: YAMLValue?) throws(FeedFileError) {
        guard let value else { return }
        let text = try self.reader.text(value, "'version'")
        guard text == "1" else {
            throw self.reader.error(
                value.mark, "'version' is '\(text)', but this program reads version 1: write 1, or update the program.")
        }
    }

    private func venue(_ value: YAMLValue) throws(FeedFileError) -> Venue {
        do {
            return try Venue(self.reader.text(value, "'feed'"))
        } catch let error as FeedFileError {
            throw error
        } catch {
            throw self.reader.error(value.mark, "'feed': \(error)")
        }
    }

    private func asset(_ value: YAMLValue) throws(FeedFileError) -> AssetRule {
        let text = try self.reader.text(value, "'asset'")
        if text == "auto" { return .automatic }
        guard let asset = AssetClass(rawValue: text) else {
            let names = AssetClass.allCases.map(\.rawValue) + ["auto"]
            throw self.reader.error(value.mark, "'asset' is '\(text)': \(Suggestion.text(for: text, among: names))")
        }
        return .fixed(asset)
    }

    private func defaults(_ value: YAMLValue?, symbols: SymbolRules) throws(FeedFileError) -> [Symbol] {
        guard let value else { return [] }
        let defaults = try self.reader.symbols(value, "'defaults'")
        for symbol in defaults where symbols.native(for: symbol) == nil {
            throw self.reader.error(
                value.mark,
                "'defaults' names \(symbol), which 'symbols' cannot spell for this venue: add it to its table."
            )
        }
        return defaults
    }

    func pairs(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> [(key: YAMLValue, value: YAMLValue)] {
        guard case .mapping(let pairs) = value.content else {
            throw self.reader.error(value.mark, "\(what) must be a mapping, but \(value.kindName) stands here.")
        }
        return pairs
    }
}

/// Collects the environment variables that a feed file names.
final class VariableList {
    /// Each with its default; one that is mentioned without a default anywhere has none.
    private(set) var all: [(name: String, fallback: String?)] = []

    func insert(_ name: String, fallback: String?) {
        guard let index = self.all.firstIndex(where: { $0.name == name }) else {
            self.all.append((name: name, fallback: fallback))
            return
        }
        if fallback == nil { self.all[index].fallback = nil }
    }
}
