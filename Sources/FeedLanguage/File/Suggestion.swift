/// Finds what the author of a file probably meant to write.
enum Suggestion {
    /// "did you mean 'side'?" for a near miss, otherwise the list of what is allowed.
    static func text(for word: String, among candidates: [String]) -> String {
        if let best = self.nearest(to: word, among: candidates) { return "did you mean '\(best)'?" }
        guard !candidates.isEmpty else { return "nothing may stand here." }
        return "write one of \(candidates.joined(separator: ", "))."
    }

    /// The candidate at most a third of its length away from `word`, ignoring case.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let lowered = word.lowercased()
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = self.distance(lowered, candidate.lowercased())
            if distance <= max(1, candidate.count / 3), distance < best?.distance ?? Int.max {
                best = (candidate, distance)
            }
        }
        return best?.candidate
    }

    /// The number of single-character edits, neighbours swapped counting as one, between two words.
    ///
    /// Optimal string alignment distance. O(*n* × *m*).
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        var rows = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for row in 0...left.count { rows[row][0] = row }
        for column in 0...right.count { rows[0][column] = column }
        for row in 0..<left.count {
            for column in 0..<right.count {
                let substitution = rows[row][column] + (left[row] == right[column] ? 0 : 1)
                var best = min(substitution, rows[row][column + 1] + 1, rows[row + 1][column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, rows[row - 1][column - 1] + 1)
                }
                rows[row + 1][column + 1] = best
            }
        }
        return rows[left.count][right.count]
    }
}
