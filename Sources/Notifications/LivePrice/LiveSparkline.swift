public import Market

/// The recent course of a price for the small chart of an activity: a point a minute, 24 at most, in memory.
public struct LiveSparkline: Hashable, Sendable {
    private static let spacing = Duration.seconds(60)
    private var prices: [Decimal64] = []
    private var lastAt: Timestamp?

    /// Makes an empty course.
    public init() {}

    /// Takes the price at `now`; within a minute of the last point the newest price takes its place.
    public mutating func take(_ price: Decimal64, now: Timestamp) {
        if let lastAt, now < lastAt.advanced(by: Self.spacing), !self.prices.isEmpty {
            self.prices[self.prices.count - 1] = price
            return
        }
        self.lastAt = now
        self.prices.append(price)
        if self.prices.count > PushContent.sparklinePointsMax { self.prices.removeFirst() }
    }

    /// The points, 0 for the lowest and 100 for the highest; none before there are two, all 50 when they are equal.
    public var points: [Int] {
        guard self.prices.count > 1, let low = self.prices.min(), let high = self.prices.max() else { return [] }
        guard let span = try? high.subtracting(low), !span.isZero else { return self.prices.map { _ in 50 } }
        return self.prices.map { price in
            guard let part = try? price.subtracting(low).divided(by: span, decimals: 2),
                let percent = try? part.multiplied(by: Decimal64(100))
            else { return 50 }
            return Int(percent.description) ?? 50
        }
    }
}
