/// Goes through the words of a fault plan and knows where they stand.
struct FaultReader {
    private struct Word {
        var text: String
        var column: Int
    }

    private var words: [Word] = []
    private var index = 0
    private let endColumn: Int

    init(_ text: String) {
        var column = 0
        var word: Word?
        for character in text {
            column += 1
            if character.isWhitespace || character == "," {
                if let word { self.words.append(word) }
                word = nil
                if character == "," { self.words.append(Word(text: ",", column: column)) }
            } else {
                word = Word(text: (word?.text ?? "") + String(character), column: word?.column ?? column)
            }
        }
        if let word { self.words.append(word) }
        self.endColumn = column + 1
    }

    var isAtEnd: Bool { self.index == self.words.count }
    private var next: Word? { self.isAtEnd ? nil : self.words[self.index] }
    private var nextText: String { self.next.map { "'\($0.text)'" } ?? "the end" }

    /// A problem with the word that comes next.
    func problem(_ message: String) -> FaultPlanError {
        FaultPlanError(column: self.next?.column ?? self.endColumn, message: message)
    }

    /// A problem with the word before that.
    func lastProblem(_ message: String) -> FaultPlanError {
        FaultPlanError(column: self.index > 0 ? self.words[self.index - 1].column : 1, message: message)
    }

    mutating func takes(_ text: String) -> Bool {
        guard let next, next.text.lowercased() == text else { return false }
        self.index += 1
        return true
    }

    /// Takes `text`, or says that it belongs here.
    mutating func expect(_ text: String, example: String) throws(FaultPlanError) {
        guard self.takes(text) else {
            throw self.problem("\(self.nextText) stands where '\(text)' belongs. Write it like '\(example)'.")
        }
    }

    /// One of `names`.
    mutating func name(of names: [String]) throws(FaultPlanError) -> String {
        let known = names.joined(separator: ", ")
        guard let next, let name = names.first(where: { $0 == next.text.lowercased() }) else {
            throw self.problem("\(self.nextText) stands where a fault belongs. Write one of \(known).")
        }
        self.index += 1
        return name
    }

    /// `0.5%`: above 0, 100 at most, four decimals.
    mutating func share(example: String) throws(FaultPlanError) -> FaultPlan.Share {
        guard let next, next.text.hasSuffix("%"), let millionths = Self.scaled(next.text.dropLast(), decimals: 4),
            (1...1_000_000).contains(millionths)
        else {
            throw self.problem("\(self.nextText) is no share from 0.0001% to 100%. Write it like '\(example)'.")
        }
        self.index += 1
        return FaultPlan.Share(millionths: UInt64(millionths))
    }

    /// A whole number with a unit behind it.
    mutating func count(in range: ClosedRange<Int>, unit: String, example: String) throws(FaultPlanError) -> Int {
        guard let next, next.text.hasSuffix(unit), let count = Int(next.text.dropLast(unit.count)),
            range.contains(count)
        else {
            throw self.problem(
                "\(self.nextText) is no number from \(range.lowerBound)\(unit) to \(range.upperBound)\(unit). Write it like '\(example)'."
            )
        }
        self.index += 1
        return count
    }

    /// `3s`, `250ms`, `1m`, `2h`: from a millisecond to a day, in nanoseconds.
    mutating func duration(allowsNegative: Bool = false, example: String) throws(FaultPlanError) -> Int64 {
        let text = self.next?.text ?? ""
        let isNegative = allowsNegative && text.hasPrefix("-")
        guard let value = Self.nanoseconds(text.dropFirst(isNegative ? 1 : 0)) else {
            throw self.problem("\(self.nextText) is no time from 1ms to 24h. Write it like '\(example)'.")
        }
        self.index += 1
        return isNegative ? -value : value
    }

    /// `every 30s`.
    mutating func every(example: String) throws(FaultPlanError) -> Int64 {
        try self.expect("every", example: example)
        return try self.duration(example: example)
    }

    /// `3s every 1m`: the first shorter than the second.
    mutating func spell(example: String) throws(FaultPlanError) -> FaultPlan.Spell {
        let length = try self.duration(example: example)
        let every = try self.every(example: example)
        guard length < every else {
            throw self.lastProblem(
                "it would never end: let it last shorter than it takes to come again, as in '\(example)'.")
        }
        return FaultPlan.Spell(length: length, every: every)
    }

    private static func nanoseconds(_ text: Substring) -> Int64? {
        let units: [(name: String, nanoseconds: Int64)] = [
            ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ]
        // "ms" stands before "s": both end in the same letter.
        guard let unit = units.first(where: { text.hasSuffix($0.name) }),
            let thousandths = self.scaled(text.dropLast(unit.name.count), decimals: 3),
            case let value = unit.nanoseconds / 1000 * thousandths, (1_000_000...86_400_000_000_000).contains(value),
            value % 1_000_000 == 0
        else { return nil }
        return value
    }

    /// A decimal number times `10^decimals`; `nil` when it has more decimals, or more than seven digits before them.
    private static func scaled(_ text: Substring, decimals: Int) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...7).contains(parts[0].utf8.count),
            parts.count == 1 || (1...decimals).contains(parts[1].utf8.count),
            parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } })
        else { return nil }
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        return Int64(parts[0] + fraction + String(repeating: "0", count: decimals - fraction.count))
    }
}
