/// What a delivery needs to know about one connection: plain values, no references, within a cache line (64 bytes).
struct Slot {
    /// The socket; -1 when bytes must go through NIO (TLS, or a test's channel).
    var descriptor: Int32 = -1
    /// What holds for it; see the properties of the same names.
    private var flags: Flags = []
    /// The first range of the arena to send; empty when there is none.
    var start: Int32 = 0
    /// The end of the first range.
    var end: Int32 = 0
    /// Further ranges as a list in the shard's extras, -1 when there is none.
    var firstExtra: Int32 = -1
    /// The last of them.
    var lastExtra: Int32 = -1
    /// How many ranges there are.
    var rangeCount: Int32 = 0
    /// Counts up with each connection that gets the slot.
    var generation: UInt32 = 0
    /// Writes that NIO has not finished.
    var writesPending: Int32 = 0
    /// Their bytes.
    var bytesPending = 0
    /// Events that a newer one has replaced, up to the largest number there is.
    var merges: UInt32 = 0
    /// Seconds on the shard's clock at which it came.
    var openedAt: Int32 = 0
    /// Seconds on the shard's clock at which silence is checked next.
    var checkTime: Int32 = .max

    private struct Flags: OptionSet {
        let rawValue: UInt16

        static let inUse = Flags(rawValue: 1 << 0)
        static let listed = Flags(rawValue: 1 << 1)
        static let congested = Flags(rawValue: 1 << 2)
        static let backlogged = Flags(rawValue: 1 << 3)
        static let overBudget = Flags(rawValue: 1 << 4)
        static let metered = Flags(rawValue: 1 << 5)
        static let meterListed = Flags(rawValue: 1 << 6)
        static let watched = Flags(rawValue: 1 << 7)
        static let closing = Flags(rawValue: 1 << 8)
        static let compressed = Flags(rawValue: 1 << 9)
    }
}

extension Slot {
    /// Whether a connection has this slot.
    var isInUse: Bool {
        get { self.flags.contains(.inUse) }
        set { self.set(.inUse, newValue) }
    }

    /// Whether the slot stands in the list of those with bytes to send.
    var isListed: Bool {
        get { self.flags.contains(.listed) }
        set { self.set(.listed, newValue) }
    }

    /// Whether waiting ticks collapse to the newest of each channel: it is backlogged or over its budget.
    var isCongested: Bool {
        get { self.flags.contains(.congested) }
        set { self.set(.congested, newValue) }
    }

    /// Whether more than the soft limit waits for its socket.
    var isBacklogged: Bool {
        get { self.flags.contains(.backlogged) }
        set { self.set(.backlogged, newValue) }
    }

    /// Whether it has used up its budget of bytes.
    var isOverBudget: Bool {
        get { self.flags.contains(.overBudget) }
        set { self.set(.overBudget, newValue) }
    }

    /// Whether it has a budget of bytes: then it counts as congested all the time.
    var isMetered: Bool {
        get { self.flags.contains(.metered) }
        set { self.set(.metered, newValue) }
    }

    /// Whether what is held for it is sent at the end of the loop tick.
    var isMeterListed: Bool {
        get { self.flags.contains(.meterListed) }
        set { self.set(.meterListed, newValue) }
    }

    /// Whether what is sent to it is recorded.
    var isWatched: Bool {
        get { self.flags.contains(.watched) }
        set { self.set(.watched, newValue) }
    }

    /// Whether the close frame is on its way, so that nothing may follow.
    var isClosing: Bool {
        get { self.flags.contains(.closing) }
        set { self.set(.closing, newValue) }
    }

    /// Whether events are sent compressed where that makes them smaller.
    var isCompressed: Bool {
        get { self.flags.contains(.compressed) }
        set { self.set(.compressed, newValue) }
    }

    @inline(__always)
    private mutating func set(_ flag: Flags, _ isOn: Bool) {
        if isOn { self.flags.formUnion(flag) } else { self.flags.subtract(flag) }
    }
}

/// A further range of the arena for one slot.
struct ExtraRange {
    var start: Int32
    var end: Int32
    var next: Int32
}

/// Grows, hands out and takes back slots; the memory belongs to it alone.
struct SlotTable: ~Copyable {
    private(set) var slots: UnsafeMutablePointer<Slot>
    private(set) var capacity: Int
    private(set) var count = 0
    private var free: [Int32] = []

    init(capacity: Int = 64) {
        self.capacity = capacity
        self.slots = .allocate(capacity: capacity)
        self.slots.initialize(repeating: Slot(), count: capacity)
    }

    deinit {
        self.slots.deinitialize(count: self.capacity)
        self.slots.deallocate()
    }

    /// A slot for a new connection, cleared except for its generation and its place in the list of listed slots.
    mutating func allocate() -> Int32 {
        let index: Int32
        if let reused = self.free.popLast() {
            index = reused
        } else {
            if self.count == self.capacity { self.grow() }
            index = Int32(self.count)
            self.count += 1
        }
        var slot = Slot()
        slot.isInUse = true
        slot.isListed = self.slots[Int(index)].isListed
        slot.generation = self.slots[Int(index)].generation &+ 1
        self.slots[Int(index)] = slot
        return index
    }

    /// Takes a slot back: from here on its descriptor is never used again.
    mutating func release(_ index: Int32) {
        var slot = Slot()
        slot.isListed = self.slots[Int(index)].isListed
        slot.generation = self.slots[Int(index)].generation
        self.slots[Int(index)] = slot
        self.free.append(index)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Slot>.allocate(capacity: self.capacity * 2)
        larger.moveInitialize(from: self.slots, count: self.capacity)
        (larger + self.capacity).initialize(repeating: Slot(), count: self.capacity)
        self.slots.deallocate()
        self.slots = larger
        self.capacity *= 2
    }
}
