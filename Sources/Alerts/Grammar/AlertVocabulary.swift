/// The words of the grammar, and which of them somebody probably meant.
package enum AlertVocabulary {
    static let conditions = [
        "above", "below", "crosses", "between", "enters", "leaves", "moves", "up", "down", "new", "volume", "spread",
        "silent", "diverges",
    ]
    static let options = [
        "once", "repeat", "cooldown", "rearm", "confirm", "again", "until", "priority", "hours",
    ]
    /// Words people use for ours.
    private static let synonyms = [
        "over": "above", "greater": "above", "exceeds": "above", ">": "above", ">=": "above", "higher": "above",
        "under": "below", "less": "below", "<": "below", "<=": "below", "lower": "below", "cross": "crosses",
        "crossing": "crosses", "crossed": "crosses", "hits": "crosses", "reaches": "crosses", "inside": "between",
        "within": "between", "enter": "enters", "leave": "leaves", "exits": "leaves", "outside": "leaves",
        "move": "moves", "changes": "moves", "change": "moves", "rises": "up", "gains": "up", "rallies": "up",
        "falls": "down", "drops": "down", "loses": "down", "silence": "silent", "stale": "silent", "quiet": "silent",
        "diverge": "diverges", "differs": "diverges", "vol": "volume", "one-shot": "once", "every": "repeat",
        "always": "repeat", "wait": "cooldown", "hysteresis": "rearm", "expires": "until", "till": "until",
        "urgency": "priority", "session": "hours", "max": "high", "maximum": "high", "min": "low", "minimum": "low",
        "low-priority": "passive", "normal": "active", "high": "urgent", "critical": "urgent", "to": "and",
        "rth": "regular", "eth": "extended", "any": "all", "daily": "today",
    ]

    /// `'a', 'b' or 'c'`.
    package static func list(_ words: [String], or last: String? = nil) -> String {
        var items = words.map { "'\($0)'" }
        if let last { items.append(last) }
        guard items.count > 1, let final = items.popLast() else { return items.first ?? "" }
        return items.joined(separator: ", ") + " or " + final
    }

    /// `did you mean 'above'?` for a word close to one of `words`.
    package static func hint(for word: String, among words: [String]) -> String? {
        if let meant = self.synonyms[word], words.contains(meant) { return "did you mean '\(meant)'?" }
        let letters = Array(word.utf8.prefix(24))
        var best: (word: String, distance: Int)?
        for candidate in words {
            let distance = self.distance(letters, Array(candidate.utf8))
            // Short words are close to everything.
            let distanceMax = candidate.utf8.count <= 4 ? 1 : 2
            if distance <= distanceMax, letters.count > distance, distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best.map { "did you mean '\($0.word)'?" }
    }

    /// How many letters must be changed, added, dropped or swapped with their neighbour.
    ///
    /// Source: optimal string alignment, after Damerau, "A technique for computer detection and correction of spelling
    /// errors", 1964.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1] + [Int](repeating: 0, count: right.count)
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var value = min(last[column + 1] + 1, current[column] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    value = min(value, before[column - 1] + 1)
                }
                current[column + 1] = value
            }
            before = last
            last = current
        }
        return last[right.count]
    }
}
