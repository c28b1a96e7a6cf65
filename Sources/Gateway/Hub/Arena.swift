/// The bytes one event loop sends in one tick, in one piece of memory that is used again in the next.
struct Arena: ~Copyable {
    /// Memory that is kept from tick to tick; what one burst needed beyond is given back.
    private static let keptCapacity = 1 << 20

    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 1 << 16) {
        self.capacity = capacity
        self.base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        self.base.deallocate()
    }

    /// Appends bytes and returns where they start.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let start = self.count
        if start + bytes.count > self.capacity { self.grow(to: start + bytes.count) }
        if let source = bytes.baseAddress { (self.base + start).copyMemory(from: source, byteCount: bytes.count) }
        self.count = start + bytes.count
        return Int32(start)
    }

    /// Forgets all bytes.
    mutating func reset() {
        self.count = 0
        guard self.capacity > Self.keptCapacity else { return }
        self.base.deallocate()
        self.capacity = Self.keptCapacity
        self.base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    private mutating func grow(to needed: Int) {
        let larger = max(needed, self.capacity * 2)
        let base = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        base.copyMemory(from: self.base, byteCount: self.count)
        self.base.deallocate()
        self.base = base
        self.capacity = larger
    }
}
