import Market

extension AlertParser {
    mutating func parseCondition() throws(AlertSyntaxError) -> AlertCondition {
        let keyword = try self.parseKeyword(AlertVocabulary.conditions, hint: self.conditionHint)
        switch keyword {
        case "above": return .level(.above, threshold: try self.parsePrice())
        case "below": return .level(.below, threshold: try self.parsePrice())
        case "crosses": return try self.parseCrossing()
        case "between": return .inside(try self.parseRange(separator: "and"))
        case "enters": return .enters(try self.parseRange(separator: ".."))
        case "leaves": return .leaves(try self.parseRange(separator: ".."))
        case "moves": return try self.parseMove(.either)
        case "up": return try self.parseMove(.up)
        case "down": return try self.parseMove(.down)
        case "new": return try self.parseExtreme()
        case "volume": return try self.parseVolume()
        case "spread":
            _ = try self.parseKeyword(["above"])
            return .spread(above: try self.parseAmount(.priceDistance))
        case "silent":
            _ = try self.parseKeyword(["for"])
            return .silence(try self.parseDuration(atMost: AlertLimits.silence, of: "a silence"))
        default: return try self.parseDivergence()
        }
    }

    /// For somebody who starts with a price or with an option.
    private var conditionHint: String? {
        guard let word = self.words.next?.lowercased else { return nil }
        if AlertVocabulary.options.contains(word) { return "options follow the condition" }
        if Decimal64(word) != nil { return "write 'above \(word)' or 'crosses \(word)'" }
        if word.hasPrefix("±") || word.hasPrefix("+-") { return "write 'moves \(word) in 10m'" }
        return nil
    }

    private mutating func parseCrossing() throws(AlertSyntaxError) -> AlertCondition {
        if self.words.take("above") { return .crossing(.above, threshold: try self.parsePrice()) }
        if self.words.take("below") { return .crossing(.below, threshold: try self.parsePrice()) }
        if let word = self.words.next?.lowercased {
            let meant = ["up": "did you mean 'above'?", "down": "did you mean 'below'?"][word]
            if let hint = meant ?? AlertVocabulary.hint(for: word, among: ["above", "below"]) {
                throw self.words.expected("a price, 'above' or 'below'", hint: hint)
            }
        }
        return .crossing(.either, threshold: try self.parsePrice(expecting: "a price, 'above' or 'below'"))
    }

    private mutating func parseRange(separator: String) throws(AlertSyntaxError) -> PriceRange {
        let first = self.words.next?.text ?? ""
        let ends = first.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        if ends.count == 2, Decimal64(ends[0]) != nil, Decimal64(ends[1]) != nil {
            let range = separator == ".." ? "\(ends[0])..\(ends[1])" : "\(ends[0]) and \(ends[1])"
            throw self.words.expected("a price", hint: "write \(range)")
        }
        let low = try self.parsePrice()
        guard self.words.take(separator) else {
            var hint: String?
            if let word = self.words.next, let second = self.words.second, Decimal64(second.text) != nil,
                ["..", "...", "-", "–", "to", "and", "…"].contains(word.lowercased)
            {
                hint = separator == ".." ? "write \(low)..\(second.text)" : "write \(low) and \(second.text)"
            }
            throw self.words.expected("'\(separator)' and the upper price", hint: hint)
        }
        let highWord = self.words.next
        let column = self.words.column
        let high = try self.parsePrice()
        guard let range = PriceRange(low: low, high: high) else {
            let ordered = separator == ".." ? "\(high)..\(low)" : "\(high) and \(low)"
            throw .expected(
                "a price above \(low)", column: column, found: highWord?.text,
                hint: low == high ? "for a single price write 'crosses \(low)'" : "write \(ordered)")
        }
        return range
    }

    private mutating func parseMove(_ direction: MoveDirection) throws(AlertSyntaxError) -> AlertCondition {
        let column = self.words.column
        let text = self.words.next?.text
        let amount = try self.parseMoveAmount(direction)
        if direction == .down, case .percent(let percent) = amount, percent >= .oneHundred {
            throw .expected("less than 100%", column: column, found: text, hint: "no price falls to zero or below")
        }
        if self.words.take("today") { return .move(direction, by: amount, over: .today) }
        guard self.words.take("in") else {
            let word = self.words.next?.lowercased ?? ""
            var hint = AlertVocabulary.hint(for: word, among: ["today"])
            if AlertDuration.parse(word) != nil { hint = "write 'in \(word)'" }
            if ["within", "over", "per", "during", "for"].contains(word) { hint = "did you mean 'in'?" }
            throw self.words.expected("'in' and a window such as 10m, or 'today'", hint: hint)
        }
        if self.words.next?.lowercased == "today" {
            throw self.words.expected(Self.window, hint: "write 'today' without 'in'")
        }
        let window = try self.parseDuration(atMost: AlertLimits.moveWindow, of: "a move")
        return .move(direction, by: amount, over: .window(window))
    }

    private mutating func parseExtreme() throws(AlertSyntaxError) -> AlertCondition {
        let extreme = try self.parseKeyword(["high", "low"])
        guard self.words.take("of") else {
            let word = self.words.next?.lowercased ?? ""
            var hint: String?
            if AlertDuration.parse(word) != nil { hint = "write 'of \(word)'" }
            if ["in", "for", "over", "within"].contains(word) { hint = "did you mean 'of'?" }
            throw self.words.expected("'of' and a window such as 24h", hint: hint)
        }
        let window = try self.parseDuration(atMost: AlertLimits.extremeWindow, of: "a new \(extreme)")
        return extreme == "high" ? .newHigh(window: window) : .newLow(window: window)
    }

    private mutating func parseVolume() throws(AlertSyntaxError) -> AlertCondition {
        _ = try self.parseKeyword(["above"])
        let amount = try self.parseAmount(.volume)
        guard self.words.take("in") else { throw self.words.expected("'in' and a window such as 5m") }
        return .volume(
            above: amount, window: try self.parseDuration(atMost: AlertLimits.volumeWindow, of: "a volume"))
    }

    private mutating func parseDivergence() throws(AlertSyntaxError) -> AlertCondition {
        let amount = try self.parseAmount(.priceDistance)
        _ = try self.parseKeyword(["between"])
        let first = try self.parseVenue()
        _ = try self.parseKeyword(["and"])
        let column = self.words.column
        let second = try self.parseVenue()
        guard first != second else {
            throw .conflict("'\(second)' is compared with itself; name two venues", column: column)
        }
        return .divergence(amount, first, second)
    }

    private mutating func parseVenue() throws(AlertSyntaxError) -> Venue {
        let what = "a venue such as coinbase"
        guard let word = self.words.next else { throw self.words.expected(what) }
        do {
            let venue = try Venue(word.lowercased)
            _ = self.words.take()
            return venue
        } catch {
            throw self.words.expected(what, hint: "a venue is 1 to 24 of a-z, 0-9, '-' and '_'")
        }
    }
}
