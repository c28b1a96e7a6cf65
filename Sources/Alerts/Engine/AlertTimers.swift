/// What becomes due at a time; the earliest first, then the lowest id.
///
/// A heap. Nothing is taken out before it is due: whoever takes an entry looks whether it still means something.
struct AlertTimers: Sendable {
    enum Kind: UInt8, Sendable {
        /// An alert's condition has lasted long enough, or has not.
        case confirmation
        /// An alert expires.
        case expiry
        /// An alert's first silence since it is here.
        case armedSilence
        /// The silence of a stream: the id is the group's number, the slot the stream.
        case silence
        /// A symbol has something to do: only in the evaluator's own heap, the slot is the symbol.
        case symbol
    }

    struct Entry: Sendable {
        var due: Int64
        var id: Int64
        var slot: Int32
        var kind: Kind

        func precedes(_ other: Entry) -> Bool {
            if self.due != other.due { return self.due < other.due }
            if self.kind != other.kind { return self.kind.rawValue < other.kind.rawValue }
            return self.id < other.id
        }
    }

    private var heap: ContiguousArray<Entry> = []

    var first: Entry? { self.heap.first }
    var count: Int { self.heap.count }

    mutating func insert(_ entry: Entry) {
        self.heap.append(entry)
        var index = self.heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard self.heap[index].precedes(self.heap[parent]) else { return }
            self.heap.swapAt(index, parent)
            index = parent
        }
    }

    /// Takes the first entry if it is due by `now`.
    mutating func take(through now: Int64) -> Entry? {
        guard let first = self.heap.first, first.due <= now else { return nil }
        let last = self.heap.removeLast()
        if !self.heap.isEmpty {
            self.heap[0] = last
            self.sink()
        }
        return first
    }

    private mutating func sink() {
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < self.heap.count && self.heap[child].precedes(self.heap[smallest]) {
                smallest = child
            }
            if smallest == index { return }
            self.heap.swapAt(index, smallest)
            index = smallest
        }
    }

    /// Keeps what `isWanted` says.
    mutating func filter(_ isWanted: (Entry) -> Bool) {
        var kept = AlertTimers()
        for entry in self.heap where isWanted(entry) { kept.insert(entry) }
        self = kept
    }
}
