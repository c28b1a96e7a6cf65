import Market

extension AlertParser {
    /// Which units an amount may have, and what to say when it has another.
    struct AmountKind {
        let what: String
        let allowsPercent: Bool
        let allowsMultiple: Bool
        let percentHint: String
        let multipleHint: String

        /// How far prices are apart.
        static let priceDistance = AmountKind(
            what: "an amount such as 500 or 5%", allowsPercent: true, allowsMultiple: false, percentHint: "",
            multipleHint: "only volumes are measured in 'x'")
        /// What was traded.
        static let volume = AmountKind(
            what: "a volume such as 1200 or 5x", allowsPercent: false, allowsMultiple: true,
            percentHint: "write 5x for five times what is usual", multipleHint: "")
        /// A margin, of whatever the condition measures.
        static let margin = AmountKind(
            what: "a margin such as 0.5% or 100", allowsPercent: true, allowsMultiple: true, percentHint: "",
            multipleHint: "")
    }

    static let window = "a duration such as 30s, 15m, 2h or 1d"

    mutating func parsePrice(expecting what: String = "a price") throws(AlertSyntaxError) -> Decimal64 {
        guard let word = self.words.next else { throw self.words.expected(what) }
        if word.text.hasSuffix("%"), Decimal64(String(word.text.dropLast())) != nil {
            throw self.words.expected(what, hint: "for a change in percent write 'moves \(word.text) in 1h'")
        }
        let price = try self.number(word.text, what)
        _ = self.words.take()
        return price
    }

    /// The amount of `moves`, `up` and `down`: the first takes `±`, none takes a single sign.
    mutating func parseMoveAmount(_ direction: MoveDirection) throws(AlertSyntaxError) -> AlertAmount {
        guard let word = self.words.next, direction == .either else {
            if let word = self.words.next, let sign = word.text.first, "+-±".contains(sign) {
                let rest = word.text.drop { "+-±".contains($0) }
                throw self.words.expected(
                    AmountKind.priceDistance.what, hint: "write '\(direction.rawValue) \(rest)', without a sign")
            }
            return try self.parseAmount(.priceDistance)
        }
        for sign in ["±", "+-", "+/-"] where word.text.hasPrefix(sign) {
            let rest = String(word.text.dropFirst(sign.count))
            if rest.isEmpty {
                _ = self.words.take()
                return try self.parseAmount(.priceDistance)
            }
            return try self.parseAmount(.priceDistance, text: rest)
        }
        for (sign, keyword) in [("+", "up"), ("-", "down")] where word.text.hasPrefix(sign) {
            throw self.words.expected(
                AmountKind.priceDistance.what, hint: "write '\(keyword) \(word.text.dropFirst())' for one direction")
        }
        return try self.parseAmount(.priceDistance)
    }

    /// Reads a number with its unit, which may stand apart: `5%`, `5 %`, `5x`, `500`.
    ///
    /// - Parameters:
    ///   - kind: What units fit.
    ///   - text: The next word without what was read of it already; `nil` for all of it.
    /// - Returns: The amount.
    /// - Throws: ``AlertSyntaxError``.
    mutating func parseAmount(_ kind: AmountKind, text: String? = nil) throws(AlertSyntaxError) -> AlertAmount {
        guard let word = self.words.next else { throw self.words.expected(kind.what) }
        var number = (text ?? word.text).lowercased()
        var unit: Character?
        var isApart = false
        if let last = number.last, last == "%" || last == "x" {
            unit = last
            number.removeLast()
        } else if let next = self.words.second?.lowercased, next == "%" || next == "x" {
            unit = next.first
            isApart = true
        } else if ["percent", "pct"].contains(self.words.second?.lowercased ?? ""), Decimal64(number) != nil {
            throw self.words.expected(kind.what, hint: "write \(number)%")
        }
        if unit == "%", !kind.allowsPercent { throw self.words.expected(kind.what, hint: kind.percentHint) }
        if unit == "x", !kind.allowsMultiple { throw self.words.expected(kind.what, hint: kind.multipleHint) }
        let value = try self.number(number, kind.what)
        if unit != nil, let limit = try? Decimal64(AlertLimits.ratioMax), value > limit {  // The limit is a number.
            throw self.words.expected("at most \(AlertLimits.ratioMax)\(unit == "%" ? "%" : "x")")
        }
        _ = self.words.take()
        if isApart { _ = self.words.take() }
        switch unit {
        case "%": return .percent(value)
        case "x": return .multiple(value)
        default: return .absolute(value)
        }
    }

    mutating func parseDuration(atMost limit: Duration, of what: String) throws(AlertSyntaxError) -> Duration {
        guard let word = self.words.next else { throw self.words.expected(Self.window) }
        guard let duration = AlertDuration.parse(word.lowercased) else {
            throw self.words.expected(
                "\(Self.window), at most \(AlertDuration.string(limit))",
                hint: AlertDuration.hint(for: word.lowercased, next: self.words.second?.lowercased))
        }
        guard duration <= limit else {
            throw self.words.expected("at most \(AlertDuration.string(limit)) for \(what)")
        }
        _ = self.words.take()
        return duration
    }

    /// A number above zero, of so many digits that nothing is rounded.
    private func number(_ text: String, _ what: String) throws(AlertSyntaxError) -> Decimal64 {
        guard let number = Decimal64(text) else {
            let digits = text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            let isTooLong = digits > 18 && text.utf8.allSatisfy { $0 < 0x3A && $0 != UInt8(ascii: ",") }
            if isTooLong { throw self.words.expected("\(what) of at most 18 digits") }
            throw self.words.expected(what, hint: AlertNumber.hint(for: text))
        }
        guard !number.isZero, !number.isNegative else { throw self.words.expected("\(what) above zero") }
        let digits = String(number.mantissa).count + Int(number.exponent)
        guard number.exponent >= -AlertLimits.decimals, digits <= AlertLimits.integerDigits else {
            throw self.words.expected("\(what) with at most 18 digits before and 18 behind the point")
        }
        return number
    }
}

extension Decimal64 {
    /// 100, for percentages.
    static let oneHundred = Decimal64("100") ?? .zero
}
