import Market

/// Reads an alert expression word by word.
struct AlertParser {
    private struct Word {
        let text: String
        let column: Int
    }

    private static let supportedConditions = "above P, below P, crosses [above|below] P"
    private static let supportedOptions = "once, repeat, cooldown 15m"
    private static let laterConditions: Set<String> = [
        "enters", "leaves", "moves", "up", "down", "new", "volume", "spread", "silent", "diverges",
    ]
    private static let laterOptions: Set<String> = ["rearm", "confirm", "until", "priority"]
    private static let price = "a price"
    private static let duration = "a duration such as 30s, 15m, 2h or 1d"

    private let words: [Word]
    private let endColumn: Int
    private var position = 0

    init(_ text: String) {
        var words: [Word] = []
        var current = ""
        var column = 0
        for character in text {
            column += 1
            if character.isWhitespace {
                if !current.isEmpty { words.append(Word(text: current, column: column - current.count)) }
                current = ""
            } else {
                current.append(character)
            }
        }
        if !current.isEmpty { words.append(Word(text: current, column: column + 1 - current.count)) }
        self.words = words
        self.endColumn = (words.last.map { $0.column + $0.text.count }) ?? 1
    }

    mutating func parseExpression() throws(AlertSyntaxError) -> AlertExpression {
        let condition = try self.parseCondition()
        var mode: AlertMode?
        var cooldown: Duration?
        while let word = self.take() {
            let keyword = word.text.lowercased()
            switch keyword {
            case "once", "repeat":
                guard mode == nil else { throw .repeated(option: keyword, column: word.column) }
                mode = keyword == "once" ? .once : .repeat
            case "cooldown":
                guard cooldown == nil else { throw .repeated(option: keyword, column: word.column) }
                cooldown = try self.parseDuration()
            case _ where Self.laterOptions.contains(keyword):
                throw .notSupported(word.text, column: word.column, supported: Self.supportedOptions)
            default:
                throw .expected("'once', 'repeat', 'cooldown' or the end", column: word.column, found: word.text)
            }
        }
        return AlertExpression(
            condition: condition, options: AlertOptions(mode: mode ?? .repeat, cooldown: cooldown))
    }

    mutating func parseCondition() throws(AlertSyntaxError) -> AlertCondition {
        let expected = "'above', 'below' or 'crosses'"
        guard let word = self.take() else { throw self.expectedAtEnd(expected) }
        switch word.text.lowercased() {
        case "above": return .level(.above, threshold: try self.parsePrice(expecting: Self.price))
        case "below": return .level(.below, threshold: try self.parsePrice(expecting: Self.price))
        case "crosses":
            switch self.peek()?.text.lowercased() {
            case "above":
                self.position += 1
                return .crossing(.above, threshold: try self.parsePrice(expecting: Self.price))
            case "below":
                self.position += 1
                return .crossing(.below, threshold: try self.parsePrice(expecting: Self.price))
            default:
                let price = try self.parsePrice(expecting: "a price, 'above' or 'below'")
                return .crossing(.either, threshold: price)
            }
        case let keyword where Self.laterConditions.contains(keyword):
            throw .notSupported(word.text, column: word.column, supported: Self.supportedConditions)
        default:
            throw .expected(expected, column: word.column, found: word.text)
        }
    }

    mutating func parseEnd() throws(AlertSyntaxError) {
        guard let word = self.take() else { return }
        throw .expected("the end", column: word.column, found: word.text)
    }

    private mutating func parsePrice(expecting what: String) throws(AlertSyntaxError) -> Decimal64 {
        guard let word = self.take() else { throw self.expectedAtEnd(what) }
        guard let price = Decimal64(word.text) else {
            let digits = word.text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            let isTooLong = digits > 18 && word.text.utf8.allSatisfy { $0 < 0x3A && $0 != UInt8(ascii: ",") }
            throw .expected(isTooLong ? "a price of at most 18 digits" : what, column: word.column, found: word.text)
        }
        guard !price.isZero, !price.isNegative else {
            throw .expected("a price above zero", column: word.column, found: word.text)
        }
        return price
    }

    private mutating func parseDuration() throws(AlertSyntaxError) -> Duration {
        guard let word = self.take() else { throw self.expectedAtEnd(Self.duration) }
        guard let duration = AlertDuration.parse(word.text.lowercased()) else {
            throw .expected("\(Self.duration), at most 365d", column: word.column, found: word.text)
        }
        return duration
    }

    private func peek() -> Word? { self.position < self.words.count ? self.words[self.position] : nil }

    private mutating func take() -> Word? {
        guard let word = self.peek() else { return nil }
        self.position += 1
        return word
    }

    private func expectedAtEnd(_ what: String) -> AlertSyntaxError {
        .expected(what, column: self.endColumn + (self.words.isEmpty ? 0 : 1), found: nil)
    }
}
