import Market

/// `backfill` and `discover`.
extension FeedFileParser {
    func backfill(_ value: YAMLValue, symbols: YAMLValue?) throws(FeedFileError) -> BackfillSettings {
        let section = try self.reader.section(
            value, "backfill", keys: Self.requestKeys + ["page", "budget", "symbols", "decode", "messages", "tests"])
        let request = try self.request(section, self.scope("'backfill'", [.symbols, .counter, .range]))
        guard request.mentionsSymbols else {
            throw self.reader.error(
                section.mark, "backfill asks for the trades of one symbol: put '{symbol}' into the address.")
        }
        var settings = BackfillSettings(
            request: request,
            paging: try section["page"].map { value throws(FeedFileError) in
                try self.paging(value, request: request)
            },
            budget: try section["budget"].map { value throws(FeedFileError) in try self.budget(value) } ?? BudgetRules()
        )
        settings.symbols = try section["symbols"].map { value throws(FeedFileError) in
            try self.otherSymbols(value, symbols)
        }
        if let decode = section["decode"] {
            settings.encoding = try self.reader.choice(decode, "'decode'", FrameEncoding.self)
        }
        settings.messages = try section["messages"].map { value throws(FeedFileError) in try self.messages(value) }
        settings.tests = try self.tests(section["tests"])
        return settings
    }

    /// `symbols` of a request: the file's own, with what is spelled otherwise there laid over it.
    private func otherSymbols(_ value: YAMLValue, _ symbols: YAMLValue?) throws(FeedFileError) -> SymbolRules {
        try self.symbolRules(symbols?.overlaid(by: value) ?? value)
    }

    func discovery(
        _ value: YAMLValue, symbols: YAMLValue?, rules: SymbolRules
    ) throws(FeedFileError) -> DiscoverySettings {
        let section = try self.reader.section(
            value, "discover",
            keys: Self.requestKeys + [
                "page", "budget", "every", "each", "symbol", "base", "quote", "when", "rename", "symbols", "tests",
            ])
        let request = try self.request(section, self.scope("'discover'", [.counter]))
        let paging = try section["page"].map { value throws(FeedFileError) in
            try self.paging(value, request: request)
        }
        if case .lastTime? = paging?.form {
            throw self.reader.error(
                try section.required("page").mark, "a list has no times: 'lastTime' cannot name its pages.")
        }
        if let quote = section["quote"], section["base"] == nil {
            throw self.reader.error(quote.mark, "'quote' goes with 'base': add it.")
        }
        if let base = section["base"], section["quote"] == nil {
            throw self.reader.error(base.mark, "'base' goes with 'quote': add it.")
        }
        if let rename = section["rename"], section["symbols"] != nil {
            throw self.reader.error(rename.mark, "'rename' is a part of 'symbols' here: move it there.")
        }
        let plan = DiscoveryPlan(
            request: request, paging: paging,
            budget: try section["budget"].map { value throws(FeedFileError) in try self.budget(value) }
                ?? BudgetRules(),
            lifetime: try section["every"].map { value throws(FeedFileError) in
                try self.reader.duration(value, "'every'", in: .seconds(60)...(.seconds(31 * 86400)))
            } ?? .seconds(86400),
            items: try section["each"].map { value throws(FeedFileError) in try self.listPath(value) }
                ?? FieldPath(origin: .item, segments: []),
            symbol: try self.listingValue(section.required("symbol"), "'symbol'"),
            base: try section["base"].map { value throws(FeedFileError) in try self.listingValue(value, "'base'") },
            quote: try section["quote"].map { value throws(FeedFileError) in try self.listingValue(value, "'quote'") },
            conditions: try section["when"].map { value throws(FeedFileError) in try self.listingConditions(value) }
                ?? [],
            legs: try self.listingLegs(section["rename"]), rules: rules,
            listRules: try section["symbols"].map { value throws(FeedFileError) in
                try self.otherSymbols(value, symbols)
            }
        )
        return DiscoverySettings(plan: plan, tests: try self.listingTests(section["tests"]))
    }

    private func listPath(_ value: YAMLValue) throws(FeedFileError) -> FieldPath {
        let path = try self.reader.path(value, "'each'")
        if case .outer = path.origin {
            throw self.reader.error(value.mark, "'each' starts at the answer: remove the '^'.")
        }
        guard !path.isEntryKey else {
            throw self.reader.error(value.mark, "'@key' is a text, not a list to walk through.")
        }
        return path
    }

    /// A path from an item.
    private func itemPath(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> FieldPath {
        let path = try self.reader.path(value, what)
        guard path.origin == .item, !path.isEveryEntry, path.segments.isEmpty || !path.isEntryKey else {
            throw self.reader.error(
                value.mark, "\(what) is a path inside an item of the list, or '@key': remove '$', '^' and '*'.")
        }
        return path
    }

    private func listingValue(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> DiscoveryPlan.Value {
        guard case .mapping = value.content else { return .path(try self.itemPath(value, what)) }
        return .constant(try self.reader.section(value, what, keys: ["value"]).text("value"))
    }

    private func listingConditions(_ value: YAMLValue) throws(FeedFileError) -> [DiscoveryPlan.Condition] {
        var conditions: [DiscoveryPlan.Condition] = []
        for (key, value) in try self.pairs(value, "'when'") {
            let path = try self.itemPath(key, "'when'")
            guard case .mapping = value.content else {
                let texts = try self.reader.scalars(value, "a value of 'when'").map(\.text)
                conditions.append(.init(path: path, test: .anyOf(texts)))
                continue
            }
            let section = try self.reader.section(value, "a test on '\(path)'", keys: ["not", "exists"])
            if let not = section["not"] {
                conditions.append(.init(path: path, test: .noneOf(try self.reader.scalars(not, "'not'").map(\.text))))
            }
            if let exists = section["exists"] {
                conditions.append(.init(path: path, test: .exists(try self.reader.boolean(exists, "'exists'"))))
            }
        }
        return conditions
    }

    private func listingLegs(_ value: YAMLValue?) throws(FeedFileError) -> [String: String] {
        var legs: [String: String] = [:]
        guard let value else { return legs }
        for (key, value) in try self.pairs(value, "'rename'") {
            legs[try self.reader.text(value, "'rename'").uppercased()] = try self.reader.text(key, "'rename'")
        }
        return legs
    }

    private func listingTests(_ value: YAMLValue?) throws(FeedFileError) -> [DiscoverySettings.Test] {
        guard let value else { return [] }
        guard case .sequence(let items) = value.content else {
            throw self.reader.error(value.mark, "'tests' must be a list, but \(value.kindName) stands here.")
        }
        var tests: [DiscoverySettings.Test] = []
        for item in items {
            let section = try self.reader.section(item, "a test", keys: ["frame", "gives"])
            var listings: [Listing] = []
            for (key, value) in try self.pairs(section.required("gives"), "'gives'") {
                var symbol: Symbol?
                if case .scalar("null", true) = value.content {
                } else {
                    symbol = try self.reader.symbol(value, "'gives'")
                }
                listings.append(Listing(native: try self.reader.text(key, "'gives'"), symbol: symbol))
            }
            tests.append(
                .init(mark: section.mark, body: try self.listingBody(section.required("frame")), listings: listings))
        }
        return tests
    }

    private func listingBody(_ value: YAMLValue) throws(FeedFileError) -> [UInt8] {
        if case .scalar = value.content { return Array(try self.reader.text(value, "the frame").utf8) }
        var bytes: [UInt8] = []
        try self.writeJSON(value, to: &bytes)
        return bytes
    }
}
