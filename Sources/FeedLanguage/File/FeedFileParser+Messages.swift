import Market

extension FeedFileParser {
    private static let valueKeys = ["from", "value"]

    func messages(_ value: YAMLValue) throws(FeedFileError) -> [MessageRule] {
        guard case .sequence(let items) = value.content, !items.isEmpty else {
            throw self.reader.error(
                value.mark, "'messages' must be a list of rules, but \(value.kindName) stands here.")
        }
        var rules: [MessageRule] = []
        for item in items { rules.append(try self.rule(item)) }
        return rules
    }

    private func rule(_ value: YAMLValue) throws(FeedFileError) -> MessageRule {
        let section = try self.reader.section(
            value, "a message rule",
            keys: ["when", "each", "trade", "quote", "items", "error", "ignore", "control", "reconnect"]
        )
        let conditions = try section["when"].map { value throws(FeedFileError) in try self.conditions(value) } ?? []
        for condition in conditions {
            if case .outer = condition.path.origin {
                throw self.reader.error(
                    section.mark, "'when' of a rule looks at the whole frame: remove the '^' of '\(condition.path)'.")
            }
            if condition.path.isEntryKey {
                throw self.reader.error(section.mark, "'@key' exists only inside 'each': move the test to 'items'.")
            }
        }
        var levels: [FieldPath] = []
        if let each = section["each"] {
            for item in self.reader.list(each) {
                let path = try self.reader.path(item, "'each'")
                if case .outer = path.origin {
                    throw self.reader.error(item.mark, "'each' goes inwards: '^' may not stand in it.")
                }
                if path.isEntryKey {
                    throw self.reader.error(item.mark, "'@key' is a text, not a list to walk through.")
                }
                levels.append(path)
            }
            guard (1...4).contains(levels.count) else {
                throw self.reader.error(each.mark, "'each' takes one to four levels.")
            }
        }
        return MessageRule(
            mark: section.mark, conditions: conditions, levels: levels,
            body: try self.body(section, depth: levels.count)
        )
    }

    private func body(_ section: Section, depth: Int) throws(FeedFileError) -> MessageRule.Body {
        let bodies = section.order.filter { $0 != "when" && $0 != "each" }
        let isTick = bodies.allSatisfy { $0 == "trade" || $0 == "quote" }
        guard let kind = bodies.first, bodies.count == 1 || isTick else {
            let found = bodies.isEmpty ? "nothing" : bodies.joined(separator: " and ")
            throw self.reader.error(
                section.mark,
                "a rule says one thing (trade, quote or both, items, error, ignore, control, reconnect), but here is \(found)."
            )
        }
        if kind == "trade" || kind == "quote" {
            return .items([try self.itemRule(section, depth: depth, conditions: [])])
        }
        let value = try section.required(kind)
        if kind == "items" {
            guard case .sequence(let items) = value.content, !items.isEmpty, depth > 0 else {
                throw self.reader.error(
                    value.mark, "'items' is a list of rules for the members that 'each' walks through.")
            }
            var rules: [ItemRule] = []
            for item in items {
                let itemSection = try self.reader.section(
                    item, "an item rule", keys: ["when", "trade", "quote", "ignore"]
                )
                let conditions = try itemSection["when"].map { value throws(FeedFileError) in
                    try self.conditions(value)
                }
                rules.append(try self.itemRule(itemSection, depth: depth, conditions: conditions ?? []))
            }
            return .items(rules)
        }
        guard depth == 0 else {
            throw self.reader.error(
                section.mark, "'each' goes with trade, quote or items, not with '\(kind)': remove it.")
        }
        if kind == "error" {
            let error = try self.reader.section(value, "error", keys: ["message", "detail"])
            return .error(
                ErrorMapping(
                    message: try self.source(error.required("message"), "message", keys: Self.valueKeys),
                    detail: try error["detail"].map { value throws(FeedFileError) in
                        try self.source(value, "detail", keys: Self.valueKeys)
                    }
                )
            )
        }
        guard try self.reader.boolean(value, "'\(kind)'") else {
            throw self.reader.error(value.mark, "'\(kind)' can only be true: remove the rule otherwise.")
        }
        switch kind {
        case "control": return .fixed(.control)
        case "reconnect": return .fixed(.reconnect)
        default: return .fixed(.ignored)
        }
    }

