import Market

/// Prices, volume and time in which a stream's trades pass nothing that is measured over windows.
///
/// Such trades only wait to be put into the windows, all of them together: their highest and lowest price and the sum of their
/// sizes are all that a window wants to know. What alerts on prices wait for is another matter.
struct CalmStretch: Sendable {
    /// No stretch at all.
    static let none = CalmStretch()

    /// The first instant that is not calm any more; the far past when nothing is.
    var end = Int64.max
    /// Prices are compared as multiples of 10^``grid``: calm are those above ``gridLow`` and below ``gridHigh``.
    private var grid: Int8 = 0
    private var gridLow = Int64.max
    private var gridHigh = Int64.min
    /// When it began: the time of the trade after which it was measured out.
    let start: Int64
    /// Prices above this one are calm; all down to zero for `nil`.
    private(set) var low: Decimal64?
    /// Prices below this one are calm; `nil` is no limit.
    private(set) var high: Decimal64?
    /// The volume that must not be reached, at ``exponent``; `nil` is no limit.
    private var room: Int128?
    /// The power of ten that sizes are summed up with.
    private let exponent: Int?
    private var volume: Int128 = 0
    /// The highest and the lowest price that wait.
    private(set) var highest: PricePoint?
    private(set) var lowest: PricePoint?
    /// The time of the newest trade that waits.
    private(set) var newest: Int64 = .min

    /// Begins a stretch in which sizes are summed up with the power of ten `exponent`; `nil` when no volume is measured.
    init(start: Int64, exponent: Int?) {
        self.start = start
        self.exponent = exponent
    }

    private init() {
        self.init(start: .min, exponent: nil)
        self.end = .min
    }

    mutating func raise(to price: Decimal64) {
        if let low = self.low, low >= price { return }
        self.low = price
    }

    mutating func lower(to price: Decimal64) {
        if let high = self.high, high <= price { return }
        self.high = price
    }

    /// Narrows the prices to those between the two thresholds of `book` around its value; false when the value is on one.
    ///
    /// Its value is how far a price is from `base`, on `side` of it. Bounds are rounded away from the base to 18 digits: no price
    /// lies between the exact bound and the rounded one.
    mutating func narrow(
        _ book: SignalBook, from base: Decimal64, _ side: PriceSide, _ unit: (Decimal64) -> AlertAmount
    ) -> Bool {
        if book.isEmpty { return true }
        guard book.isCalm else { return false }
        if let ceiling = book.ceiling {
            guard let far = base.moved(side, by: unit(ceiling)) else { return false }
            if side == .above { self.lower(to: far) } else { self.raise(to: far) }
        }
        if let floor = book.floor {
            guard let near = base.moved(side, by: unit(floor)) else { return false }
            if side == .above { self.raise(to: near) } else { self.lower(to: near) }
        }
        return true
    }

    /// Narrows the volume to what keeps `sum` × 10^`exponent` below `ceiling`; false when the digits are too far apart.
    mutating func narrowVolume(_ sum: Int128, exponent: Int, ceiling: Decimal64?) -> Bool {
        guard let own = self.exponent else { return false }
        guard let ceiling else { return true }
        let sumShift = exponent - own
        let ceilingShift = Int(ceiling.exponent) - own
        guard (0...18).contains(sumShift), (0...18).contains(ceilingShift) else { return false }
        let scaled = sum.multipliedReportingOverflow(by: powerOfTen(sumShift))
        if scaled.overflow { return false }
        let room = Int128(ceiling.mantissa) * powerOfTen(ceilingShift) - scaled.partialValue
        self.room = min(self.room ?? room, room)
        return room > 0
    }

    /// Narrows the volume to what keeps `multiple`, which grows with `sum` × 10^`exponent`, below `ceiling`; false when the digits are
    /// too far apart.
    mutating func narrowVolume(_ multiple: Measure, of sum: Int128, exponent: Int, ceiling: Decimal64) -> Bool {
        guard let own = self.exponent, sum > 0, multiple.numerator > 0, exponent >= own, exponent - own <= 18 else {
            return false
        }
        // The sum at which the multiple is the ceiling: `sum` × ceiling ÷ multiple, rounded down.
        let scaled = sum.multipliedReportingOverflow(by: powerOfTen(exponent - own))
        var limit = scaled.partialValue.multipliedReportingOverflow(by: multiple.denominator)
        if scaled.overflow || limit.overflow { return false }
        limit = limit.partialValue.multipliedReportingOverflow(by: Int128(ceiling.mantissa))
        let digits = Int(ceiling.exponent) + multiple.exponent
        guard !limit.overflow, (-38...18).contains(digits) else { return false }
        if digits > 0 {
            limit = limit.partialValue.multipliedReportingOverflow(by: powerOfTen(digits))
            if limit.overflow { return false }
        }
        let room = limit.partialValue / multiple.numerator / powerOfTen(max(0, -digits)) - scaled.partialValue
        self.room = min(self.room ?? room, room)
        return room > 0
    }

    /// Ends the narrowing, and has prices compared as whole multiples of 10^`grid`, which is exact: finer ones are not calm.
    mutating func complete(grid: Int8) {
        self.grid = grid
        self.gridLow = self.low.map { Self.multiples($0, grid) } ?? .min
        self.gridHigh =
            self.high.map { high in
                let below = Self.multiples(high, grid)
                return below < .max && Self.isFiner(high, grid) ? below + 1 : below
            } ?? .max
    }

    /// `price` ÷ 10^`grid`, which prices are not below zero, rounded down; at most what 64 bits hold.
    private static func multiples(_ price: Decimal64, _ grid: Int8) -> Int64 {
        let shift = Int(price.exponent) - Int(grid)
        if shift < 0 { return shift < -18 ? 0 : Int64(Int128(price.mantissa) / powerOfTen(-shift)) }
        if price.isZero { return 0 }
        return shift > 19 ? .max : Int64(clamping: Int128(price.mantissa) * powerOfTen(shift))
    }

    private static func isFiner(_ price: Decimal64, _ grid: Int8) -> Bool { price.exponent < grid }

    /// Has a trade wait; false when it is not calm.
    @inline(__always)
    mutating func take(_ price: Decimal64, _ size: Decimal64?, at now: Int64) -> Bool {
        guard now < self.end, self.holds(price) else { return false }
        if let own = self.exponent, let size, !self.add(size, own) { return false }
        let point = PricePoint(price: price, time: now)
        if let highest = self.highest, price < highest.price {} else { self.highest = point }
        if let lowest = self.lowest, price > lowest.price {} else { self.lowest = point }
        self.newest = now
        return true
    }

    @inline(__always)
    private func holds(_ price: Decimal64) -> Bool {
        var mantissa = price.mantissa
        var shift = Int(price.exponent) - Int(self.grid)
        guard shift >= 0, shift <= 18, mantissa > 0 else { return false }
        while shift > 0 {
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
            if overflow { return false }
            mantissa = product
            shift -= 1
        }
        return mantissa > self.gridLow && mantissa < self.gridHigh
    }

    private mutating func add(_ size: Decimal64, _ own: Int) -> Bool {
        let shift = Int(size.exponent) - own
        guard shift >= 0, shift <= 18 else { return false }
        let volume = self.volume + Int128(size.mantissa) * (shift == 0 ? 1 : powerOfTen(shift))
        if let room = self.room, volume >= room { return false }
        self.volume = volume
        return true
    }

    /// The volume that waits; exact unless it has more than 18 digits, which ends the stretch before.
    var waitingVolume: (sum: Int128, exponent: Int)? {
        self.volume == 0 ? nil : self.exponent.map { (self.volume, $0) }
    }
}
