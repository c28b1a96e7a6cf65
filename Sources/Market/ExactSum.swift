/// A sum of decimals and of products of decimals that is never rounded, however long it gets.
///
/// While it fits 38 digits it is one wide integer and a power of ten; what does not fit is kept beside it in more of them.
public struct ExactSum: Sendable {
    /// `mantissa` × 10^`exponent`.
    private struct Part {
        var mantissa: Int128
        var exponent: Int
    }

    private var mantissa: Int128 = 0
    private var exponent = 0
    /// Empty but for numbers of absurd length.
    private var spilled: [Part] = []

    /// A sum of nothing.
    public init() {}

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
        for part in other.spilled { self.add(part.mantissa, exponent: part.exponent) }
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
        let addend = Part(mantissa: addend, exponent: addendExponent)
        if let sum = Self.sum(Part(mantissa: self.mantissa, exponent: self.exponent), addend) {
            self.mantissa = sum.mantissa
            self.exponent = sum.exponent
            return
        }
        for index in self.spilled.indices {
            if let sum = Self.sum(self.spilled[index], addend) {
                self.spilled[index] = sum
                return
            }
        }
        self.spilled.append(addend)
    }

    /// The sum at the smaller of the two exponents; `nil` when it does not fit.
    private static func sum(_ left: Part, _ right: Part) -> Part? {
        if left.mantissa == 0 { return right }
        let (coarse, fine) = left.exponent > right.exponent ? (left, right) : (right, left)
        let shift = coarse.exponent - fine.exponent
        guard shift <= 38 else { return nil }
        let (scaled, isTooLong) = coarse.mantissa.multipliedReportingOverflow(by: powerOfTen(shift))
        let (sum, isTooLarge) = scaled.addingReportingOverflow(fine.mantissa)
        return isTooLong || isTooLarge ? nil : Part(mantissa: sum, exponent: fine.exponent)
    }
}

extension ExactSum {
    /// The digits in groups of four that meet at the decimal point, as PostgreSQL keeps a `numeric`.
    public struct Groups: Sendable, Hashable {
        /// Whether the value is below zero.
        public var isNegative: Bool
        /// 0…9999 each, the highest first, without zeros at either end; empty for zero.
        public var digits: [Int16]
        /// The first group's power of 10 000.
        public var weight: Int
        /// Decimal places that were added up: none is lost.
        public var scale: Int
    }

    /// The digits of the sum.
    public var groups: Groups {
        let parts = [Part(mantissa: self.mantissa, exponent: self.exponent)] + self.spilled
        let used = parts.filter { $0.mantissa != 0 }
        guard let lowest = used.map(\.exponent).min(), let highest = used.map(\.exponent).max() else {
            return Groups(isNegative: false, digits: [], weight: 0, scale: 0)
        }
        // The lowest first. A part has ten groups and one more when it is shifted; carries need one beyond.
        let base = lowest >> 2
        var places = [Int64](repeating: 0, count: (highest >> 2) - base + 13)
        for part in used {
            var place = (part.exponent >> 2) - base
            var rest = part.mantissa.magnitude
            let sign: Int64 = part.mantissa < 0 ? -1 : 1
            let shift = part.exponent & 3
            if shift != 0 {
                // The lowest group takes only 4 − shift digits and is filled up with zeros.
                let (taken, factor): (UInt128, Int64) =
                    switch shift {
                    case 1: (1000, 10)
                    case 2: (100, 100)
                    default: (10, 1000)
                    }
                places[place] += sign * Int64(rest % taken) * factor
                rest /= taken
                place += 1
            }
            while rest != 0 {
                places[place] += sign * Int64(rest % 10_000)
                rest /= 10_000
                place += 1
            }
        }
        var isNegative = false
        if Self.carry(&places) < 0 {
            isNegative = true
            for place in places.indices { places[place] = -places[place] }
            // The borrow that is left over stands for −10 000 ^ count: taken off, the digits are those of the magnitude.
            _ = Self.carry(&places)
        }
        let top = places.lastIndex { $0 != 0 } ?? -1
        let bottom = places.firstIndex { $0 != 0 } ?? 0
        guard top >= 0 else { return Groups(isNegative: false, digits: [], weight: 0, scale: max(0, -lowest)) }
        return Groups(
            isNegative: isNegative, digits: places[bottom...top].reversed().map { Int16($0) }, weight: base + top,
            scale: max(0, -lowest)
        )
    }

    /// Brings all places to 0…9999, and returns what is left over at the top: below zero for a negative value.
    private static func carry(_ places: inout [Int64]) -> Int64 {
        var carry: Int64 = 0
        for place in places.indices {
            let value = places[place] + carry
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10_000)
            places[place] = remainder < 0 ? remainder + 10_000 : remainder
            carry = remainder < 0 ? quotient - 1 : quotient
        }
        return carry
    }
}

extension ExactSum: CustomStringConvertible {
    /// All digits, without an exponent and without zeros at the end of the fraction.
    public var description: String {
        let groups = self.groups
        func digits(at place: Int) -> String {
            let index = groups.weight - place
            let text = groups.digits.indices.contains(index) ? String(groups.digits[index]) : "0"
            return String(repeating: "0", count: 4 - text.utf8.count) + text
        }
        let lowest = groups.weight - groups.digits.count + 1
        let whole = (0...max(groups.weight, 0)).reversed().map(digits).joined().drop { $0 == "0" }
        var text = (groups.isNegative ? "-" : "") + (whole.isEmpty ? "0" : whole)
        if lowest < 0, !groups.digits.isEmpty {
            var fraction = (lowest...(-1)).reversed().map(digits).joined()
            while fraction.last == "0" { fraction.removeLast() }
            text += "." + fraction
        }
        return text
    }
}
