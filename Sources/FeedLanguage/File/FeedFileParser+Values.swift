import Market

extension FeedFileParser {
    static let symbolKeys = ["from", "like", "matches", "value", "text"]
    static let decimalKeys = ["from", "none", "strip", "abs", "times", "dividedBy"]
    static let timeKeys = ["from", "unit", "zone", "date", "time"]

    func optional(_ section: Section, _ key: String, keys: [String]) throws(FeedFileError) -> ValueSource? {
        try section[key].map { value throws(FeedFileError) in try self.source(value, key, keys: keys) }
    }

    /// `symbol` of a tick; `nil` is that of the channel or of the request.
    func symbolSource(_ section: Section, hasChannel: Bool) throws(FeedFileError) -> ValueSource? {
        guard let value = section["symbol"] else {
            guard hasChannel else {
                throw self.reader.error(
                    section.mark, "\(section.name) lacks the key 'symbol': add it, or the rule's 'channel'.")
            }
            return nil
        }
        if case .scalar("@symbol", _) = value.content { return nil }
        return try self.source(value, "symbol", keys: Self.symbolKeys)
    }

    /// `sequence` of a tick or of all frames: a path, or a mapping with `step` besides.
    func sequence(_ value: YAMLValue?) throws(FeedFileError) -> ValueSource? {
        try value.map { value throws(FeedFileError) in try self.source(value, "sequence", keys: ["from", "step"]) }
    }

    /// A path, a list of paths, or a mapping with `from`, `value` or `text` and what `keys` allows besides.
    func source(_ value: YAMLValue, _ name: String, keys: [String]) throws(FeedFileError) -> ValueSource {
        var source = ValueSource(mark: value.mark)
        guard case .mapping = value.content else {
            source.paths = try self.paths(value, name)
            return source
        }
        let section = try self.reader.section(value, name, keys: keys)
        if let constant = section["value"] {
            source.constant = try self.constant(constant, name, isAlone: section.order.count == 1)
            return source
        }
        if let text = section["text"] {
            guard section["from"] == nil else {
                throw self.reader.error(text.mark, "\(name) has both 'from' and 'text': keep one.")
            }
            source.parts = try self.textParts(text, name)
        } else if let date = section["date"] {
            guard section["from"] == nil, let clock = section["time"] else {
                throw self.reader.error(date.mark, "'date' of \(name) goes with 'time', and without 'from'.")
            }
            source.paths = try self.paths(date, name)
            source.clock = try self.paths(clock, name).first
        } else {
            source.paths = try self.paths(section.required("from"), name)
        }
        if let like = section["like"] { source.like = try self.reader.like(like, "'like' of \(name)") }
        if let pattern = section["matches"] {
            source.pattern = try self.reader.pattern(pattern, "'matches' of \(name)", needsGroup: true)
        }
        if let none = section["none"] { source.none = try self.reader.scalars(none, "'none' of \(name)").map(\.text) }
        try self.readDecimal(section, name, into: &source)
        try self.readTime(section, name, into: &source)
        try self.readSide(section, name, into: &source)
        if let step = section["step"] { source.step = try self.step(step) }
        return source
    }

    private func constant(_ value: YAMLValue, _ name: String, isAlone: Bool) throws(FeedFileError) -> String {
        let text = try self.reader.text(value, "'value' of \(name)")
        guard isAlone else {
            throw self.reader.error(value.mark, "'value' of \(name) stands alone: remove the other keys.")
        }
        if name == "side", !["buy", "sell", "unknown"].contains(text) {
            throw self.reader.error(value.mark, "a side is buy, sell or unknown, but '\(text)' stands here.")
        }
        if name == "size", Decimal64(text) == nil {
            throw self.reader.error(value.mark, "'value' of size must be a number, but '\(text)' stands here.")
        }
        return text
    }

    private func readDecimal(_ section: Section, _ name: String, into source: inout ValueSource) throws(FeedFileError) {
        if let strip = section["strip"] { source.strip = try self.reader.text(strip, "'strip' of \(name)") }
        if let absolute = section["abs"] { source.isAbsolute = try self.reader.boolean(absolute, "'abs' of \(name)") }
        if let times = section["times"] { source.times = try self.factor(times, "'times' of \(name)") }
        if let divisor = section["dividedBy"] {
            source.dividedBy = try self.factor(divisor, "'dividedBy' of \(name)")
            if case .constant(.zero)? = source.dividedBy {
                throw self.reader.error(divisor.mark, "'dividedBy' of \(name) is zero: write another number.")
            }
        }
    }

