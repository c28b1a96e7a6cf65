import Market
import Store

/// Where prices lie on an axis of so many steps.
///
/// For drawing only: prices that are told are never taken from it.
struct PriceScale {
    let low: Double
    let high: Double
    private let steps: Int
    private let decimals: Int

    init(_ candles: [RecordedCandle], steps: Int) {
        let low = candles.map(\.low).min() ?? .zero
        let high = candles.map(\.high).max() ?? .zero
        self.steps = steps
        // A market that stands still is drawn in the middle.
        let margin = low == high ? max(abs(DecimalText.double(low)) * 0.001, 1e-12) : 0
        self.low = DecimalText.double(low) - margin
        self.high = DecimalText.double(high) + margin
        let step = (self.high - self.low) / Double(steps)
        var decimals = 0
        var unit = 1.0
        while unit > step, decimals < 12 {
            unit /= 10
            decimals += 1
        }
        self.decimals = decimals
    }

    /// The step that a price lies in, 0 at the bottom.
    func step(_ price: Decimal64) -> Int {
        let part = (DecimalText.double(price) - self.low) / (self.high - self.low)
        return min(self.steps - 1, max(0, Int(part * Double(self.steps))))
    }

    /// The price in the middle of a step.
    func label(step: Int) -> String {
        self.text(self.low + (Double(step) + 0.5) / Double(self.steps) * (self.high - self.low))
    }

    /// A price of the axis, as finely as the axis tells prices apart.
    func text(_ price: Double) -> String { DecimalText.fixed(price, decimals: self.decimals) }
}
