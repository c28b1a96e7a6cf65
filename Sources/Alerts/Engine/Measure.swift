import Market

/// An exact quotient, numerator ÷ denominator × 10^exponent: what a condition measures, compared without rounding.
struct Measure: Sendable, Equatable {
    /// What there is no more than 38 digits of.
    var numerator: Int128
    /// Above zero.
    var denominator: Int128
    var exponent: Int

    static let zero = Measure(numerator: 0, denominator: 1, exponent: 0)

    init(numerator: Int128, denominator: Int128 = 1, exponent: Int) {
        self.numerator = numerator
        self.denominator = denominator
        self.exponent = exponent
    }

    /// `left` − `right`.
    init(_ left: Decimal64, minus right: Decimal64) {
        let (left, right, exponent) = Self.aligned(left, right)
        self.init(numerator: left - right, exponent: exponent)
    }

    /// `left` − `right` in percent of `base`, which is above zero.
    init(_ left: Decimal64, minus right: Decimal64, percentOf base: Decimal64) {
        let (left, right, exponent) = Self.aligned(left, right)
        self.init(
            numerator: left - right, denominator: Int128(base.mantissa), exponent: exponent + 2 - Int(base.exponent))
    }

    /// `left` − `right` in percent of their middle; `nil` unless that is above zero.
    init?(_ left: Decimal64, minus right: Decimal64, percentOfMiddle: Void) {
        let (left, right, _) = Self.aligned(left, right)
        guard left + right > 0 else { return nil }
        self.init(numerator: 2 * (left - right), denominator: left + right, exponent: 2)
    }

    /// Both mantissas at one exponent; of numbers more than 10^19 apart the smaller one counts as zero.
    static func aligned(_ left: Decimal64, _ right: Decimal64) -> (left: Int128, right: Int128, exponent: Int) {
        if left.exponent == right.exponent {
            return (Int128(left.mantissa), Int128(right.mantissa), Int(left.exponent))
        }
        if left.isZero { return (0, Int128(right.mantissa), Int(right.exponent)) }
        if right.isZero { return (Int128(left.mantissa), 0, Int(left.exponent)) }
        let shift = Int(left.exponent) - Int(right.exponent)
        if shift > 19 { return (Int128(left.mantissa), 0, Int(left.exponent)) }
        if shift < -19 { return (0, Int128(right.mantissa), Int(right.exponent)) }
        if shift > 0 {
            return (Int128(left.mantissa) * powerOfTen(shift), Int128(right.mantissa), Int(right.exponent))
        }
        return (Int128(left.mantissa), Int128(right.mantissa) * powerOfTen(-shift), Int(left.exponent))
    }

    /// −1, 0 or 1 as the value is below, equal to or above `threshold`, which is not below zero.
    func compared(to threshold: Decimal64) -> Int {
        if self.numerator <= 0 || threshold.isZero {
            if self.numerator < 0 { return -1 }
            return (self.numerator == 0 ? 0 : 1) - (threshold.isZero ? 0 : 1)
        }
        var left = WideProduct(self.numerator.magnitude)
        var right = WideProduct(self.denominator.magnitude, UInt128(threshold.mantissa.magnitude))
        let shift = self.exponent - Int(threshold.exponent)
        if shift > 0, !left.multiply(byPowerOfTen: shift) { return 1 }
        if shift < 0, !right.multiply(byPowerOfTen: -shift) { return -1 }
        return left < right ? -1 : (right < left ? 1 : 0)
    }

    func isAtLeast(_ threshold: Decimal64) -> Bool { self.compared(to: threshold) >= 0 }
    func isAbove(_ threshold: Decimal64) -> Bool { self.compared(to: threshold) > 0 }

    /// The value rounded half-even to `decimals`; `nil` when it is too long.
    func rounded(decimals: Int) -> Decimal64? {
        let shift = self.exponent + decimals
        guard abs(shift) <= 38 else { return self.numerator == 0 ? .zero : nil }
        var numerator = self.numerator
        var denominator = self.denominator
        let power = powerOfTen(abs(shift))
        let scaled = (shift > 0 ? numerator : denominator).multipliedReportingOverflow(by: power)
        if scaled.overflow { return shift > 0 ? nil : .zero }
        if shift > 0 { numerator = scaled.partialValue } else { denominator = scaled.partialValue }
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
        let rest = denominator.magnitude - remainder.magnitude
        let isUp = remainder.magnitude > rest || (remainder.magnitude == rest && quotient % 2 != 0)
        let whole = quotient + (isUp ? (numerator < 0 ? -1 : 1) : 0)
        guard let mantissa = Int64(exactly: whole) else { return nil }
        return try? Decimal64(mantissa: mantissa, exponent: -decimals)  // Too long for 18 digits: not told.
    }