    private func readTime(_ section: Section, _ name: String, into source: inout ValueSource) throws(FeedFileError) {
        if let unit = section["unit"] {
            source.unit = try self.reader.choice(unit, "'unit' of \(name)", ValueSource.TimeUnit.self)
        }
        guard let zone = section["zone"] else { return }
        let text = try self.reader.text(zone, "'zone' of \(name)")
        do {
            source.zone = try ZoneRule(text)
        } catch {
            throw self.reader.error(zone.mark, "'zone' of \(name): \(error.description)")
        }
    }

    private func readSide(_ section: Section, _ name: String, into source: inout ValueSource) throws(FeedFileError) {
        if let map = section["map"] {
            var sides: [String: Side] = [:]
            for (key, value) in try self.pairs(map, "'map' of \(name)") {
                sides[try self.reader.text(key, "'map' of \(name)")] = try self.side(value)
            }
            source.sides = sides
        }
        if let fallback = section["default"] { source.fallbackSide = try self.side(fallback) }
        if let invert = section["invert"] { source.isInverted = try self.reader.boolean(invert, "'invert'") }
        if let sign = section["sign"] { source.isSign = try self.reader.boolean(sign, "'sign'") }
        if source.isSign || source.isInverted, source.sides != nil {
            throw self.reader.error(
                section.mark, "'map' says each side itself: remove 'invert' and 'sign', or the map.")
        }
    }

    private func factor(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> ValueSource.Factor {
        if case .mapping = value.content {
            let section = try self.reader.section(value, what, keys: ["table"])
            return .table(try section.text("table"))
        }
        let text = try self.reader.text(value, what)
        guard let number = Decimal64(text) else {
            throw self.reader.error(
                value.mark, "\(what) must be a number, or {table: NAME}, but '\(text)' stands here.")
        }
        return .constant(number)
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

    /// `"{base}-{quote}"`: texts and paths in turn.
    private func textParts(_ value: YAMLValue, _ name: String) throws(FeedFileError) -> [ValueSource.TextPart] {
        let text = try self.reader.text(value, "'text' of \(name)")
        var parts: [ValueSource.TextPart] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw self.reader.error(value.mark, "'text' of \(name): the brace in '\(text)' is never closed.")
            }
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            do {
                parts.append(.path(try FieldPath.parse(String(rest[rest.index(after: open)..<close]))))
            } catch {
                throw self.reader.error(value.mark, "'text' of \(name): \(error.message)")
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        return parts
    }

    func paths(_ value: YAMLValue, _ name: String) throws(FeedFileError) -> [FieldPath] {
        let items = self.reader.list(value)
        guard !items.isEmpty else { throw self.reader.error(value.mark, "'\(name)' names no field: write its path.") }
        var paths: [FieldPath] = []
        for item in items {
            let path = try self.reader.path(item, "'\(name)'")
            guard !path.isEveryEntry else {
                throw self.reader.error(item.mark, "'\(name)': '*' belongs into 'each'; a value has one place.")
            }
            guard !path.isRequestSymbol else {
                throw self.reader.error(item.mark, "'\(name)': '@symbol' stands alone, for 'symbol' only.")
            }
            paths.append(path)
        }
        return paths
    }

    // MARK: Tables and sequences of the whole file

    /// `tables`: numbers by symbol.
    func tables(_ value: YAMLValue?) throws(FeedFileError) -> [String: FactorTable] {
        guard let value else { return [:] }
        var tables: [String: FactorTable] = [:]
        for (key, value) in try self.pairs(value, "'tables'") {
            var table = FactorTable(bySymbol: [:])
            for (name, number) in try self.pairs(value, "a table") {
                let text = try self.reader.text(number, "a number of the table")
                guard let factor = Decimal64(text), !factor.isZero else {
                    throw self.reader.error(
                        number.mark, "a table holds numbers other than zero, but '\(text)' stands here.")
                }
                if case .scalar("default", _) = name.content {
                    table.fallback = factor
                } else {
                    table.bySymbol[try self.reader.symbol(name, "a key of the table")] = factor
                }
            }
            tables[try self.reader.text(key, "a table's name")] = table
        }
        return tables
    }

    /// `step` of a sequence.
    private func step(_ value: YAMLValue) throws(FeedFileError) -> Sequencing {
        switch try self.reader.text(value, "'step'") {
        case "1": return .contiguous
        case "increasing": return .increasing
        case let text:
            throw self.reader.error(
                value.mark,
                "'step' is 1 (every number is used) or increasing (holes mean nothing), but '\(text)' stands here.")
        }
    }
}
