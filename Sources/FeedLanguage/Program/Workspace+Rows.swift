extension Workspace {
    /// The rows of one scope.
    struct Rows {
        private(set) var slots: UnsafeMutablePointer<Slot>
        /// For each row the index of its row in the outer scope.
        private(set) var parents: UnsafeMutablePointer<Int32>
        private(set) var count: Int
        /// Rows from here on have no values.
        private var usedCount = 0
        private var capacity: Int
        let stride: Int

        init(count: Int, capacity: Int, stride: Int) {
            self.slots = .allocate(capacity: capacity * stride)
            self.slots.initialize(repeating: .absent, count: capacity * stride)
            self.parents = .allocate(capacity: capacity)
            self.parents.initialize(repeating: 0, count: capacity)
            self.count = count
            self.capacity = capacity
            self.stride = stride
        }

        func deallocate() {
            self.slots.deallocate()
            self.parents.deallocate()
        }

        /// Adds a row of absent values that may get some; `nil` when the frame has too many.
        @inline(__always)
        mutating func append(parent: Int) -> UnsafeMutablePointer<Slot>? {
            let index = self.count
            guard self.appendIdle(parent: parent) else { return nil }
            self.usedCount = index &+ 1
            return self.slots + index &* self.stride
        }

        /// Adds a row of absent values that nobody writes; `false` when the frame has too many.
        @inline(__always)
        mutating func appendIdle(parent: Int) -> Bool {
            let index = self.count
            guard index < self.capacity || self.grow() else { return false }
            self.count = index &+ 1
            self.parents[index] = Int32(truncatingIfNeeded: parent)
            return true
        }

        /// Adds `count` rows of absent values that nobody writes; `false`, and none, when the frame has too many.
        @inline(__always)
        mutating func appendIdle(_ count: Int, parent: Int) -> Bool {
            let first = self.count
            while first &+ count > self.capacity { guard self.grow() else { return false } }
            (self.parents + first).update(repeating: Int32(truncatingIfNeeded: parent), count: count)
            self.count = first &+ count
            return true
        }

        /// Whether nobody writes values of these rows.
        var areIdle: Bool { self.usedCount == 0 }

        /// Forgets all rows.
        @inline(__always)
        mutating func removeAll() {
            self.clear(self.usedCount)
            self.usedCount = 0
            self.count = 0
        }

        /// Makes the values of the first `count` rows absent.
        @inline(__always)
        func clear(_ count: Int) {
            // An absent slot is all zeros.
            UnsafeMutableRawPointer(self.slots).initializeMemory(
                as: UInt8.self, repeating: 0, count: count &* self.stride &* MemoryLayout<Slot>.stride
            )
        }

        /// Makes room for twice as many rows; `false` when that is more than a frame may have.
        @inline(never)
        private mutating func grow() -> Bool {
            guard self.capacity < Workspace.rowsMax else { return false }
            var larger = Rows(count: self.count, capacity: self.capacity * 2, stride: self.stride)
            larger.usedCount = self.usedCount
            larger.slots.update(from: self.slots, count: self.count * self.stride)
            larger.parents.update(from: self.parents, count: self.count)
            self.deallocate()
            self = larger
            return true
        }
    }
}