    /// The value with all its digits; `nil` when those are more than 18 or it is a true quotient.
    var exact: Decimal64? {
        guard self.denominator == 1 else { return nil }
        var mantissa = self.numerator
        var exponent = self.exponent
        while mantissa != 0, mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        guard let short = Int64(exactly: mantissa) else { return nil }
        return try? Decimal64(mantissa: short, exponent: exponent)  // Too long for 18 digits: not told.
    }
}

/// A product of up to 77 digits.
struct WideProduct: Sendable, Comparable {
    private var high: UInt128
    private var low: UInt128

    init(_ value: UInt128) {
        self.high = 0
        self.low = value
    }

    init(_ left: UInt128, _ right: UInt128) {
        let (low, overflow) = left.multipliedReportingOverflow(by: right)
        if overflow {
            (self.high, self.low) = left.multipliedFullWidth(by: right)
        } else {
            self.high = 0
            self.low = low
        }
    }

    /// Multiplies by 10^`exponent`; false when the product is too long, which makes it larger than any that is not.
    mutating func multiply(byPowerOfTen exponent: Int) -> Bool {
        var exponent = exponent
        while exponent > 0 {
            let step = min(exponent, 38)
            let factor = UInt128(powerOfTen(step))
            let (short, isLong) = self.low.multipliedReportingOverflow(by: factor)
            if !isLong, self.high == 0 {
                self.low = short
            } else {
                let (carry, low) = self.low.multipliedFullWidth(by: factor)
                let (high, overflow) = self.high.multipliedReportingOverflow(by: factor)
                let (sum, isOver) = high.addingReportingOverflow(carry)
                if overflow || isOver { return false }
                self.high = sum
                self.low = low
            }
            exponent -= step
        }
        return true
    }

    static func < (left: WideProduct, right: WideProduct) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

/// 10^0 … 10^38.
private let powersOfTen: [Int128] = (0...38).map { exponent in (0..<exponent).reduce(1) { power, _ in power * 10 } }

/// 10^`exponent` for 0…38.
func powerOfTen(_ exponent: Int) -> Int128 { powersOfTen[exponent] }

extension Decimal64 {
    /// The value `amount` higher, or lower, rounded away from it to 18 digits.
    ///
    /// No decimal of 18 digits lies between the exact point and the rounded one, so comparing with it is exact. Lower than zero
    /// is zero. `nil` for a multiple.
    func moved(_ side: PriceSide, by amount: AlertAmount) -> Decimal64? {
        let left: Int128
        let right: Int128
        let exponent: Int
        switch amount {
        case .multiple: return nil
        case .absolute(let value): (left, right, exponent) = Measure.aligned(self, value)
        case .percent(let percent):
            let (hundred, share, aligned) = Measure.aligned(Self.hundred, percent)
            let (whole, isTooLong) = hundred.addingReportingOverflow(side == .above ? share : -share)
            let (product, overflow) = whole.multipliedReportingOverflow(by: Int128(self.mantissa))
            if isTooLong || overflow { return side == .above ? nil : .zero }
            (left, right, exponent) = (product, 0, aligned + Int(self.exponent) - 2)
        }
        let wide = side == .above ? left + right : left - right
        return wide <= 0 ? .zero : Self.rounded(wide, exponent: exponent, isUp: side == .above)
    }

    private static let hundred = (try? Decimal64(100)) ?? .zero

    private static func rounded(_ wide: Int128, exponent: Int, isUp: Bool) -> Decimal64? {
        var mantissa = wide
        var exponent = exponent
        var hasRest = false
        while mantissa >= 1_000_000_000_000_000_000 {
            hasRest = hasRest || mantissa % 10 != 0
            mantissa /= 10
            exponent += 1
        }
        if hasRest, isUp { mantissa += 1 }
        // Beyond 10^64 or below 10^-64 there is no price.
        return try? Decimal64(mantissa: Int64(mantissa), exponent: exponent)
    }
}
