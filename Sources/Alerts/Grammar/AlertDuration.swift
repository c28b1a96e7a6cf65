/// A duration's spelling: whole seconds, minutes, hours or days.
package enum AlertDuration {
    static let longestSeconds: Int64 = 365 * 86_400
    private static let unitWords: [(words: [String], seconds: Int64)] = [
        (["s", "sec", "secs", "second", "seconds"], 1), (["m", "min", "mins", "minute", "minutes"], 60),
        (["h", "hr", "hrs", "hour", "hours"], 3_600), (["d", "day", "days"], 86_400),
        (["w", "week", "weeks"], 604_800), (["mo", "month", "months"], 30 * 86_400),
        (["y", "year", "years"], 365 * 86_400),
    ]

    /// `90s`, `15m`, `2h`, `1d`: the largest unit that is whole.
    package static func string(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (unit, letter) in [(86_400, "d"), (3_600, "h"), (60, "m")] as [(Int64, String)]
        where seconds != 0 && seconds % unit == 0 {
            return "\(seconds / unit)\(letter)"
        }
        return "\(seconds)s"
    }

    /// `nil` unless `text` is digits and one of `s`, `m`, `h`, `d`, from one second to 365 days.
    package static func parse(_ text: String) -> Duration? {
        let unit: Int64
        switch text.utf8.last {
        case UInt8(ascii: "s"): unit = 1
        case UInt8(ascii: "m"): unit = 60
        case UInt8(ascii: "h"): unit = 3_600
        case UInt8(ascii: "d"): unit = 86_400
        default: return nil
        }
        let digits = text.dropLast()
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = Int64(digits), count > 0, count <= Self.longestSeconds / unit
        else { return nil }
        return .seconds(count * unit)
    }

    /// What was probably meant by `90min`, `1.5h`, `1h30m`, `2 weeks` or a number without a unit.
    ///
    /// - Parameters:
    ///   - text: The word that is no duration, in lower case.
    ///   - next: The word behind it.
    /// - Returns: `write 90m`, or `nil` when nothing can be guessed.
    static func hint(for text: String, next: String?) -> String? {
        if let count = Int64(text), count > 0, count <= Self.longestSeconds {
            if let next, let unit = self.seconds(ofUnit: next) { return self.hint(seconds: count, unit) }
            return "a duration needs a unit: \(count)s, \(count)m, \(count)h or \(count)d"
        }
        var total: Int64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let word = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(word.count)
            guard let unit = self.seconds(ofUnit: String(word)), let seconds = self.seconds(String(number), unit),
                total <= Self.longestSeconds
            else { return nil }
            total += seconds
        }
        return self.hint(seconds: total, 1)
    }

    private static func hint(seconds count: Int64, _ unit: Int64) -> String? {
        guard count > 0, count <= Self.longestSeconds / unit else { return nil }
        return "write \(self.string(.seconds(count * unit)))"
    }

    private static func seconds(ofUnit word: String) -> Int64? {
        self.unitWords.first { $0.words.contains(word) }?.seconds
    }

    /// `1.5` times a unit, when that is whole seconds.
    private static func seconds(_ number: String, _ unit: Int64) -> Int64? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = Int64(parts[0]), whole <= self.longestSeconds / unit else { return nil }
        guard parts.count > 1 else { return whole * unit }
        guard parts.count == 2, parts[1].count <= 6, let fraction = Int64(parts[1]) else { return nil }
        let scale = parts[1].reduce(into: Int64(1)) { scale, _ in scale *= 10 }
        guard (fraction * unit) % scale == 0 else { return nil }
        return whole * unit + fraction * unit / scale
    }
}
