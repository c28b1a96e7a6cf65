import Market

/// Stretches of time in which trades are missing, to be asked about many intervals.
struct GapSpans: Sendable {
    /// From, excluded, to, excluded; sorted, without overlaps.
    private var spans: [(from: Timestamp, to: Timestamp)] = []

    init(_ gaps: [(from: Timestamp, to: Timestamp)]) {
        for gap in gaps.sorted(by: { $0.from < $1.from }) where gap.from < gap.to {
            if let last = self.spans.last, gap.from <= last.to {
                self.spans[self.spans.count - 1].to = max(last.to, gap.to)
            } else {
                self.spans.append(gap)
            }
        }
    }

    /// Whether a part of `[start, end)` is missing.
    func overlap(from start: Timestamp, to end: Timestamp) -> Bool {
        var low = 0
        var high = self.spans.count
        // The first span that ends behind the start.
        while low < high {
            let middle = (low + high) / 2
            if self.spans[middle].to <= start { low = middle + 1 } else { high = middle }
        }
        return low < self.spans.count && self.spans[low].from < end
    }
}
