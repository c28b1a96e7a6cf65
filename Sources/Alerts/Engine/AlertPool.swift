/// Values of which many owners have equal ones: each is held once, with the count of its owners.
struct AlertPool<Value: Hashable & Sendable>: Sendable {
    private var values: ContiguousArray<Value?> = []
    private var owners: ContiguousArray<Int32> = []
    private var indices: [Value: Int32] = [:]
    private var free: [Int32] = []

    /// The value of an owner.
    subscript(index: Int32) -> Value {
        guard let value = self.values[Int(index)] else { preconditionFailure("pool index \(index) is free") }
        return value
    }

    /// Adds an owner of `value` and gives its index.
    mutating func retain(_ value: Value) -> Int32 {
        if let known = self.indices[value] {
            self.owners[Int(known)] += 1
            return known
        }
        let index: Int32
        if let unused = self.free.popLast() {
            index = unused
            self.values[Int(index)] = value
            self.owners[Int(index)] = 1
        } else {
            index = Int32(truncatingIfNeeded: self.values.count)
            self.values.append(value)
            self.owners.append(1)
        }
        self.indices[value] = index
        return index
    }

    /// Takes an owner away; the last one takes the value along.
    mutating func release(_ index: Int32) {
        self.owners[Int(index)] -= 1
        guard self.owners[Int(index)] == 0, let value = self.values[Int(index)] else { return }
        self.indices[value] = nil
        self.values[Int(index)] = nil
        self.free.append(index)
    }
}
