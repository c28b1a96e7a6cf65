/// What has come and waits to be taken, in order and bounded: at the bound new messages are lost, which is said once.
struct BusInbox {
    private let bytesMax: Int
    private var items: [BusItem] = []
    private var bytes = 0
    private var isLossTold = false
    private(set) var dropped = 0

    init(bytesMax: Int = 64 << 20) { self.bytesMax = bytesMax }

    /// Something came.
    ///
    /// - Returns: Whether it is the first to wait: somebody must be woken.
    mutating func append(_ item: BusItem) -> Bool {
        let wasEmpty = self.items.isEmpty
        if case .message(_, let bytes) = item {
            guard self.bytes + bytes.count <= self.bytesMax else {
                self.dropped += 1
                if !self.isLossTold { self.items.append(.lost) }
                self.isLossTold = true
                return wasEmpty
            }
            self.bytes += bytes.count + 64
        }
        self.items.append(item)
        return wasEmpty
    }

    /// Takes out all that waits.
    mutating func take() -> [BusItem] {
        defer {
            self.items.removeAll(keepingCapacity: true)
            self.bytes = 0
            self.isLossTold = false
        }
        return self.items
    }
}
