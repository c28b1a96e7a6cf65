import Market

extension AlertParser {
    /// The options, and the column of each one's value for later checks.
    mutating func parseOptions() throws(AlertSyntaxError) -> (AlertOptions, [String: Int]) {
        var options = AlertOptions()
        var columns: [String: Int] = [:]
        while let word = self.words.next {
            let keyword = word.lowercased
            guard AlertVocabulary.options.contains(keyword) else { throw self.unknownOption(keyword) }
            // Either mode is the other's second time.
            let name = keyword == "once" || keyword == "repeat" ? "mode" : keyword
            guard columns[name] == nil else { throw .repeated(option: keyword, column: word.column) }
            _ = self.words.take()
            columns[name] = name == "mode" ? word.column : self.words.column
            switch keyword {
            case "once": options.mode = .once
            case "repeat": options.mode = .repeat
            case "cooldown":
                options.cooldown = try self.parseDuration(atMost: AlertLimits.cooldown, of: "a cooldown")
            case "rearm": options.rearm = try self.parseAmount(.margin)
            case "confirm": options.confirmation = try self.parseConfirmation()
            case "again": options.again = try self.parseAmount(.priceDistance)
            case "until": options.until = try self.parseUntil()
            case "priority":
                options.priority =
                    AlertPriority(rawValue: try self.parseKeyword(Self.words(AlertPriority.self))) ?? .active
            default: options.hours = AlertHours(rawValue: try self.parseKeyword(Self.words(AlertHours.self))) ?? .all
            }
        }
        return (options, columns)
    }

    private static func words<Kind: CaseIterable & RawRepresentable<String>>(_ kind: Kind.Type) -> [String] {
        kind.allCases.map(\.rawValue)
    }

    private func unknownOption(_ keyword: String) -> AlertSyntaxError {
        var hint = AlertVocabulary.hint(for: keyword, among: AlertVocabulary.options)
        if hint == nil, AlertVocabulary.conditions.contains(keyword) || ["and", "or"].contains(keyword) {
            hint = "an alert has one condition; add a second alert"
        } else if hint == nil, (3...4).contains(keyword.utf8.count),
            ["usd", "usdt", "usdc", "eur", "gbp", "jpy"].contains(keyword)
        {
            hint = "prices are in the symbol's quote currency; leave it out"
        }
        return self.words.expected(AlertVocabulary.list(AlertVocabulary.options, or: "the end"), hint: hint)
    }

    private mutating func parseConfirmation() throws(AlertSyntaxError) -> AlertConfirmation {
        let what = "a number of ticks such as '2 ticks', or a duration such as 5s"
        guard let word = self.words.next else { throw self.words.expected(what) }
        let text = word.lowercased
        if AlertDuration.parse(text) != nil {
            return .time(try self.parseDuration(atMost: AlertLimits.confirmTime, of: "a confirmation"))
        }
        let joined = ["ticks", "tick"].first { text.hasSuffix($0) && text.count > $0.count }
        let digits = joined.map { String(text.dropLast($0.count)) } ?? text
        guard let count = Int(digits), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw self.words.expected(what, hint: AlertDuration.hint(for: text, next: self.words.second?.lowercased))
        }
        if joined == nil {
            guard let unit = self.words.second?.lowercased, unit == "ticks" || unit == "tick" else {
                throw self.words.expected(what, hint: "write '\(count) ticks' or '\(count)s'")
            }
        }
        if count == 1 {
            throw .conflict(
                "one tick confirms nothing; write at least 'confirm 2 ticks' or leave it out", column: word.column)
        }
        guard (2...AlertLimits.confirmTicks).contains(count) else {
            throw self.words.expected("2 to \(AlertLimits.confirmTicks) ticks")
        }
        _ = self.words.take()
        if joined == nil { _ = self.words.take() }
        return .ticks(count)
    }

    private mutating func parseUntil() throws(AlertSyntaxError) -> Timestamp {
        let what = "a time such as 2026-12-31 or 2026-12-31T15:00Z"
        guard let word = self.words.next else { throw self.words.expected(self.now == nil ? what : what + ", or 7d") }
        let text = word.lowercased
        if let duration = AlertDuration.parse(text) {
            guard let now else { throw self.words.expected(what, hint: "relative times need a new alert") }
            _ = self.words.take()
            // Whole seconds, so that the canonical form is short.
            let seconds = now.nanoseconds / 1_000_000_000 + duration.components.seconds
            return Timestamp(nanoseconds: seconds * 1_000_000_000)
        }
        // A date and a clock in two words are one time.
        var isTwoWords = false
        var full = text
        if CivilDay(text) != nil, let clock = self.words.second?.text, clock.contains(":") {
            full += "T" + clock
            isTwoWords = true
        }
        guard let time = AlertTime.parse(full) else {
            throw self.words.expected(self.now == nil ? what : what + ", or 7d", hint: AlertTime.hint(for: text))
        }
        if let now, time <= now {
            throw .conflict(
                "'until \(AlertTime.string(time))' is past; it is \(AlertTime.string(now)) now", column: word.column)
        }
        _ = self.words.take()
        if isTwoWords { _ = self.words.take() }
        return time
    }
}
