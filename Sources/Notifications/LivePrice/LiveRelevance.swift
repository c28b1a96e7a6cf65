public import Market

/// How an activity ranks among the app's: nearer to its user's threshold is more relevant.
public enum LiveRelevance {
    /// The `relevance-score`.
    ///
    /// - Parameters:
    ///   - price: The newest price.
    ///   - thresholds: Of the user's alerts on the symbol.
    /// - Returns: 100 at a threshold, 50 one percent from it, 25 three percent from it; `nil` without a threshold.
    public static func score(price: Decimal64, thresholds: [Decimal64]) -> Double? {
        guard let price = Self.double(price), price != 0 else { return nil }
        let percents = thresholds.compactMap(Self.double).map { abs($0 - price) / abs(price) * 100 }
        return percents.min().map { (1_000 / (1 + $0)).rounded() / 10 }
    }

    /// For ranking only: prices themselves are never made binary fractions.
    private static func double(_ value: Decimal64) -> Double? { Double(value.description) }
}
