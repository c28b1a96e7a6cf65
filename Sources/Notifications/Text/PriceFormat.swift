public import Alerts
public import Market

/// How prices are written in a message: with so many decimals, in the manner of a locale.
public struct PriceFormat: Hashable, Sendable {
    /// How many decimals the symbol's prices have, as far as was seen; `nil` writes each price with its own.
    public let decimals: Int?
    /// Marks and groups; `nil` writes `1234.5` without groups.
    public let style: NumberStyle?

    /// Makes a format.
    ///
    /// - Parameters:
    ///   - decimals: The decimals of the symbol's tick size, 0…18; what is beyond is clamped.
    ///   - locale: `de-CH` and its like, see ``NumberStyle/init(locale:)``; `nil` writes plain digits.
    public init(decimals: Int? = nil, locale: String? = nil) {
        self.decimals = decimals.map { min(max($0, 0), 18) }
        self.style = locale.map { NumberStyle(locale: $0) }
    }

    private init(decimals: Int?, style: NumberStyle?) {
        self.decimals = decimals
        self.style = style
    }

    /// The same with the decimals of `prices`, when it has a locale and knows no decimals.
    func fitting(_ prices: [Decimal64]) -> PriceFormat {
        guard self.decimals == nil, self.style != nil else { return self }
        return PriceFormat(decimals: prices.map { max(0, -Int($0.exponent)) }.max(), style: self.style)
    }

    /// Writes a price, with more decimals when `threshold` could not be told from it otherwise.
    public func text(_ price: Decimal64, against threshold: Decimal64? = nil) -> String {
        guard let decimals else { return self.written(price.description) }
        let own = max(0, -Int(price.exponent))
        var count = min(decimals, own)
        var rounded = Self.rounded(price, count)
        if let threshold {
            while count < own, price != threshold, rounded == threshold || (rounded > threshold) != (price > threshold)
            {
                count += 1
                rounded = Self.rounded(price, count)
            }
        }
        return self.written(Self.padded(rounded.description, max(count, decimals)))
    }

    /// Writes a threshold: as many decimals as it has, no more.
    public func text(threshold: Decimal64) -> String { self.written(threshold.description) }

    /// Writes what was measured or compared with: an absolute amount as a price, a percentage or a multiple shortly.
    public func text(_ amount: AlertAmount) -> String {
        switch amount {
        case .absolute(let value): self.text(value)
        case .percent(let value): self.written(Self.short(value)) + (self.style?.percent ?? "%")
        case .multiple(let value): self.written(Self.short(value)) + "x"
        }
    }

    /// Writes a percentage with its sign: `+5.2%`.
    public func signed(percent: Decimal64) -> String {
        (percent.isNegative || percent.isZero ? "" : "+") + self.text(.percent(percent))
    }

    /// Writes a number with two decimals at most, or as many as show that it is not zero.
    public func short(_ value: Decimal64) -> String { self.written(Self.short(value)) }

    private func written(_ plain: String) -> String { self.style?.written(plain) ?? plain }

    private static func short(_ value: Decimal64) -> String {
        var decimals = 2
        while decimals < 18, !value.isZero, self.rounded(value, decimals).isZero { decimals += 1 }
        return self.rounded(value, decimals).description
    }

    /// Half-even at so many decimals.
    private static func rounded(_ value: Decimal64, _ decimals: Int) -> Decimal64 {
        guard Int(value.exponent) < -decimals, let one = try? Decimal64(1) else { return value }
        // A quotient by one is never longer than its dividend.
        return (try? value.divided(by: one, decimals: min(18, decimals))) ?? value
    }

    private static func padded(_ text: String, _ decimals: Int) -> String {
        guard decimals > 0 else { return text }
        let parts = text.split(separator: ".", maxSplits: 1)
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        return parts[0] + "." + fraction + String(repeating: "0", count: max(0, decimals - fraction.count))
    }
}
