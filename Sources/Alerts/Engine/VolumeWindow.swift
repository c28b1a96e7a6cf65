import Market

/// The sum of the sizes of the last so long, exact to a step: at most one sum a step is held.
struct VolumeWindow: Sendable {
    let steps: WindowSteps
    private var indices: ContiguousArray<Int64> = []
    private var sums: ContiguousArray<Int128> = []
    /// Steps before this one have left.
    private var head = 0
    private(set) var sum: Int128 = 0
    /// The power of ten of all sums: that of the finest size so far.
    private(set) var exponent = 0
    private(set) var since: Int64?
    private var liveSince: Int64?

    init(length: Int64) { self.steps = WindowSteps(length: length) }

    var stepCount: Int { self.indices.count - self.head }
    /// When the next step leaves.
    var nextLeaving: Int64 {
        self.head < self.indices.count ? self.steps.leaving(step: self.indices[self.head]) : .max
    }

    /// Until when the sum is above `floor` whatever leaves, and nothing else comes; perhaps earlier, but not later.
    func end(above floor: Decimal64) -> Int64 {
        let shift = Int(floor.exponent) - self.exponent
        guard (-18...18).contains(shift) else { return self.nextLeaving }
        let mantissa = Int128(floor.mantissa)
        let least = shift < 0 ? mantissa / powerOfTen(-shift) : mantissa * powerOfTen(shift)
        var rest = self.sum
        for position in self.head..<min(self.indices.count, self.head + WaitingTrades.slicesMax) {
            rest -= self.sums[position]
            if rest <= least { return self.steps.leaving(step: self.indices[position]) }
        }
        let last = self.head + WaitingTrades.slicesMax
        return last < self.indices.count ? self.steps.leaving(step: self.indices[last]) : .max
    }

    mutating func add(_ size: Decimal64?, at time: Int64) {
        if self.liveSince == nil {
            self.liveSince = time
            if self.since == nil { self.since = time }
        }
        if let size { self.insert(size, at: time) }
    }

    /// Adds the sum of many sizes of one step.
    mutating func add(_ sum: Int128, exponent: Int, at time: Int64) {
        // The sum may have more digits than a size has.
        var rest = sum
        var exponent = exponent
        while rest != 0 {
            let part = rest % 1_000_000_000_000_000_000
            if part != 0, let size = try? Decimal64(mantissa: Int64(part), exponent: exponent) {
                self.insert(size, at: time)
            }
            rest /= 1_000_000_000_000_000_000
            exponent += 18
        }
    }

    /// Adds a size at any time that is not older than the window.
    mutating func insert(_ size: Decimal64, at time: Int64) {
        let amount = self.aligned(size)
        if amount == 0 { return }
        let index = self.steps.index(of: time)
        self.sum &+= amount
        if let newest = self.indices.last, self.head < self.indices.count, index <= newest {
            var position = self.indices.count - 1
            while position > self.head, self.indices[position - 1] >= index { position -= 1 }
            if self.indices[position] == index {
                self.sums[position] &+= amount
            } else {
                self.indices.insert(index, at: position)
                self.sums.insert(amount, at: position)
            }
            return
        }
        self.indices.append(index)
        self.sums.append(amount)
    }

    mutating func seed(_ history: AlertHistory) {
        for bar in history.bars where !bar.volume.isZero {
            // A bar that the first live trade may be part of would count twice.
            let end = bar.start.nanoseconds.addingReportingOverflow(bar.length.wholeNanoseconds)
            if let live = self.liveSince, end.overflow || end.partialValue > live { continue }
            self.insert(bar.volume, at: bar.start.nanoseconds)
        }
        if let since = history.completeSince { self.since = min(self.since ?? .max, since.nanoseconds) }
    }

    /// Lets go of what was traded at `time` and later, to the step.
    mutating func forget(from time: Int64) {
        let index = self.steps.index(of: time)
        while self.indices.count > self.head, let last = self.indices.last, last >= index {
            self.indices.removeLast()
            self.sum &-= self.sums.removeLast()
        }
    }

    mutating func advance(to now: Int64) {
        while self.head < self.indices.count, self.steps.leaving(step: self.indices[self.head]) <= now {
            self.sum &-= self.sums[self.head]
            self.head += 1
        }
        if self.head > 32, self.head * 2 > self.indices.count {
            self.indices.removeFirst(self.head)
            self.sums.removeFirst(self.head)
            self.head = 0
        }
    }

    /// The mantissa of `size` at the common exponent, which becomes finer where it must; what is some 10^18 times finer than
    /// the largest sums is rounded away.
    private mutating func aligned(_ size: Decimal64) -> Int128 {
        var shift = Int(size.exponent) - self.exponent
        if shift == 0, self.head < self.indices.count { return Int128(size.mantissa) }
        if size.isZero { return 0 }
        if self.head == self.indices.count {
            self.exponent = Int(size.exponent)
            return Int128(size.mantissa)
        }
        if shift < 0 {
            let room = Self.sumMax / max(1, self.sum.magnitude)
            var digits = 0
            while digits < -shift, UInt128(powerOfTen(min(38, digits + 1))) <= room { digits += 1 }
            let factor = powerOfTen(digits)
            for position in self.head..<self.sums.count { self.sums[position] *= factor }
            self.sum *= factor
            self.exponent -= digits
            shift += digits
        }
        if shift < -38 { return 0 }
        if shift < 0 { return Int128(size.mantissa) / powerOfTen(-shift) }
        let (amount, overflow) = Int128(size.mantissa).multipliedReportingOverflow(by: powerOfTen(min(shift, 38)))
        // A size of more than 38 digits beside the finest one is not of this world; it counts as what still can be held.
        return overflow || UInt128(amount.magnitude) > Self.sumMax ? Int128(Self.sumMax) : amount
    }

    private static let sumMax = UInt128(powerOfTen(34))
}

extension Duration {
    /// In nanoseconds, at most what 64 bits hold.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole &+ attoseconds / 1_000_000_000
    }
}
