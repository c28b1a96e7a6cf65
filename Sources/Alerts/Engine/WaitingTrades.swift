import Market

/// Trades of a stream that wait to be put into its windows, because none of them passes anything that is measured over those.
///
/// They are kept in slices of time that no step of any window cuts: of each slice its highest and lowest price and the sum of its
/// sizes, which are all that a window wants to know. Windows are touched once for many slices, mostly seconds later. Prices are
/// compared as whole multiples of 10^``grid``, which is exact: finer ones do not wait.
struct WaitingTrades: Sendable {
    /// What a slice of time leaves to the windows.
    struct Slice: Sendable {
        var highest: Int64
        var highestAt: Int64
        var lowest: Int64
        var lowestAt: Int64
        /// The time of the newest trade.
        var newestAt: Int64
        /// The sum of the sizes as multiples of 10^``WaitingTrades/exponent``.
        var volume: Int128
    }

    /// How many slices wait at most; then they go into the windows.
    static let slicesMax = 32

    /// The first instant that is not calm any more; the far past while nothing may wait.
    private(set) var end = Int64.min
    private var sliceEnd = Int64.min
    /// Calm are the prices above this one and below the next.
    private var gridLow = Int64.min
    private var gridHigh = Int64.max
    private var slice = Slice(highest: .min, highestAt: 0, lowest: .max, lowestAt: 0, newestAt: .min, volume: 0)
    /// How much volume may still come.
    private var room = Int128.max
    private var grid: Int8 = 0
    /// The power of ten that sizes are summed up with.
    private(set) var exponent: Int8 = 0
    private var measuresVolume = false
    /// What waits besides ``slice``, oldest first.
    private var slices: ContiguousArray<Slice> = []
    /// The lengths of all steps into which windows cut time, in nanoseconds, each once.
    private var steps: ContiguousArray<Int64> = []

    /// Takes over into which steps time is cut; only while nothing waits.
    mutating func setSteps(_ steps: some Sequence<Int64>) { self.steps = ContiguousArray(Set(steps).sorted()) }

    /// Begins a stretch in which trades wait, behind a trade at `last`.
    mutating func begin(_ calm: CalmStretch, last: Decimal64, previous: Decimal64) {
        self.slices.removeAll(keepingCapacity: true)
        self.clearSlice()
        self.end = calm.end
        self.sliceEnd = .min
        // As fine as the prices lately: whoever ends in a zero does not make the next one wait less.
        let finest = min(last.exponent, previous.exponent)
        self.grid = self.grid <= finest && Int(finest) - Int(self.grid) <= 12 ? self.grid : finest
        self.gridLow = calm.low.map { Self.multiples($0, self.grid) } ?? .min
        self.gridHigh =
            calm.high.map { high in
                let below = Self.multiples(high, self.grid)
                return below < .max && high.exponent < self.grid ? below + 1 : below
            } ?? .max
        self.room = calm.room ?? .max
        self.measuresVolume = calm.exponent != nil
        self.exponent = Int8(clamping: calm.exponent ?? 0)
    }

    /// `price` ÷ 10^`grid`, which prices are not below zero, rounded down; at most what 64 bits hold.
    private static func multiples(_ price: Decimal64, _ grid: Int8) -> Int64 {
        let shift = Int(price.exponent) - Int(grid)
        if shift < 0 { return shift < -18 ? 0 : Int64(Int128(price.mantissa) / powerOfTen(-shift)) }
        if price.isZero { return 0 }
        return shift > 19 ? .max : Int64(clamping: Int128(price.mantissa) * powerOfTen(shift))
    }

    /// Has a trade wait; false when it is not calm.
    @inline(__always)
    mutating func take(_ price: Decimal64, _ size: Decimal64?, at now: Int64) -> Bool {
        guard now < self.end else { return false }
        var price = (mantissa: price.mantissa, shift: Int(price.exponent) - Int(self.grid))
        guard price.shift >= 0, price.shift <= 18, price.mantissa > 0 else { return false }
        while price.shift > 0 {
            let (product, overflow) = price.mantissa.multipliedReportingOverflow(by: 10)
            if overflow { return false }
            price.mantissa = product
            price.shift -= 1
        }
        guard price.mantissa > self.gridLow, price.mantissa < self.gridHigh else { return false }
        if now >= self.sliceEnd, !self.beginSlice(at: now) { return false }
        if self.measuresVolume, let size, !self.add(size) { return false }
        if price.mantissa >= self.slice.highest {
            self.slice.highest = price.mantissa
            self.slice.highestAt = now
        }
        if price.mantissa <= self.slice.lowest {
            self.slice.lowest = price.mantissa
            self.slice.lowestAt = now
        }
        self.slice.newestAt = now
        return true
    }

    private mutating func add(_ size: Decimal64) -> Bool {
        let shift = Int(size.exponent) - Int(self.exponent)
        guard shift >= 0, shift <= 18 else { return false }
        let volume = Int128(size.mantissa) * (shift == 0 ? 1 : powerOfTen(shift))
        guard volume < self.room else { return false }
        if self.room != .max { self.room -= volume }
        self.slice.volume += volume
        return true
    }

    /// Ends the slice and begins the one of `now`; false when there are too many.
    @inline(never)
    private mutating func beginSlice(at now: Int64) -> Bool {
        if self.slice.newestAt != .min {
            guard self.slices.count + 1 < Self.slicesMax else { return false }
            self.slices.append(self.slice)
            self.clearSlice()
        }
        self.sliceEnd = .max
        for step in self.steps {
            let part = now % step
            self.sliceEnd = min(self.sliceEnd, now - (part < 0 ? part + step : part) + step)
        }
        return true
    }

    private mutating func clearSlice() {
        self.slice = Slice(highest: .min, highestAt: 0, lowest: .max, lowestAt: 0, newestAt: .min, volume: 0)
    }

    /// Ends the stretch and gives what waited to `take`, oldest first.
    mutating func end(_ take: (_ slice: Slice, _ highest: PricePoint, _ lowest: PricePoint) -> Void) {
        guard self.end != .min else { return }
        self.end = .min
        if self.slice.newestAt != .min {
            self.slices.append(self.slice)
            self.clearSlice()
        }
        for slice in self.slices {
            // Prices that were taken are numbers of 18 digits.
            guard let highest = try? Decimal64(mantissa: slice.highest, exponent: Int(self.grid)),
                let lowest = try? Decimal64(mantissa: slice.lowest, exponent: Int(self.grid))
            else { preconditionFailure("price \(slice.highest) or \(slice.lowest) is too long") }
            take(
                slice, PricePoint(price: highest, time: slice.highestAt),
                PricePoint(price: lowest, time: slice.lowestAt))
        }
        self.slices.removeAll(keepingCapacity: true)
    }
}
