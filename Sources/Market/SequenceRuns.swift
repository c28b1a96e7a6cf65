/// The numbers of a contiguous stream that are there, as runs of consecutive ones: what lies between two runs is missing.
public struct SequenceRuns: Sendable, Hashable {
    /// A trade that has a number.
    public struct Place: Sendable, Hashable {
        /// The venue's number.
        public var sequence: Int64
        /// The venue's id of the trade.
        public var id: String?
        /// When it happened.
        public var time: Timestamp

        /// Names a trade's place.
        public init(sequence: Int64, id: String?, time: Timestamp) {
            self.sequence = sequence
            self.id = id
            self.time = time
        }
    }

    /// Consecutive numbers, both ends included.
    public struct Run: Sendable, Hashable {
        /// The lowest.
        public var first: Place
        /// The highest.
        public var last: Place

        /// Names a run; `first` is not above `last`.
        public init(first: Place, last: Place) {
            self.first = first
            self.last = last
        }
    }

    /// In order, no two of them next to each other.
    public private(set) var runs: [Run] = []
    /// The run that grew last: where the next number most likely belongs.
    private var grown = 0

    /// No numbers.
    public init() {}

    /// What is missing between the lowest and the highest number.
    public var holes: [TickBounds] {
        zip(self.runs, self.runs.dropFirst()).map { before, after in
            TickBounds(
                fromID: before.last.id, toID: after.first.id, fromSequence: before.last.sequence,
                toSequence: after.first.sequence, fromTime: before.last.time, toTime: after.first.time
            )
        }
    }

    /// Adds a number.
    ///
    /// O(1) for the one after the last that was added, else O(runs).
    public mutating func insert(_ place: Place) {
        if self.grown < self.runs.count, self.runs[self.grown].last.sequence &+ 1 == place.sequence,
            self.grown + 1 == self.runs.count || self.runs[self.grown + 1].first.sequence > place.sequence + 1
        {
            self.runs[self.grown].last = place
            return
        }
        self.insert(Run(first: place, last: place))
    }

    /// Adds a run; numbers that are there already stay as they are.
    public mutating func insert(_ run: Run) {
        // The first run that ends at or behind the number before the new one: it may join it.
        var low = 0
        var high = self.runs.count
        while low < high {
            let middle = (low + high) / 2
            if self.runs[middle].last.sequence < run.first.sequence - 1 { low = middle + 1 } else { high = middle }
        }
        var joined = run
        var end = low
        while end < self.runs.count, self.runs[end].first.sequence <= run.last.sequence + 1 {
            if self.runs[end].first.sequence <= joined.first.sequence { joined.first = self.runs[end].first }
            if self.runs[end].last.sequence >= joined.last.sequence { joined.last = self.runs[end].last }
            end += 1
        }
        self.runs.replaceSubrange(low..<end, with: CollectionOfOne(joined))
        self.grown = low
    }
}
