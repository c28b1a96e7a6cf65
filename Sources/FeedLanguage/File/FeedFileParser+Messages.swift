import Market

extension FeedFileParser {
    private static let bodies = [
        "trade", "quote", "status", "items", "outputs", "error", "fatal", "reply", "ack", "register", "ignore",
        "control",
        "reconnect",
    ]

    func messages(_ value: YAMLValue) throws(FeedFileError) -> [MessageRule] {
        guard case .sequence(let items) = value.content, !items.isEmpty else {
            throw self.reader.error(
                value.mark, "'messages' must be a list of rules, but \(value.kindName) stands here.")
        }
        var rules: [MessageRule] = []
        for item in items { rules += try self.rule(item) }
        return rules
    }

    /// One rule for each alternative of `when`.
    private func rule(_ value: YAMLValue) throws(FeedFileError) -> [MessageRule] {
        let section = try self.reader.section(value, "a message rule", keys: ["when", "channel", "each"] + Self.bodies)
        let alternatives = try self.frameAlternatives(section)
        let channel = try section["channel"].map { value throws(FeedFileError) in try self.channelTest(value) }
        let body = try self.body(section, hasChannel: channel != nil)
        return alternatives.map { MessageRule(mark: section.mark, conditions: $0, channel: channel, body: body) }
    }

    /// The alternatives of a `when` that looks at the whole frame.
    private func frameAlternatives(_ section: Section) throws(FeedFileError) -> [[Condition]] {
        guard let value = section["when"] else { return [[]] }
        let alternatives = try self.alternatives(value)
        for condition in alternatives.joined() {
            if case .outer = condition.path.origin {
                throw self.reader.error(
                    section.mark, "'when' of a rule looks at the whole frame: remove the '^' of '\(condition.path)'.")
            }
            if condition.path.isEntryKey {
                throw self.reader.error(section.mark, "'@key' exists only inside 'each': move the test to 'items'.")
            }
        }
        return alternatives
    }

    private func levels(_ value: YAMLValue) throws(FeedFileError) -> [FieldPath] {
        var levels: [FieldPath] = []
        for item in self.reader.list(value) {
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
            throw self.reader.error(value.mark, "'each' takes one to four levels.")
        }
        return levels
    }

