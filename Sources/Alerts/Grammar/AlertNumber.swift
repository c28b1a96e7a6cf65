import Market

/// What people write for a number.
enum AlertNumber {
    private static let currencies: Set<Character> = ["$", "€", "£", "¥", "₿", "₹", "₩"]

    /// `write 70000` for `$70,000`, `70_000`, `70k`, `70.000,50`; `nil` when nothing can be guessed.
    static func hint(for text: String) -> String? {
        var plain = text.filter { !self.currencies.contains($0) && $0 != "_" && $0 != "'" && $0 != "’" }.lowercased()
        var scale = 0
        switch plain.last {
        case "k": scale = 3
        case "m": scale = 6
        default: break
        }
        if scale > 0 { plain.removeLast() }
        if let comma = plain.lastIndex(of: ",") {
            let groups = plain.split(separator: ",", omittingEmptySubsequences: false)
            let isGrouped = groups.dropFirst().allSatisfy { $0.prefix { $0 != "." }.count == 3 }
            if isGrouped, (1...3).contains(groups[0].count) {
                plain.removeAll { $0 == "," }
            } else if groups.count == 2 {
                let whole = plain[..<comma].filter { $0 != "." }
                plain = whole + "." + plain[plain.index(after: comma)...]
            }
        }
        guard plain.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Decimal64(plain),
            !number.isZero,
            let scaled = try? Decimal64(mantissa: number.mantissa, exponent: Int(number.exponent) + scale)
        else { return nil }
        return "write \(scaled)"
    }
}
