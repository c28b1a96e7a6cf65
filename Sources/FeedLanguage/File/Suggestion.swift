import Market

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
            let distance = Spelling.distance(lowered, candidate.lowercased())
            if distance <= max(1, candidate.count / 3), distance < best?.distance ?? Int.max {
                best = (candidate, distance)
            }
        }
        return best?.candidate
    }
}
