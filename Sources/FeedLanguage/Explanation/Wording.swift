import Market

/// The words that explanations are made of.
enum Wording {
    /// `30 s`, `23 h 50 min`.
    static func duration(_ duration: Duration) -> String {
        var rest = duration.components.seconds
        let milliseconds = duration.components.attoseconds / 1_000_000_000_000_000
        var parts: [String] = []
        for (unit, worth) in [("days", Int64(86400)), ("h", 3600), ("min", 60), ("s", 1)] where rest >= worth {
            // 90 s is better known than 1 min 30 s, and so is 24 h than a day.
            if parts.isEmpty, rest < 2 * worth, rest % worth != 0 || unit == "days" { continue }
            parts.append("\(rest / worth) \(unit)")
            rest %= worth
        }
        if milliseconds > 0 || parts.isEmpty { parts.append("\(milliseconds) ms") }
        return parts.joined(separator: " ")
    }

    /// `a`, `a and b`, `a, b and c`.
    static func list(_ items: [String], _ word: String = "and") -> String {
        guard let last = items.last else { return "" }
        if items.count == 1 { return last }
        return items.dropLast().joined(separator: ", ") + " \(word) " + last
    }

    /// `1 symbol`, `2 symbols`.
    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// The conditions of a rule: `in which type is 'trade' and p is there`.
    static func conditions(_ conditions: [Condition]) -> String {
        self.list(conditions.map(self.condition))
    }

    static func condition(_ condition: Condition) -> String {
        let path = self.path(condition.path)
        switch condition.test {
        case .anyOf(let values): return "\(path) is \(self.list(values.map(self.value), "or"))"
        case .noneOf(let values): return "\(path) is not \(self.list(values.map(self.value), "or"))"
        case .exists(true): return "\(path) is there"
        case .exists(false): return "\(path) is not there"
        case .type(let types): return "\(path) is of type \(self.list(types.map(\.rawValue), "or"))"
        case .like(let pattern): return "\(path) looks like '\(self.pattern(pattern))'"
        case .notLike(let pattern): return "\(path) does not look like '\(self.pattern(pattern))'"
        case .matches(let pattern): return "\(path) matches /\(pattern.text)/"
        case .notMatches(let pattern): return "\(path) does not match /\(pattern.text)/"
        }
    }

    static func path(_ path: FieldPath) -> String {
        if path.segments.isEmpty, path.origin == .frame, !path.isEntryKey { return "the frame itself" }
        return path.description
    }

    private static func value(_ value: JSONScalar) -> String { value.isString ? "'\(value.text)'" : value.text }

    private static func pattern(_ pattern: LikePattern) -> String { pattern.prefix + "*" + pattern.suffix }

    /// Where a value comes from: `p`, or `p, or else q`, or the constant.
    static func source(_ source: ValueSource) -> String {
        var text: String
        if let constant = source.constant {
            text = "always '\(constant)'"
        } else if !source.parts.isEmpty {
            text = "'" + source.parts.map(self.part).joined() + "'"
        } else {
            text = source.paths.map(self.path).joined(separator: ", or else ")
        }
        if let like = source.like { text += " (the part of '\(self.pattern(like))' where the star is)" }
        if let pattern = source.pattern { text += " (what /\(pattern.text)/ takes)" }
        if let clock = source.clock { text += " with the time of day from \(self.path(clock))" }
        if source.isAbsolute { text += " without its sign" }
        if let times = source.times { text += " times \(self.factor(times))" }
        if let divisor = source.dividedBy { text += " divided by \(self.factor(divisor))" }
        if !source.none.isEmpty {
            text += " (\(self.list(source.none.map { "'\($0)'" }, "or")) means none)"
        }
        return text
    }

    /// A text with its placeholders as a file writes them, without filters and without values of the environment.
    static func template(_ template: TextTemplate) -> String {
        template.parts.map { part in
            switch part {
            case .text(let text): text
            case .insertion(let insertion): self.placeholder(insertion.placeholder)
            }
        }.joined()
    }

    private static func placeholder(_ placeholder: Placeholder) -> String {
        switch placeholder {
        case .variable(let name, _): "${\(name)}"
        case .capture(let name): "{\(name)}"
        case .frame(let path): "{\(path)}"
        case .symbol, .symbols, .counter, .now, .uuid, .channel, .bound:
            "{\(TemplateScope.names.first { $0.placeholder == placeholder }?.name ?? "?")}"
        }
    }

    private static func part(_ part: ValueSource.TextPart) -> String {
        switch part {
        case .text(let text): text
        case .path(let path): "{\(path.description)}"
        }
    }

    private static func factor(_ factor: ValueSource.Factor) -> String {
        switch factor {
        case .constant(let number): number.description
        case .table(let name): "the symbol's number in table '\(name)'"
        }
    }

    /// How the taker's side is found.
    static func side(_ source: ValueSource) -> String {
        if source.isSign { return "the sign of \(self.source(source)): positive is a buy" }
        let base = self.source(source)
        if let sides = source.sides {
            let map = sides.sorted { $0.key < $1.key }.map { "'\($0.key)' is a \($0.value.name)" }
            return "\(base), where \(self.list(map))"
        }
        return source.isInverted ? "\(base), which names the maker's side and is turned round" : base
    }

    /// How a time is read.
    static func time(_ source: ValueSource) -> String {
        let unit =
            switch source.unit {
            case .auto, .iso: ""
            case .s: " in seconds"
            case .ms: " in milliseconds"
            case .us: " in microseconds"
            case .ns: " in nanoseconds"
            }
        let zone = source.zone.map { ", in the zone \($0)" } ?? ""
        return self.source(source) + unit + zone
    }
}
