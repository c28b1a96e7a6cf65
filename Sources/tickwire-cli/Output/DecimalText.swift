import Foundation
import Market

/// Numbers for people: rounded, grouped, and as floating point for drawing only.
enum DecimalText {
    /// `value` half-even at so many decimals, without zeros behind.
    static func rounded(_ value: Decimal64, decimals: Int) -> Decimal64 {
        guard Int(value.exponent) < -decimals, let one = try? Decimal64(1) else { return value }
        return (try? value.divided(by: one, decimals: min(18, decimals))) ?? value
    }

    /// `value` with a sign and exactly two decimals: `+1.20`.
    static func percent(_ value: Decimal64) -> String {
        let rounded = self.rounded(value, decimals: 2)
        var text = rounded.magnitude.description
        let decimals = text.split(separator: ".").dropFirst().first?.count ?? 0
        if decimals == 0 { text += "." }
        text += String(repeating: "0", count: 2 - decimals)
        return (rounded.isNegative ? "-" : rounded.isZero ? "" : "+") + text
    }

    /// For the place of a pixel, never for a price that is told.
    static func double(_ value: Decimal64) -> Double { Double(value.description) ?? 0 }

    /// For the height of a column.
    static func double(_ value: WideDecimal) -> Double { Double(value.description) ?? 0 }

    /// A number of a drawing.
    static func fixed(_ value: Double, decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

    /// A whole number in groups of three: `1 234 567`.
    static func grouped(_ number: Int64) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += " " }
            text.append(digit)
        }
        return text
    }

    /// How many decimals a price is written with.
    static func decimals(_ value: Decimal64) -> Int { max(0, -Int(value.exponent)) }
}
