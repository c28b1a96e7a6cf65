/// An exact decimal number of any length, such as a year's turnover: what sums and products of ``Decimal64`` may grow to.
///
/// Held in groups of four decimal digits, as PostgreSQL's `numeric` is: value = Σ groups[i] × 10000^(weight − i).
/// Normalised, so that equal numbers are equal field by field.
public struct WideDecimal: Sendable, Hashable {
    /// The digits, four a group, the highest first; neither the first nor the last is zero.
    private(set) var groups: [UInt16]
    /// The power of 10 000 of the first group; 0 for the number zero.
    private(set) var weight: Int
    private(set) var isNegative: Bool

    /// The number zero.
    public static let zero = WideDecimal(groups: [], weight: 0, isNegative: false)

    /// Makes a number from groups of four decimal digits, the highest first, each below 10 000.
    ///
    /// - Parameters:
    ///   - groups: The digits; zeros at either end are taken away.
    ///   - weight: The power of 10 000 of the first group.
    ///   - isNegative: Whether the number is below zero.
    package init(groups: [UInt16], weight: Int, isNegative: Bool) {
        self.groups = groups
        self.weight = weight
        self.isNegative = isNegative
        self.normalise()
    }

    /// Makes the same number as `value`.
    public init(_ value: Decimal64) { self.init(mantissa: Int128(value.mantissa), exponent: Int(value.exponent)) }

    /// Makes `mantissa` × 10^`exponent`.
    init(mantissa: Int128, exponent: Int) {
        var rest = mantissa.magnitude
        var groups: [UInt16] = []
        let shift = exponent & 3
        if shift != 0 {
            // Groups meet at the decimal point: the lowest takes only 4 − shift digits and is filled up with zeros.
            let taken = UInt128(powerOfTen(4 - shift))
            groups.append(UInt16(rest % taken * UInt128(powerOfTen(shift))))
            rest /= taken
        }
        while rest != 0 {
            groups.append(UInt16(rest % 10_000))
            rest /= 10_000
        }
        self.init(
            groups: groups.reversed(), weight: (exponent >> 2) + groups.count - 1, isNegative: mantissa < 0)
    }

    /// Whether the number is zero.
    public var isZero: Bool { self.groups.isEmpty }

    /// The number as a ``Decimal64``, rounded half-even to 18 significant digits where it is longer.
    ///
    /// - Throws: ``MarketError/decimalOverflow(_:)`` when its exponent is beyond ±64.
    public func rounded() throws(MarketError) -> Decimal64 {
        let text = self.description
        guard let parsed = Decimal64.parse(text) else { throw .decimalOverflow(text) }
        return parsed.value
    }

    // MARK: Arithmetic

    /// The exact sum.
    public static func + (left: WideDecimal, right: WideDecimal) -> WideDecimal {
        if left.isZero { return right }
        if right.isZero { return left }
        let top = max(left.weight, right.weight)
        let bottom = min(left.lowest, right.lowest)
        func group(_ number: WideDecimal, _ place: Int) -> Int {
            let index = number.weight - place
            return number.groups.indices.contains(index) ? Int(number.groups[index]) : 0
        }
        // The larger magnitude first: a difference then never borrows beyond the top.
        let isSum = left.isNegative == right.isNegative
        let (first, second) = isSum || left.isMagnitudeAtLeast(right) ? (left, right) : (right, left)
        var groups = [UInt16](repeating: 0, count: top - bottom + 2)
        var carry = 0
        for place in bottom...top {
            var value = group(first, place) + (isSum ? group(second, place) : -group(second, place)) + carry
            carry = 0
            if value >= 10_000 {
                value -= 10_000
                carry = 1
            } else if value < 0 {
                value += 10_000
                carry = -1
            }
            groups[top + 1 - place] = UInt16(value)
        }
        groups[0] = UInt16(max(0, carry))
        return WideDecimal(groups: groups, weight: top + 1, isNegative: first.isNegative)
    }

    /// Adds to this number.
    public static func += (left: inout WideDecimal, right: WideDecimal) { left = left + right }