    private func itemRule(_ section: Section, depth: Int, conditions: [Condition]) throws(FeedFileError) -> ItemRule {
        let trade = try section["trade"].map { value throws(FeedFileError) in try self.trade(value) }
        let quote = try section["quote"].map { value throws(FeedFileError) in try self.quote(value) }
        if let ignore = section["ignore"] {
            guard try self.reader.boolean(ignore, "'ignore'"), trade == nil, quote == nil else {
                throw self.reader.error(ignore.mark, "'ignore: true' stands alone: remove it, or trade and quote.")
            }
        } else if trade == nil, quote == nil {
            throw self.reader.error(section.mark, "an item rule needs trade, quote or 'ignore: true'.")
        }
        return ItemRule(mark: section.mark, conditions: conditions, trade: trade, quote: quote)
    }

    private func trade(_ value: YAMLValue) throws(FeedFileError) -> TradeMapping {
        let section = try self.reader.section(
            value, "trade", keys: ["symbol", "price", "size", "side", "time", "id", "sequence", "snapshot"]
        )
        return TradeMapping(
            symbol: try self.source(section.required("symbol"), "symbol", keys: ["from", "like", "value"]),
            price: try self.source(section.required("price"), "price", keys: ["from", "none"]),
            size: try self.optional(section, "size", keys: ["from", "none", "value"]),
            side: try self.optional(section, "side", keys: ["from", "map", "default", "value"]),
            time: try self.optional(section, "time", keys: ["from", "unit"]),
            id: try self.optional(section, "id", keys: ["from", "none"]),
            sequence: try self.optional(section, "sequence", keys: ["from"]),
            snapshot: try self.snapshot(section["snapshot"])
        )
    }

    private func quote(_ value: YAMLValue) throws(FeedFileError) -> QuoteMapping {
        let section = try self.reader.section(
            value, "quote",
            keys: ["symbol", "bid", "ask", "bidSize", "askSize", "last", "time", "sequence", "snapshot"]
        )
        let decimalKeys = ["from", "none"]
        guard section["bid"] != nil || section["ask"] != nil || section["last"] != nil else {
            throw self.reader.error(section.mark, "quote lacks all of 'bid', 'ask' and 'last': add one.")
        }
        return QuoteMapping(
            symbol: try self.source(section.required("symbol"), "symbol", keys: ["from", "like", "value"]),
            bid: try self.optional(section, "bid", keys: decimalKeys),
            ask: try self.optional(section, "ask", keys: decimalKeys),
            bidSize: try self.optional(section, "bidSize", keys: decimalKeys),
            askSize: try self.optional(section, "askSize", keys: decimalKeys),
            last: try self.optional(section, "last", keys: decimalKeys),
            time: try self.optional(section, "time", keys: ["from", "unit"]),
            sequence: try self.optional(section, "sequence", keys: ["from"]),
            snapshot: try self.snapshot(section["snapshot"])
        )
    }

    private func snapshot(_ value: YAMLValue?) throws(FeedFileError) -> SnapshotRule {
        guard let value else { return .constant(false) }
        if case .scalar = value.content { return .constant(try self.reader.boolean(value, "'snapshot'")) }
        let section = try self.reader.section(value, "snapshot", keys: ["when"])
        return .when(try self.conditions(section.required("when")))
    }

    private func optional(_ section: Section, _ key: String, keys: [String]) throws(FeedFileError) -> ValueSource? {
        try section[key].map { value throws(FeedFileError) in try self.source(value, key, keys: keys) }
    }

