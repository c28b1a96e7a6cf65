import Market
import Store

/// What many candles come to, in one line with a sparkline.
struct CandleSummary {
    /// Closes are thinned out beyond this: a line holds no more.
    private static let closesMax = 4_096
    private(set) var first: RecordedCandle?
    private var last: RecordedCandle?
    private var high: Decimal64 = .zero
    private var low: Decimal64 = .zero
    private var volume = WideDecimal.zero
    private var trades: Int64 = 0
    private var gaps = 0
    private var closes: [Double] = []
    private var stride = 1
    private var count = 0

    mutating func add(_ candles: [RecordedCandle]) {
        for candle in candles {
            self.high = self.first == nil ? candle.high : max(self.high, candle.high)
            self.low = self.first == nil ? candle.low : min(self.low, candle.low)
            if self.first == nil { self.first = candle }
            self.last = candle
            self.volume += candle.volume
            self.trades += candle.tradeCount
            if candle.hasGap { self.gaps += 1 }
            self.count += 1
            if self.count % self.stride == 0 { self.closes.append(DecimalText.double(candle.close)) }
            if self.closes.count > Self.closesMax {
                self.closes = self.closes.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
                self.stride *= 2
            }
        }
    }

    /// The line; `nil` without candles.
    func text(width: Int) -> String? {
        guard let first, let last else { return nil }
        let change = RecordedCandle(
            start: first.start, open: first.open, high: self.high, low: self.low, close: last.close, volume: .zero,
            turnover: .zero, tradeCount: 0, hasGap: false
        ).percentChange
        let gaps = self.gaps == 0 ? "" : ", \(self.gaps) with a gap"
        return """
            \(Sparkline.text(self.closes, width: width))
            \(first.open) to \(last.close) (\(change.map(DecimalText.percent) ?? "-") %), low \(self.low), high \(self.high), \
            volume \(self.volume), \(DecimalText.grouped(self.trades)) trades in \(self.count) candles\(gaps)
            """
    }
}
