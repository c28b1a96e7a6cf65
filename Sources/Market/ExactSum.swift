/// A sum of decimals and of products of decimals that is never rounded, however long it gets.
///
/// While it fits 38 digits it is one wide integer and a power of ten; what does not fit goes into a number of any length beside it.
public struct ExactSum: Sendable {
    private var mantissa: Int128 = 0
    private var exponent = 0
    /// Zero but for numbers of absurd length.
    private var spilled = WideDecimal.zero
    /// The lowest power of ten that was added up, 0 at most.
    private var lowestExponent = 0

    /// A sum of nothing.
    public init() {}

    /// A sum that has come to `value`.
    public init(_ value: WideDecimal) {
        if let parsed = Decimal64.parse(value.description), !parsed.isRounded {
            self.add(parsed.value)
        } else {
            self.spilled = value
        }
    }

    /// Adds `value`.
    public mutating func add(_ value: Decimal64) { self.add(Int128(value.mantissa), exponent: Int(value.exponent)) }

    /// Adds `left` × `right`.
    public mutating func addProduct(_ left: Decimal64, _ right: Decimal64) {
        self.add(
            Int128(left.mantissa) * Int128(right.mantissa), exponent: Int(left.exponent) + Int(right.exponent)
        )
    }

    /// Adds another sum.
    public mutating func add(_ other: ExactSum) {
        self.add(other.mantissa, exponent: other.exponent)
        self.lowestExponent = min(self.lowestExponent, other.lowestExponent)
        if !other.spilled.isZero { self.spilled += other.spilled }
    }

    private mutating func add(_ addend: Int128, exponent addendExponent: Int) {
        if addend == 0 { return }
        if addendExponent == self.exponent {
            let (sum, overflow) = self.mantissa.addingReportingOverflow(addend)
            if !overflow {
                self.mantissa = sum
                return
            }
        }
        self.lowestExponent = min(self.lowestExponent, addendExponent)
        if self.mantissa == 0 {
            self.mantissa = addend
            self.exponent = addendExponent
            return
        }
        let isFiner = addendExponent < self.exponent
        let shift = abs(addendExponent - self.exponent)
        if shift <= 38 {
            let (scaled, isTooLong) = (isFiner ? self.mantissa : addend).multipliedReportingOverflow(
                by: powerOfTen(shift))
            let (sum, isTooLarge) = scaled.addingReportingOverflow(isFiner ? addend : self.mantissa)
            if !isTooLong, !isTooLarge {
                self.mantissa = sum
                self.exponent = min(self.exponent, addendExponent)
                return
            }
        }
        self.spilled += WideDecimal(mantissa: addend, exponent: addendExponent)
    }

    /// The sum as a number.
    public var total: WideDecimal {
        let sum = WideDecimal(mantissa: self.mantissa, exponent: self.exponent)
        return self.spilled.isZero ? sum : sum + self.spilled
    }
}

extension ExactSum {
    /// The digits in groups of four that meet at the decimal point, as PostgreSQL keeps a `numeric`.
    public struct Groups: Sendable, Hashable {
        /// Whether the value is below zero.
        public var isNegative: Bool
        /// 0…9999 each, the highest first, without zeros at either end; empty for zero.
        public var digits: [UInt16]
        /// The first group's power of 10 000.
        public var weight: Int
        /// Decimal places that were added up: none is lost.
        public var scale: Int
    }

    /// The digits of the sum.
    public var groups: Groups {
        let total = self.total
        return Groups(
            isNegative: total.isNegative, digits: total.groups, weight: total.weight, scale: -self.lowestExponent)
    }
}

extension ExactSum: CustomStringConvertible {
    /// All digits, without an exponent and without zeros at the end of the fraction.
    public var description: String { self.total.description }
}
