import Market

/// The prices between which the moves of a span pass no threshold.
///
/// New extremes are let in where that costs nothing: the bounds then hold for all extremes from ``baseLow`` to ``baseHigh``.
struct MoveBounds: Sendable {
    /// The extremes for which they were found.
    private let low: Decimal64
    private let high: Decimal64
    /// The extremes for which they hold.
    private let baseLow: Decimal64
    private let baseHigh: Decimal64
    /// Whether the bounds hold for the extremes they were found for only.
    private let isExact: Bool
    /// Whether they hold for the lowest price they were found for only: a rise must not fall below something.
    private let needsLow: Bool
    /// The same of the highest price and a fall.
    private let needsHigh: Bool
    /// Prices above this one pass nothing; `nil` is no limit.
    let lower: Decimal64?
    /// Prices below this one pass nothing; `nil` is no limit.
    let upper: Decimal64?
    /// Whether there are such prices.
    let isCalm: Bool

    init(_ gauge: MoveGauge, low: Decimal64, high: Decimal64) {
        self.low = low
        self.high = high
        let tight = CalmStretch(gauge, low: low, high: high)
        self.isExact = !gauge.includesLast
        let needsLow = gauge.hasRiseFloor
        let needsHigh = gauge.hasFallFloor
        (self.needsLow, self.needsHigh) = (needsLow, needsHigh)
        guard let tight, !self.isExact else {
            (self.baseLow, self.baseHigh, self.isCalm) = (low, high, tight != nil)
            let low = gauge.includesLast ? max(tight?.low ?? low, low) : tight?.low
            let high = gauge.includesLast ? min(tight?.high ?? high, high) : tight?.high
            (self.lower, self.upper) = (low, high)
            return
        }
        // How far above the highest and below the lowest price thresholds leave room: a quarter of that is given to new extremes.
        let room =
            [
                needsHigh ? nil : tight.high.flatMap { Self.distance(from: high, to: $0) },
                needsLow ? nil : tight.low.flatMap { Self.distance(from: $0, to: low) },
            ].compactMap(\.self).min() ?? low
        let extra = room.moved(.below, by: Self.threeQuarters) ?? .zero
        let baseLow = needsLow ? low : low.moved(.below, by: .absolute(extra)) ?? low
        let baseHigh = needsHigh ? high : high.moved(.above, by: .absolute(extra)) ?? high
        guard !extra.isZero, baseLow.mantissa > 0, let wide = CalmStretch(gauge, low: baseLow, high: baseHigh) else {
            (self.baseLow, self.baseHigh, self.isCalm) = (low, high, true)
            (self.lower, self.upper) = (max(tight.low ?? low, low), min(tight.high ?? high, high))
            return
        }
        (self.baseLow, self.baseHigh, self.isCalm) = (baseLow, baseHigh, true)
        (self.lower, self.upper) = (max(wide.low ?? baseLow, baseLow), min(wide.high ?? baseHigh, baseHigh))
    }

    private static let threeQuarters = AlertAmount.percent((try? Decimal64(75)) ?? .zero)

    private static func distance(from low: Decimal64, to high: Decimal64) -> Decimal64? {
        high > low ? high.moved(.below, by: .absolute(low)) : .zero
    }

    /// Whether nothing is passed at `price` while the bounds hold.
    @inline(__always)
    func contains(_ price: Decimal64) -> Bool {
        if let lower = self.lower, price <= lower { return false }
        if let upper = self.upper, price >= upper { return false }
        return true
    }

    /// Whether they hold for these extremes.
    @inline(__always)
    func holds(low: Decimal64, high: Decimal64) -> Bool {
        if self.isExact { return low == self.low && high == self.high }
        return (self.needsLow ? low == self.low : low >= self.baseLow)
            && (self.needsHigh ? high == self.high : high <= self.baseHigh)
    }

    /// Whether they hold for these extremes and there is nothing to gain from finding them anew.
    func isUsable(low: Decimal64, high: Decimal64, price: Decimal64) -> Bool {
        if low == self.low && high == self.high { return true }
        return self.isCalm && self.holds(low: low, high: high) && self.contains(price)
    }
}

extension MoveGauge {
    /// Whether there are thresholds below the rise that is measured now.
    var hasRiseFloor: Bool { self.rise.floor != nil || self.risePercent.floor != nil }
    /// Whether there are thresholds below the fall.
    var hasFallFloor: Bool { self.fall.floor != nil || self.fallPercent.floor != nil }
}

extension CalmStretch {
    /// The prices that pass nothing while the extremes are `low` and `high`; `nil` when a measure is on a threshold.
    fileprivate init?(_ gauge: MoveGauge, low: Decimal64, high: Decimal64) {
        self.init(start: 0, exponent: nil)
        guard self.narrow(gauge.rise, from: low, .above, { .absolute($0) }),
            self.narrow(gauge.risePercent, from: low, .above, { .percent($0) }),
            self.narrow(gauge.fall, from: high, .below, { .absolute($0) }),
            self.narrow(gauge.fallPercent, from: high, .below, { .percent($0) })
        else { return nil }
    }
}