    private func body(_ section: Section, hasChannel: Bool) throws(FeedFileError) -> MessageRule.Body {
        let bodies = section.order.filter { Self.bodies.contains($0) }
        let isTick = bodies.allSatisfy { $0 == "trade" || $0 == "quote" }
        guard let kind = bodies.first, bodies.count == 1 || isTick else {
            let found = bodies.isEmpty ? "nothing" : bodies.joined(separator: " and ")
            throw self.reader.error(
                section.mark,
                "a rule says one thing (trade, quote or both, status, items, outputs, error, fatal, reply, ack, register, ignore, control, reconnect), but here is \(found)."
            )
        }
        let value = try section.required(kind)
        if isTick || kind == "items" || kind == "status" {
            return .outputs(try self.output(section, conditions: [[]], hasChannel: hasChannel))
        }
        if let each = section["each"] {
            throw self.reader.error(
                each.mark, "'each' goes with trade, quote, status or items, not with '\(kind)': remove it.")
        }
        switch kind {
        case "outputs": return .outputs(try self.outputs(value, hasChannel: hasChannel))
        case "error": return .error(try self.errorMapping(value, "error"))
        case "fatal": return .fatal(try self.errorMapping(value, "fatal"))
        case "reply": return .reply(try self.template(value, self.scope("the reply", [.frame])))
        case "register": return .registration(try self.registration(value))
        case "ack": return .acknowledgement(try self.acknowledgement(value))
        default: break
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

    private func errorMapping(_ value: YAMLValue, _ name: String) throws(FeedFileError) -> ErrorMapping {
        let keys = name == "error" ? ["message", "detail", "symbol", "retryAfter"] : ["message", "detail"]
        let section = try self.reader.section(value, name, keys: keys)
        return ErrorMapping(
            message: try self.source(section.required("message"), "message", keys: ["from", "value"]),
            detail: try self.optional(section, "detail", keys: ["from", "value"]),
            symbol: try self.optional(section, "symbol", keys: Self.symbolKeys),
            retryAfter: try section["retryAfter"].map { value throws(FeedFileError) in
                try self.reader.duration(value, "'retryAfter'", in: .seconds(1)...(.seconds(86400)))
            }
        )
    }

    // MARK: Ticks

    /// `outputs`: several things from one frame.
    private func outputs(_ value: YAMLValue, hasChannel: Bool) throws(FeedFileError) -> [OutputRule] {
        guard case .sequence(let items) = value.content, !items.isEmpty else {
            throw self.reader.error(
                value.mark, "'outputs' must be a list of things to read, but \(value.kindName) stands here.")
        }
        var outputs: [OutputRule] = []
        for item in items {
            let section = try self.reader.section(
                item, "an output", keys: ["when", "each", "trade", "quote", "status", "items"])
            outputs += try self.output(
                section, conditions: self.frameAlternatives(section), hasChannel: hasChannel)
        }
        return outputs
    }

    /// What `trade`, `quote`, `status` or `items` of a section read, once for each alternative of its conditions.
    private func output(
        _ section: Section, conditions: [[Condition]], hasChannel: Bool
    ) throws(FeedFileError) -> [OutputRule] {
        let levels = try section["each"].map { value throws(FeedFileError) in try self.levels(value) } ?? []
        var items: [ItemRule] = []
        if let value = section["items"] {
            guard case .sequence(let list) = value.content, !list.isEmpty, !levels.isEmpty, section["trade"] == nil,
                section["quote"] == nil, section["status"] == nil
            else {
                throw self.reader.error(
                    value.mark, "'items' is a list of rules for the members that 'each' walks through.")
            }
            for item in list { items += try self.itemRule(item, hasChannel: hasChannel) }
        } else if let value = section["status"] {
            guard section["trade"] == nil, section["quote"] == nil else {
                throw self.reader.error(
                    value.mark, "'status' stands alone: write an output of its own for the trade or quote.")
            }
            let status = try self.status(value, hasChannel: hasChannel)
            items = [ItemRule(mark: section.mark, conditions: [], body: .status(status))]
        } else {
            let trade = try section["trade"].map { value throws(FeedFileError) in
                try self.trade(value, hasChannel: hasChannel)
            }
            let quote = try section["quote"].map { value throws(FeedFileError) in
                try self.quote(value, hasChannel: hasChannel)
            }
            guard trade != nil || quote != nil else {
                throw self.reader.error(section.mark, "an output needs trade, quote, status or items.")
            }
            items = [ItemRule(mark: section.mark, conditions: [], body: .ticks(trade, quote))]
        }
        return conditions.map { OutputRule(conditions: $0, levels: levels, items: items) }
    }

    private func itemRule(_ value: YAMLValue, hasChannel: Bool) throws(FeedFileError) -> [ItemRule] {
        let section = try self.reader.section(
            value, "an item rule", keys: ["when", "trade", "quote", "status", "ignore", "control", "error"])
        let trade = try section["trade"].map { value throws(FeedFileError) in
            try self.trade(value, hasChannel: hasChannel)
        }
        let quote = try section["quote"].map { value throws(FeedFileError) in
            try self.quote(value, hasChannel: hasChannel)
        }
        var body = ItemRule.Body.ticks(trade, quote)
        let others = section.order.filter { ["status", "ignore", "control", "error"].contains($0) }
        if let kind = others.first {
            let value = try section.required(kind)
            guard others.count == 1, trade == nil, quote == nil else {
                throw self.reader.error(
                    value.mark, "'\(kind)' of an item rule stands alone: remove it, or the rest.")
            }
            if kind == "error" {
                body = .error(try self.errorMapping(value, "error"))
            } else if kind == "status" {
                body = .status(try self.status(value, hasChannel: hasChannel))
            } else {
                guard try self.reader.boolean(value, "'\(kind)'") else {
                    throw self.reader.error(value.mark, "'\(kind)' can only be true: remove the rule otherwise.")
                }
                body = kind == "control" ? .control : .ignored
            }
        } else if trade == nil, quote == nil {
            throw self.reader.error(
                section.mark, "an item rule needs trade, quote, status, error, 'control: true' or 'ignore: true'.")
        }
        let alternatives = try section["when"].map { value throws(FeedFileError) in try self.alternatives(value) }
        return (alternatives ?? [[]]).map { ItemRule(mark: section.mark, conditions: $0, body: body) }
    }

    private func trade(_ value: YAMLValue, hasChannel: Bool) throws(FeedFileError) -> TradeMapping {
        let section = try self.reader.section(
            value, "trade",
            keys: ["symbol", "price", "size", "side", "time", "id", "sequence", "snapshot", "staleFirst"]
        )
        return TradeMapping(
            symbol: try self.symbolSource(section, hasChannel: hasChannel),
            price: try self.source(section.required("price"), "price", keys: Self.decimalKeys),
            size: try self.optional(section, "size", keys: Self.decimalKeys + ["value"]),
            side: try self.optional(section, "side", keys: ["from", "map", "default", "value", "invert", "sign"]),
            time: try self.optional(section, "time", keys: Self.timeKeys),
            id: try self.optional(section, "id", keys: ["from", "none", "text", "matches"]),
            sequence: try self.sequence(section["sequence"]),
            snapshot: try self.snapshot(section["snapshot"]),
            staleFirst: try section["staleFirst"].map { value throws(FeedFileError) in
                try self.reader.duration(value, "'staleFirst'", in: .seconds(1)...(.seconds(3600)))
            }
        )
    }

    private func quote(_ value: YAMLValue, hasChannel: Bool) throws(FeedFileError) -> QuoteMapping {
        let section = try self.reader.section(
            value, "quote",
            keys: ["symbol", "bid", "ask", "bidSize", "askSize", "last", "time", "sequence", "snapshot", "merge"]
        )
        guard section["bid"] != nil || section["ask"] != nil || section["last"] != nil else {
            throw self.reader.error(section.mark, "quote lacks all of 'bid', 'ask' and 'last': add one.")
        }
        return QuoteMapping(
            symbol: try self.symbolSource(section, hasChannel: hasChannel),
            bid: try self.optional(section, "bid", keys: Self.decimalKeys),
            ask: try self.optional(section, "ask", keys: Self.decimalKeys),
            bidSize: try self.optional(section, "bidSize", keys: Self.decimalKeys),
            askSize: try self.optional(section, "askSize", keys: Self.decimalKeys),
            last: try self.optional(section, "last", keys: Self.decimalKeys),
            time: try self.optional(section, "time", keys: Self.timeKeys),
            sequence: try self.sequence(section["sequence"]),
            snapshot: try self.snapshot(section["snapshot"]),
            isMerging: try section["merge"].map { value throws(FeedFileError) in
                try self.reader.boolean(value, "'merge'")
            } ?? false
        )
    }

    private func snapshot(_ value: YAMLValue?) throws(FeedFileError) -> SnapshotRule {
        guard let value else { return .constant(false) }
        if case .scalar = value.content { return .constant(try self.reader.boolean(value, "'snapshot'")) }
        let section = try self.reader.section(value, "snapshot", keys: ["when"])
        return .when(try self.conditions(section.required("when")))
    }

    // MARK: Channels and acknowledgements

    private func channelTest(_ value: YAMLValue) throws(FeedFileError) -> ChannelTest {
        let section = try self.reader.section(value, "channel", keys: ["id", "is"])
        return ChannelTest(
            id: try self.source(section.required("id"), "id", keys: ["from"]),
            kind: try section["is"].map { value throws(FeedFileError) in try self.reader.text(value, "'is'") }
        )
    }

    private func registration(_ value: YAMLValue) throws(FeedFileError) -> RegistrationMapping {
        let section = try self.reader.section(value, "register", keys: ["id", "kind", "symbol"])
        return RegistrationMapping(
            id: try self.source(section.required("id"), "id", keys: ["from"]),
            kind: try self.optional(section, "kind", keys: ["from", "value"]),
            symbol: try self.optional(section, "symbol", keys: Self.symbolKeys)
        )
    }

    private func acknowledgement(_ value: YAMLValue) throws(FeedFileError) -> AcknowledgementMapping {
        if case .scalar = value.content {
            guard try self.reader.boolean(value, "'ack'") else {
                throw self.reader.error(value.mark, "'ack' is true, or says where the symbols stand.")
            }
            return AcknowledgementMapping()
        }
        let section = try self.reader.section(value, "ack", keys: ["each", "symbol", "failed"])
        guard section["symbol"] != nil || section["failed"] != nil else {
            throw self.reader.error(
                section.mark, "ack names neither 'symbol' nor 'failed'; write 'ack: true' to confirm everything.")
        }
        var mapping = AcknowledgementMapping()
        if let symbol = section["symbol"] {
            mapping.accepted = AcknowledgementMapping.Part(
                levels: try section["each"].map { value throws(FeedFileError) in try self.levels(value) } ?? [],
                symbol: try self.source(symbol, "symbol", keys: Self.symbolKeys)
            )
        }
        if let failed = section["failed"] {
            let part = try self.reader.section(failed, "failed", keys: ["each", "symbol", "message"])
            mapping.failed = AcknowledgementMapping.Part(
                levels: try part["each"].map { value throws(FeedFileError) in try self.levels(value) } ?? [],
                symbol: try self.source(part.required("symbol"), "symbol", keys: Self.symbolKeys),
                message: try self.optional(part, "message", keys: ["from", "value"])
            )
        }
        return mapping
    }
}