    /// The quotient rounded half-even to so many significant digits, by long division: exact whatever the lengths.
    ///
    /// - Parameters:
    ///   - divisor: What to divide by.
    ///   - significantDigits: 1…18.
    /// - Returns: `nil` for a division by zero, or when the quotient is beyond the range of ``Decimal64``. O(*n*) in the digits.
    public func divided(by divisor: WideDecimal, significantDigits: Int) -> Decimal64? {
        guard !divisor.isZero else { return nil }
        if self.isZero { return .zero }
        let (dividend, dividendExponent) = self.integer
        let (divider, divisorExponent) = divisor.integer
        var digits = LongDivision(dividend, by: divider)
        var exponent = dividendExponent - divisorExponent + digits.exponent
        // One digit more than wanted, then whether anything follows.
        var mantissa: Int64 = 0
        for _ in 0..<significantDigits { mantissa = mantissa * 10 + Int64(digits.next()) }
        exponent -= significantDigits - 1
        let following = digits.next()
        if following > 5 || (following == 5 && (digits.hasRest || mantissa % 2 == 1)) { mantissa += 1 }
        guard mantissa > 0 else { return .zero }
        return try? Decimal64(
            mantissa: self.isNegative == divisor.isNegative ? mantissa : -mantissa, exponent: exponent)
    }

    // MARK: Inside

    /// The power of 10 000 of the last group.
    private var lowest: Int { self.weight - self.groups.count + 1 }

    /// The digits as a whole number without zeros in front, and the power of ten to multiply it with.
    private var integer: (digits: [UInt8], exponent: Int) {
        var digits: [UInt8] = []
        digits.reserveCapacity(self.groups.count * 4)
        for group in self.groups {
            digits.append(UInt8(group / 1000))
            digits.append(UInt8(group / 100 % 10))
            digits.append(UInt8(group / 10 % 10))
            digits.append(UInt8(group % 10))
        }
        return (Array(digits.drop { $0 == 0 }), self.lowest * 4)
    }

    private func isMagnitudeAtLeast(_ other: WideDecimal) -> Bool {
        if self.weight != other.weight { return self.weight > other.weight }
        return !self.groups.lexicographicallyPrecedes(other.groups)
    }

    private mutating func normalise() {
        let zeros = self.groups.prefix { $0 == 0 }.count
        if zeros > 0 {
            self.groups.removeFirst(zeros)
            self.weight -= zeros
        }
        while self.groups.last == 0 { self.groups.removeLast() }
        if self.groups.isEmpty {
            self.weight = 0
            self.isNegative = false
        }
    }
}

extension WideDecimal: Comparable {
    /// Exact comparison.
    public static func < (left: WideDecimal, right: WideDecimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        if left == right { return false }
        if left.isZero || right.isZero { return left.isZero }
        return right.isMagnitudeAtLeast(left) != left.isNegative
    }
}

extension WideDecimal: LosslessStringConvertible {
    /// Reads plain decimal notation: an optional sign, digits, and a point with digits; `nil` for other text.
    public init?(_ text: String) {
        var digits = text.utf8[...]
        let sign = digits.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        var whole = parts.first.map(Array.init) ?? []
        var fraction = parts.count > 1 ? Array(parts[1]) : []
        guard !(whole.isEmpty && fraction.isEmpty), (whole + fraction).allSatisfy({ $0 &- UInt8(ascii: "0") < 10 })
        else {
            return nil
        }
        let zero = UInt8(ascii: "0")
        whole = [UInt8](repeating: zero, count: (4 - whole.count % 4) % 4) + whole
        fraction += [UInt8](repeating: zero, count: (4 - fraction.count % 4) % 4)
        let all = whole + fraction
        let groups = stride(from: 0, to: all.count, by: 4).map { start in
            all[start..<start + 4].reduce(UInt16(0)) { $0 * 10 + UInt16($1 - zero) }
        }
        self.init(groups: groups, weight: whole.count / 4 - 1, isNegative: sign == UInt8(ascii: "-"))
    }

    /// Plain decimal notation with the shortest digits of the same value.
    public var description: String {
        var bytes: [UInt8] = []
        self.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends plain decimal notation.
    public func write(to bytes: inout [UInt8]) {
        guard !self.isZero else {
            bytes.append(UInt8(ascii: "0"))
            return
        }
        if self.isNegative { bytes.append(UInt8(ascii: "-")) }
        let (digits, exponent) = self.integer
        let point = digits.count + exponent
        let zero = UInt8(ascii: "0")
        if point <= 0 { bytes.append(zero) }
        for index in 0..<max(0, point) { bytes.append(zero + (index < digits.count ? digits[index] : 0)) }
        let fraction = [UInt8](repeating: 0, count: max(0, -point)) + digits.dropFirst(max(0, point))
        guard let last = fraction.lastIndex(where: { $0 != 0 }) else { return }
        bytes.append(UInt8(ascii: "."))
        for digit in fraction[...last] { bytes.append(zero + digit) }
    }
}
