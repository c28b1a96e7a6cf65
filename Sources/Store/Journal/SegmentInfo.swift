/// One segment file of a journal that is open.
struct SegmentInfo: Equatable, Sendable {
    let path: String
    /// The number of the first tick.
    let first: Int64
    /// The number after the last tick; `nil` when an earlier run wrote the file, which is then not known.
    var end: Int64?
    /// Bytes of the file.
    var bytes: Int64
    /// Bytes of it that are synced: readers go no farther.
    var readableBytes: Int64
    /// Numbers within it that were given up before they could be written.
    var holes: [Range<Int64>] = []

    /// Counts the ticks that it holds from a number on.
    ///
    /// - Parameters:
    ///   - number: From where.
    ///   - next: The first number of the segment behind it.
    /// - Returns: How many, without those that were given up before they could be written.
    func count(from number: Int64, next: Int64) -> Int64 {
        let from = max(number, self.first)
        let end = min(self.end ?? next, next)
        guard from < end else { return 0 }
        return self.holes.reduce(end - from) { count, hole in
            count - Int64(hole.clamped(to: from..<end).count)
        }
    }
}
