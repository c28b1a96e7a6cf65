import Atomics

/// Counts durations in buckets that double from 1 ms to four minutes.
///
/// Any thread; recording is one atomic addition.
struct LagHistogram: Sendable {
    /// Upper bounds in milliseconds; what is longer goes into one more bucket.
    static let bounds = (0...18).map { 1 << $0 }

    private let counts = (0...Self.bounds.count).map { _ in ManagedAtomic(0) }
    private let last = ManagedAtomic(0)

    /// Counts one duration; a negative one, which clocks that differ give, counts as the shortest.
    func record(milliseconds: Int) {
        let index = milliseconds <= 1 ? 0 : Int.bitWidth - (milliseconds - 1).leadingZeroBitCount
        self.counts[min(index, Self.bounds.count)].wrappingIncrement(ordering: .relaxed)
        self.last.store(milliseconds, ordering: .relaxed)
    }

    /// What was counted; `nil` before the first.
    var summary: FeedReport.Lag? {
        let counts = self.counts.map { $0.load(ordering: .relaxed) }
        let total = counts.reduce(0, +)
        guard total > 0 else { return nil }
        return FeedReport.Lag(
            count: total, p50: Self.bound(counts, total, percent: 50), p99: Self.bound(counts, total, percent: 99),
            last: self.last.load(ordering: .relaxed)
        )
    }

    /// The upper bound of the bucket that holds the percentile; past the last bound, twice that.
    private static func bound(_ counts: [Int], _ total: Int, percent: Int) -> Int {
        let rank = (total * percent + 99) / 100
        var sum = 0
        for (index, count) in counts.enumerated() {
            sum += count
            if sum >= rank { return index < Self.bounds.count ? Self.bounds[index] : 2 << (Self.bounds.count - 1) }
        }
        return 0
    }
}
