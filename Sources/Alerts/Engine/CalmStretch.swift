import Market

/// Prices, volume and time in which a stream's trades pass nothing that is measured over windows: see ``WaitingTrades``.
///
/// What alerts on prices wait for is another matter.
struct CalmStretch: Sendable {
    /// The first instant that is not calm any more.
    var end = Int64.max
    /// When it began: the time of the trade after which it was measured out.
    let start: Int64
    /// Prices above this one are calm; all down to zero for `nil`.
    private(set) var low: Decimal64?
    /// Prices below this one are calm; `nil` is no limit.
    private(set) var high: Decimal64?
    /// The volume that must not be reached, at ``exponent``; `nil` is no limit.
    private(set) var room: Int128?
    /// The power of ten that sizes are summed up with.
    let exponent: Int?

    /// Begins a stretch in which sizes are summed up with the power of ten `exponent`; `nil` when no volume is measured.
    init(start: Int64, exponent: Int?) {
        self.start = start
        self.exponent = exponent
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
}
