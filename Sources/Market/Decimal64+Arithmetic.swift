extension Decimal64 {
    /// The exact sum.
    ///
    /// - Throws: ``MarketError/decimalOverflow(_:)`` when the sum needs more than 18 significant digits.
    public func adding(_ other: Decimal64) throws(MarketError) -> Decimal64 {
        let (left, right, exponent) = try Self.aligned(self, other)
        return try Decimal64(exactly: left + right, exponent: exponent)
    }

    /// The exact difference.
    ///
    /// - Throws: ``MarketError/decimalOverflow(_:)`` when the difference needs more than 18 significant digits.
    public func subtracting(_ other: Decimal64) throws(MarketError) -> Decimal64 {
        let (left, right, exponent) = try Self.aligned(self, other)
        return try Decimal64(exactly: left - right, exponent: exponent)
    }

    /// The exact product.
    ///
    /// - Throws: ``MarketError/decimalOverflow(_:)`` when the product needs more than 18 significant digits.
    public func multiplied(by other: Decimal64) throws(MarketError) -> Decimal64 {
        try Decimal64(
            exactly: Int128(self.mantissa) * Int128(other.mantissa),
            exponent: Int(self.exponent) + Int(other.exponent)
        )
    }

    /// The quotient rounded half-even to `decimals` places.
    ///
    /// - Parameters:
    ///   - divisor: Not zero.
    ///   - decimals: Places after the point, 0…18.
    /// - Returns: The rounded quotient.
    /// - Throws: ``MarketError/divisionByZero``, or ``MarketError/decimalOverflow(_:)`` when the quotient is too long.
    public func divided(by divisor: Decimal64, decimals: Int) throws(MarketError) -> Decimal64 {
        guard divisor.mantissa != 0 else { throw .divisionByZero }
        if self.mantissa == 0 { return .zero }
        // self ÷ divisor × 10^decimals, as an integer quotient with remainder.
        let shift = Int(self.exponent) - Int(divisor.exponent) + decimals
        var numerator = Int128(self.mantissa)
        var denominator = Int128(divisor.mantissa)
        if shift >= 0 {
            guard shift <= 20 else { throw .decimalOverflow("\(self) ÷ \(divisor)") }
            numerator *= powerOfTen(shift)
        } else {
            // Beyond 10^20 the quotient is nothing but zero at this many decimals.
            guard -shift <= 20 else { return .zero }
            denominator *= powerOfTen(-shift)
        }
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
        let doubled = remainder.magnitude * 2
        var rounded = quotient
        if doubled > denominator.magnitude || (doubled == denominator.magnitude && quotient % 2 != 0) {
            rounded += (numerator < 0) == (denominator < 0) ? 1 : -1
        }
        return try Decimal64(exactly: rounded, exponent: -decimals)
    }

    /// The quotient with up to 18 significant digits, and whether it was rounded (half-even) to them.
    ///
    /// - Returns: `nil` for a division by zero, or when the quotient is beyond the range of exponents.
    public func dividedKeepingDigits(by divisor: Decimal64) -> Parsed? {
        guard divisor.mantissa != 0 else { return nil }
        if self.mantissa == 0 { return Parsed(value: .zero, isRounded: false) }
        // 36 digits divided by at most 18 leave at least 18, and one more still fits.
        var numerator = Int128(self.mantissa)
        var exponent = Int(self.exponent) - Int(divisor.exponent)
        while numerator.magnitude < 100_000_000_000_000_000_000_000_000_000_000_000 {
            numerator *= 10
            exponent -= 1
        }
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: Int128(divisor.mantissa))
        // A last digit that is not zero stands for the rest: it decides between "half" and "more than half".
        let sticky: Int128 = remainder == 0 ? 0 : (quotient < 0 ? -1 : 1)
        guard let value = try? Decimal64(rounding: quotient * 10 + sticky, exponent: exponent - 1) else { return nil }
        return Parsed(value: value, isRounded: remainder != 0 || !value.isEqual(to: quotient, exponent: exponent))
    }

    /// Whether the value is `wide` × 10^`exponent` to the last digit.
    private func isEqual(to wide: Int128, exponent: Int) -> Bool {
        var rest = wide
        var exponent = exponent
        while rest != 0, rest % 10 == 0, exponent < Int(self.exponent) {
            rest /= 10
            exponent += 1
        }
        return rest == Int128(self.mantissa) && exponent == Int(self.exponent)
    }

    /// Both mantissas at the smaller of the two exponents.
    private static func aligned(
        _ left: Decimal64, _ right: Decimal64
    ) throws(MarketError) -> (left: Int128, right: Int128, exponent: Int) {
        if left.mantissa == 0 { return (0, Int128(right.mantissa), Int(right.exponent)) }
        if right.mantissa == 0 { return (Int128(left.mantissa), 0, Int(left.exponent)) }
        let exponent = min(Int(left.exponent), Int(right.exponent))
        let leftShift = Int(left.exponent) - exponent
        let rightShift = Int(right.exponent) - exponent
        // Further apart than this, no sum fits 18 digits.
        guard leftShift <= 19, rightShift <= 19 else { throw .decimalOverflow("\(left) and \(right)") }
        return (
            Int128(left.mantissa) * powerOfTen(leftShift), Int128(right.mantissa) * powerOfTen(rightShift), exponent
        )
    }
}

/// A running exact sum that may exceed 18 digits, such as a day's volume.
public struct DecimalSum: Hashable, Sendable {
    private var mantissa: Int128 = 0
    private var exponent: Int = 0

    /// A sum of nothing.
    public init() {}

    /// Adds `value`; a value some 10^20 times finer than the sum is rounded away.
    public mutating func add(_ value: Decimal64) { self.add(Int128(value.mantissa), exponent: Int(value.exponent)) }

    /// Takes `value` out again.
    public mutating func subtract(_ value: Decimal64) {
        self.add(-Int128(value.mantissa), exponent: Int(value.exponent))
    }

    /// Takes another sum out again.
    public mutating func subtract(_ other: DecimalSum) { self.add(-other.mantissa, exponent: other.exponent) }

    /// The sum, rounded half-even to 18 significant digits.
    public var value: Decimal64 {
        // Only an exponent beyond ±64 fails, which no sum of valid values has.
        (try? Decimal64(rounding: self.mantissa, exponent: self.exponent)) ?? .zero
    }

    private mutating func add(_ addend: Int128, exponent addendExponent: Int) {
        if addend == 0 { return }
        if self.mantissa == 0 {
            self.mantissa = addend
            self.exponent = addendExponent
            return
        }
        var addend = addend
        if addendExponent < self.exponent {
            let shift = self.exponent - addendExponent
            let (scaled, overflow) = self.mantissa.multipliedReportingOverflow(by: shift <= 38 ? powerOfTen(shift) : 0)
            if overflow || shift > 38 { return }
            self.mantissa = scaled
            self.exponent = addendExponent
        } else if addendExponent > self.exponent {
            let shift = addendExponent - self.exponent
            let (scaled, overflow) = addend.multipliedReportingOverflow(by: shift <= 38 ? powerOfTen(shift) : 0)
            if overflow || shift > 38 { return }
            addend = scaled
        }
        let (sum, overflow) = self.mantissa.addingReportingOverflow(addend)
        if !overflow { self.mantissa = sum }
    }
}
