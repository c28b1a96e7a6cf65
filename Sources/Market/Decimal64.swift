/// An exact decimal number: `mantissa × 10^exponent`, with at most 18 significant digits.
///
/// Values are normalised (no trailing zeros in the mantissa, zero is `0 × 10^0`), so two equal numbers are equal field by
/// field and print alike. Nothing on the way of a price goes through a binary float.
public struct Decimal64: Hashable, Sendable {
    /// The significant digits with their sign, −10^18 < mantissa < 10^18, never divisible by ten unless zero.
    public let mantissa: Int64
    /// The power of ten, −64…64.
    public let exponent: Int8

    /// The number zero.
    public static let zero = Decimal64(normalisedMantissa: 0, exponent: 0)
    /// The first mantissa that does not fit: 10^18.
    static let mantissaLimit: Int64 = 1_000_000_000_000_000_000
    /// The exponents a value may have.
    static let exponentRange = -64...64

    /// Trusts its arguments: for callers that have normalised them already.
    @inline(__always)
    init(normalisedMantissa mantissa: Int64, exponent: Int8) {
        self.mantissa = mantissa
        self.exponent = exponent
    }

    /// Makes `mantissa × 10^exponent`.
    ///
    /// - Parameters:
    ///   - mantissa: Any integer; trailing zeros are moved into the exponent.
    ///   - exponent: The power of ten.
    /// - Throws: ``MarketError/decimalOverflow(_:)`` when more than 18 significant digits or an exponent beyond ±64 result.
    public init(mantissa: Int64, exponent: Int) throws(MarketError) {
        self = try Decimal64(exactly: Int128(mantissa), exponent: exponent)
    }

    /// Takes back a value that was stored field by field; `nil` when the fields are none that a value has.
    package init?(storedMantissa mantissa: Int64, exponent: Int8) {
        guard mantissa > -Self.mantissaLimit, mantissa < Self.mantissaLimit,
            mantissa % 10 != 0 || (mantissa == 0 && exponent == 0), Self.exponentRange.contains(Int(exponent))
        else { return nil }
        self.init(normalisedMantissa: mantissa, exponent: exponent)
    }

    /// Makes the whole number `value`.
    ///
    /// - Throws: ``MarketError/decimalOverflow(_:)`` beyond 18 significant digits.
    public init(_ value: Int64) throws(MarketError) {
        self = try Decimal64(exactly: Int128(value), exponent: 0)
    }

    /// Normalises a wide product or sum, exactly or not at all.
    init(exactly wide: Int128, exponent: Int) throws(MarketError) {
        var mantissa = wide
        var exponent = exponent
        if mantissa == 0 {
            self = .zero
            return
        }
        while mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        guard mantissa.magnitude < UInt128(Self.mantissaLimit), Self.exponentRange.contains(exponent) else {
            throw .decimalOverflow("\(wide)e\(exponent)")
        }
        self.init(normalisedMantissa: Int64(mantissa), exponent: Int8(exponent))
    }

    /// Normalises a wide value, rounding half-even to 18 significant digits when it is longer.
    init(rounding wide: Int128, exponent: Int) throws(MarketError) {
        var magnitude = wide.magnitude
        var exponent = exponent
        var remainder: UInt128 = 0
        var divisor: UInt128 = 1
        while magnitude / divisor >= UInt128(Self.mantissaLimit) {
            divisor *= 10
            exponent += 1
        }
        if divisor > 1 {
            remainder = magnitude % divisor
            magnitude /= divisor
            let half = divisor / 2
            if remainder > half || (remainder == half && magnitude % 2 == 1) { magnitude += 1 }
        }
        self = try Decimal64(exactly: wide < 0 ? -Int128(magnitude) : Int128(magnitude), exponent: exponent)
    }

    /// Whether the value is below zero.
    public var isNegative: Bool { self.mantissa < 0 }
    /// Whether the value is zero.
    public var isZero: Bool { self.mantissa == 0 }
    /// The value with the other sign.
    @inline(__always) var negated: Decimal64 {
        Decimal64(normalisedMantissa: 0 &- self.mantissa, exponent: self.exponent)
    }
    /// The value without its sign.
    public var magnitude: Decimal64 { Decimal64(normalisedMantissa: abs(self.mantissa), exponent: self.exponent) }
}

extension Decimal64: Comparable {
    /// Exact comparison, whatever the exponents.
    @inline(__always)
    public static func < (left: Decimal64, right: Decimal64) -> Bool {
        if left.exponent == right.exponent { return left.mantissa < right.mantissa }
        return Self.isLess(left, right)
    }

    private static func isLess(_ left: Decimal64, _ right: Decimal64) -> Bool {
        let distance = Int(left.exponent) - Int(right.exponent)
        if distance >= -18, distance <= 18 {
            // Mostly both fit 64 bits at the smaller exponent.
            var power: Int64 = 1
            for _ in 0..<abs(distance) { power &*= 10 }
            let (scaled, overflow) = (distance > 0 ? left : right).mantissa.multipliedReportingOverflow(by: power)
            if !overflow { return distance > 0 ? scaled < right.mantissa : left.mantissa < scaled }
        }
        let leftSign = left.mantissa.signum()
        let rightSign = right.mantissa.signum()
        if leftSign != rightSign { return leftSign < rightSign }
        if leftSign == 0 { return false }
        let difference = Int(left.exponent) - Int(right.exponent)
        // 10^20 × 1 is larger than any mantissa, so the exponents decide.
        if abs(difference) > 19 { return (difference < 0) == (leftSign > 0) }
        if difference > 0 { return Int128(left.mantissa) * powerOfTen(difference) < Int128(right.mantissa) }
        return Int128(left.mantissa) < Int128(right.mantissa) * powerOfTen(-difference)
    }
}

/// 10^`exponent` for 0…38.
@inline(__always)
func powerOfTen(_ exponent: Int) -> Int128 {
    var result: Int128 = 1
    for _ in 0..<exponent { result *= 10 }
    return result
}