    /// A path, a list of paths, or a mapping with `from` or `value` and what `keys` allows besides.
    private func source(_ value: YAMLValue, _ name: String, keys: [String]) throws(FeedFileError) -> ValueSource {
        var source = ValueSource(mark: value.mark)
        guard case .mapping = value.content else {
            source.paths = try self.paths(value, name)
            return source
        }
        let section = try self.reader.section(value, name, keys: keys)
        if let constant = section["value"] {
            source.constant = try self.reader.text(constant, "'value' of \(name)")
            guard section.order.count == 1 else {
                throw self.reader.error(constant.mark, "'value' of \(name) stands alone: remove the other keys.")
            }
            if name == "side", ["buy", "sell", "unknown"].contains(source.constant) == false {
                throw self.reader.error(
                    constant.mark, "a side is buy, sell or unknown, but '\(source.constant ?? "")' stands here.")
            }
            if name == "size", source.constant.flatMap(Decimal64.init) == nil {
                throw self.reader.error(
                    constant.mark, "'value' of size must be a number, but '\(source.constant ?? "")' stands here.")
            }
            return source
        }
        source.paths = try self.paths(section.required("from"), name)
        if let like = section["like"] { source.like = try self.reader.like(like, "'like' of \(name)") }
        if let none = section["none"] { source.none = try self.reader.scalars(none, "'none' of \(name)").map(\.text) }
        if let unit = section["unit"] {
            source.unit = try self.reader.choice(unit, "'unit' of \(name)", ValueSource.TimeUnit.self)
        }
        if let map = section["map"] {
            var sides: [String: Side] = [:]
            for (key, value) in try self.pairs(map, "'map' of \(name)") {
                sides[try self.reader.text(key, "'map' of \(name)")] = try self.side(value)
            }
            source.sides = sides
        }
        if let fallback = section["default"] { source.fallbackSide = try self.side(fallback) }
        return source
    }

    private func side(_ value: YAMLValue) throws(FeedFileError) -> Side {
        switch try self.reader.text(value, "a side") {
        case "buy": return .buy
        case "sell": return .sell
        case "unknown": return .unknown
        case let text:
            throw self.reader.error(
                value.mark,
                "a side is buy, sell or unknown, but '\(text)' stands here: \(Suggestion.text(for: text, among: ["buy", "sell", "unknown"]))"
            )
        }
    }

    private func paths(_ value: YAMLValue, _ name: String) throws(FeedFileError) -> [FieldPath] {
        let items = self.reader.list(value)
        guard !items.isEmpty else { throw self.reader.error(value.mark, "'\(name)' names no field: write its path.") }
        var paths: [FieldPath] = []
        for item in items {
            let path = try self.reader.path(item, "'\(name)'")
            guard !path.isEveryEntry else {
                throw self.reader.error(item.mark, "'\(name)': '*' belongs into 'each'; a value has one place.")
            }
            paths.append(path)
        }
        return paths
    }

    // MARK: Conditions

    private func conditions(_ value: YAMLValue) throws(FeedFileError) -> [Condition] {
        var result: [Condition] = []
        for (key, value) in try self.pairs(value, "'when'") {
            let path = try self.reader.path(key, "'when'")
            guard !path.isEveryEntry else {
                throw self.reader.error(key.mark, "'when': '*' belongs into 'each'; a test looks at one place.")
            }
            guard case .mapping = value.content else {
                result.append(Condition(path: path, test: .anyOf(try self.reader.scalars(value, "a value of 'when'"))))
                continue
            }
            let section = try self.reader.section(
                value, "a test on '\(path)'", keys: ["exists", "absent", "type", "like", "prefix", "suffix", "not"]
            )
            for name in section.order {
                let operand = try section.required(name)
                result.append(Condition(path: path, test: try self.test(name, operand)))
            }
        }
        return result
    }

    private func test(_ name: String, _ operand: YAMLValue) throws(FeedFileError) -> Condition.Test {
        switch name {
        case "exists": return .exists(try self.reader.boolean(operand, "'exists'"))
        case "absent": return .exists(!(try self.reader.boolean(operand, "'absent'")))
        case "like": return .like(try self.reader.like(operand, "'like'"))
        case "prefix": return .like(LikePattern(prefix: try self.reader.text(operand, "'prefix'"), suffix: ""))
        case "suffix": return .like(LikePattern(prefix: "", suffix: try self.reader.text(operand, "'suffix'")))
        case "not": return .noneOf(try self.reader.scalars(operand, "'not'"))
        default:
            var types: [JSONType] = []
            for item in self.reader.list(operand) {
                types.append(try self.reader.choice(item, "'type'", JSONType.self))
            }
            return .type(types)
        }
    }
}
