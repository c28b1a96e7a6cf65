/// Finds what a misspelt name may have meant.
package enum Spelling {
    /// The names nearest to `name`, three at most: those within a few typing errors, then those that begin with it or it with
    /// them; upper and lower case are one.
    package static func nearest(to name: String, among names: [String]) -> [String] {
        let text = name.lowercased()
        let errorsMax = max(1, text.count / 3)
        var found: [(name: String, distance: Int)] = []
        for candidate in names where candidate != name {
            let lowered = candidate.lowercased()
            let distance = Self.distance(text, lowered)
            let isPrefix = !text.isEmpty && (lowered.hasPrefix(text) || text.hasPrefix(lowered))
            if distance <= errorsMax {
                found.append((candidate, distance))
            } else if isPrefix {
                found.append((candidate, errorsMax + 1))
            }
        }
        found.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return found.prefix(3).map(\.name)
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two texts.
    ///
    /// Source: the optimal string alignment distance, a restriction of Damerau's edit distance of 1964. O(*nm*).
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                var best = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + cost)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, beforePrevious[column - 2] + 1)
                }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
