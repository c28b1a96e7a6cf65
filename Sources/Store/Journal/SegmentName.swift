/// The name of a segment file: `trades-00000000000000000042.journal`.
struct SegmentName: Hashable, Comparable {
    private static let digits = 20
    private static let suffix = ".journal"

    let stream: JournalStream
    /// The number of the first tick.
    let first: Int64

    init(stream: JournalStream, first: Int64) {
        self.stream = stream
        self.first = first
    }

    /// Reads a file's name; `nil` when it is not a segment's.
    init?(_ name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let stream = JournalStream(rawValue: String(parts[0])), parts[1].hasSuffix(Self.suffix)
        else { return nil }
        let number = parts[1].dropLast(Self.suffix.count)
        guard number.utf8.count == Self.digits,
            number.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let first = Int64(number), first <= Int64.max / 2
        else { return nil }
        self.init(stream: stream, first: first)
    }

    /// The file's name.
    var text: String {
        let number = String(self.first)
        return self.stream.rawValue + "-" + String(repeating: "0", count: Self.digits - number.count) + number
            + Self.suffix
    }

    static func < (left: SegmentName, right: SegmentName) -> Bool { left.first < right.first }
}
