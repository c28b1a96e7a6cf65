import Market

/// Reads a feed file into a ``FeedDocument``.
struct FeedFileParser {
    let reader: FileReader

    static func parse(yaml: String, file: String) throws(FeedFileError) -> FeedDocument {
        let parser = FeedFileParser(reader: FileReader(file: file))
        return try parser.document(YAMLValue.document(yaml, file: file))
    }

    private func document(_ value: YAMLValue) throws(FeedFileError) -> FeedDocument {
        let top = try self.reader.section(
            value, "the feed file",
            keys: [
                "feed", "title", "asset", "docs", "connect", "symbols", "subscribe", "unsubscribe", "messages", "tests",
                "defaults", "sequence", "tables",
            ]
        )
        let nameValue = try top.required("feed")
        let name: Venue
        do {
            name = try Venue(self.reader.text(nameValue, "'feed'"))
        } catch let error as FeedFileError {
            throw error
        } catch {
            throw self.reader.error(nameValue.mark, "'feed': \(error)")
        }
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
        return FeedDocument(
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

    // MARK: Symbols

    private func symbolRules(_ value: YAMLValue?) throws(FeedFileError) -> SymbolRules {
        var rules = SymbolRules()
        guard let value else { return rules }
        let section = try self.reader.section(
            value, "symbols", keys: ["separator", "case", "prefix", "suffix", "rename", "quotes", "table"]
        )
        if let separator = section["separator"] {
            // An empty separator is written "" and means a joined name.
            guard case .scalar(let text, let isPlain) = separator.content, !(isPlain && text.isEmpty) else {
                throw self.reader.error(separator.mark, "'separator' must be a text; write \"\" for joined names.")
            }
            rules.separator = text
        }
        if let letterCase = section["case"] {
            rules.letterCase = try self.reader.choice(letterCase, "'case'", SymbolRules.LetterCase.self)
        }
        if let prefix = section["prefix"] { rules.prefix = try self.reader.text(prefix, "'prefix'") }
        if let suffix = section["suffix"] { rules.suffix = try self.reader.text(suffix, "'suffix'") }
        if let quotes = section["quotes"] { rules.quotes = try self.reader.texts(quotes, "'quotes'") }
        if let rename = section["rename"] {
            for (key, value) in try self.pairs(rename, "'rename'") {
                rules.rename(try self.reader.text(key, "'rename'"), to: try self.reader.text(value, "'rename'"))
            }
        }
        if let table = section["table"] {
            for (key, value) in try self.pairs(table, "'table'") {
                let symbol = try self.reader.symbol(key, "a key of 'table'")
                let native = try self.reader.text(value, "the venue's name of \(symbol)")
                if let other = rules.tableSymbol(native: native) {
                    throw self.reader.error(
                        value.mark, "'\(native)' already stands for \(other): give each symbol its own name.")
                }
                rules.list(symbol, native: native)
            }
        }
        let isChain = section["separator"] != nil
        if !isChain, section["table"] != nil {
            for key in ["case", "prefix", "suffix", "rename", "quotes"] {
                guard let unused = section[key] else { continue }
                throw self.reader.error(
                    unused.mark, "'\(key)' has no effect with a 'table' alone: add 'separator', or remove it."
                )
            }
            rules.isTableOnly = true
        }
        return rules
    }

    func pairs(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> [(key: YAMLValue, value: YAMLValue)] {
        guard case .mapping(let pairs) = value.content else {
            throw self.reader.error(value.mark, "\(what) must be a mapping, but \(value.kindName) stands here.")
        }
        return pairs
    }
}
