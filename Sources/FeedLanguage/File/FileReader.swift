import Market

/// Turns YAML values into typed ones; every complaint carries its place.
struct FileReader {
    let file: String

    func error(_ mark: SourceMark, _ message: String) -> FeedFileError {
        FeedFileError(file: mark.file ?? self.file, line: mark.line, column: mark.column, message: message)
    }

    /// The mapping `value` with no key but `keys`.
    func section(_ value: YAMLValue, _ name: String, keys: [String]) throws(FeedFileError) -> Section {
        guard case .mapping(let pairs) = value.content else {
            throw self.error(
                value.mark,
                "\(name) must be a mapping with \(keys.joined(separator: ", ")), but \(value.kindName) stands here."
            )
        }
        var values: [String: YAMLValue] = [:]
        var order: [String] = []
        for (key, value) in pairs {
            let text = try self.text(key, "a key of \(name)")
            guard keys.contains(text) else {
                let fix =
                    Self.lacksBlank(text, among: keys)
                    ? "a blank is missing after the colon." : Suggestion.text(for: text, among: keys)
                throw self.error(key.mark, "unknown key '\(text)' in \(name): \(fix)")
            }
            values[text] = value
            order.append(text)
        }
        return Section(name: name, mark: value.mark, values: values, order: order, reader: self)
    }

    /// Whether a key has swallowed its value: `when:{event: trade}`.
    private static func lacksBlank(_ text: String, among keys: [String]) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        return keys.contains(String(text[..<colon]))
    }

    /// Any scalar's text.
    func text(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> String {
        guard case .scalar(let text, let isPlain) = value.content, !(text.isEmpty && isPlain) else {
            throw self.error(value.mark, "\(what) must be a text, but \(value.kindName) stands here.")
        }
        return text
    }

    func integer(_ value: YAMLValue, _ what: String, in range: ClosedRange<Int>) throws(FeedFileError) -> Int {
        let text = try self.text(value, what)
        guard let number = Int(text), range.contains(number) else {
            throw self.error(
                value.mark,
                "\(what) must be a whole number from \(range.lowerBound) to \(range.upperBound), but '\(text)' stands here."
            )
        }
        return number
    }

    func boolean(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> Bool {
        switch try self.text(value, what) {
        case "true": return true
        case "false": return false
        case let text: throw self.error(value.mark, "\(what) must be true or false, but '\(text)' stands here.")
        }
    }

    func duration(
        _ value: YAMLValue, _ what: String, in range: ClosedRange<Duration>
    ) throws(FeedFileError) -> Duration {
        let text = try self.text(value, what)
        guard let duration = DurationText.parse(text) else {
            throw self.error(
                value.mark, "\(what) must be a duration such as 250ms, 30s, 5m or 23h50m, but '\(text)' stands here."
            )
        }
        guard range.contains(duration) else {
            throw self.error(
                value.mark,
                "\(what) must lie between \(range.lowerBound) and \(range.upperBound), but '\(text)' stands here."
            )
        }
        return duration
    }

    /// The members of a list, or the value itself as the only one.
    func list(_ value: YAMLValue) -> [YAMLValue] {
        if case .sequence(let items) = value.content { return items }
        return [value]
    }

    func texts(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> [String] {
        var result: [String] = []
        for item in self.list(value) { result.append(try self.text(item, what)) }
        return result
    }

    func scalars(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> [JSONScalar] {
        var result: [JSONScalar] = []
        for item in self.list(value) {
            guard let scalar = item.jsonScalar(), scalar != JSONScalar(text: "", isString: false) else {
                throw self.error(
                    item.mark, "\(what) must be a text, number, true, false or null, but \(item.kindName) stands here.")
            }
            result.append(scalar)
        }
        return result
    }

    func path(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> FieldPath {
        let text = try self.text(value, what)
        do {
            return try FieldPath.parse(text)
        } catch {
            throw self.error(value.mark, "\(what): \(error.message)")
        }
    }

    func symbol(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> Symbol {
        let text = try self.text(value, what)
        do {
            return try Symbol(text)
        } catch {
            throw self.error(value.mark, "\(what): \(error.description)")
        }
    }

    func symbols(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> [Symbol] {
        guard case .sequence(let items) = value.content else {
            throw self.error(
                value.mark,
                "\(what) must be a list of symbols such as [BTC-USD, ETH-USD], but \(value.kindName) stands here.")
        }
        var result: [Symbol] = []
        for item in items {
            let symbol = try self.symbol(item, what)
            guard !result.contains(symbol) else {
                throw self.error(item.mark, "\(what) names \(symbol) twice: keep one.")
            }
            result.append(symbol)
        }
        return result
    }

    func like(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> LikePattern {
        let text = try self.text(value, what)
        let parts = text.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count > 1 else {
            throw self.error(
                value.mark,
                "\(what) must be a text with exactly one '*', such as 'live_trades_*', but '\(text)' stands here."
            )
        }
        return LikePattern(prefix: String(parts[0]), suffix: String(parts[1]))
    }

    /// A regular expression; `needsGroup` asks for exactly one capturing group.
    func pattern(
        _ value: YAMLValue, _ what: String, needsGroup: Bool = false
    ) throws(FeedFileError) -> TextPattern {
        let text = try self.text(value, what)
        let pattern = TextPattern(text: text)
        do {
            let groups = try pattern.compiled().groupCount
            guard !needsGroup || groups == 1 else {
                throw self.error(
                    value.mark, "\(what) needs one group, '(…)', around the part that counts, but has \(groups).")
            }
        } catch let error as FeedFileError {
            throw error
        } catch {
            let reason = "\(error)".split(separator: "\n").first ?? "it cannot be read"
            throw self.error(value.mark, "\(what): '\(text)' is not a regular expression: \(reason).")
        }
        return pattern
    }

    /// The name of one of `type`'s cases.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ value: YAMLValue, _ what: String, _ type: Choice.Type
    ) throws(FeedFileError) -> Choice where Choice.RawValue == String {
        let text = try self.text(value, what)
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue)
            throw self.error(value.mark, "\(what) is '\(text)': \(Suggestion.text(for: text, among: names))")
        }
        return choice
    }
}

/// A mapping whose keys have been checked.
struct Section {
    let name: String
    let mark: SourceMark
    fileprivate let values: [String: YAMLValue]
    /// The keys in the file's order.
    let order: [String]
    let reader: FileReader

    fileprivate init(name: String, mark: SourceMark, values: [String: YAMLValue], order: [String], reader: FileReader) {
        self.name = name
        self.mark = mark
        self.values = values
        self.order = order
        self.reader = reader
    }

    subscript(key: String) -> YAMLValue? { self.values[key] }

    func required(_ key: String) throws(FeedFileError) -> YAMLValue {
        guard let value = self.values[key] else {
            throw self.reader.error(self.mark, "\(self.name) lacks the key '\(key)': add it.")
        }
        return value
    }

    func text(_ key: String) throws(FeedFileError) -> String {
        try self.reader.text(self.required(key), "'\(key)' in \(self.name)")
    }
}
