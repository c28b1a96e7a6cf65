import Market
import Store

/// Candles as a table, with a line below that sums it up.
struct CandleTable {
    /// Rows that are measured and printed together.
    private static let blockSize = 2_000
    private var candles: [RecordedCandle] = []
    private var widths: [Int] = []
    private var clock: ClockText
    private var hasHeader = false
    private var summary = CandleSummary()

    init(zone: ZoneArgument) { self.clock = ClockText(zone) }

    var isEmpty: Bool { self.summary.first == nil }

    /// Takes candles in; prints when there are enough.
    mutating func add(_ candles: [RecordedCandle]) {
        self.candles += candles
        self.summary.add(candles)
        if self.candles.count >= Self.blockSize { self.flush() }
    }

    /// Prints the rest and the line below.
    mutating func finish() {
        self.flush()
        if let text = self.summary.text(width: min(60, Terminal.columns - 1)) { Terminal.print("\n" + text) }
    }

    /// Prints what has come so far.
    mutating func flush() {
        if self.candles.isEmpty { return }
        var table = Table(Self.columns(self.clock.zone))
        for candle in self.candles { table.add(self.cells(candle)) }
        let lines = table.lines(atLeast: self.widths)
        self.widths = table.widths(atLeast: self.widths)
        var text = (self.hasHeader ? lines.dropFirst() : lines[...]).joined(separator: "\n")
        text += "\n"
        Terminal.write(text)
        self.hasHeader = true
        self.candles = []
    }

    /// One candle as a line that fits below the ones printed.
    mutating func line(_ candle: RecordedCandle) -> String {
        var table = Table(Self.columns(self.clock.zone))
        table.add(self.cells(candle))
        self.widths = table.widths(atLeast: self.widths)
        return table.lines(atLeast: self.widths)[1]
    }

    private static func columns(_ zone: ZoneArgument) -> [(title: String, alignment: Table.Alignment)] {
        [
            ("START (\(zone.name))", .left), ("OPEN", .right), ("HIGH", .right), ("LOW", .right), ("CLOSE", .right),
            ("CHANGE %", .right), ("VWAP", .right), ("VOLUME", .right), ("TRADES", .right), ("", .left),
        ]
    }

    private mutating func cells(_ candle: RecordedCandle) -> [String] {
        let prices = [candle.open, candle.high, candle.low, candle.close]
        let decimals = (prices.map(DecimalText.decimals).max() ?? 0) + 1
        let vwap = candle.vwap.map { DecimalText.rounded($0, decimals: decimals).description } ?? "-"
        return [self.clock.plain(candle.start)] + prices.map(\.description) + [
            candle.percentChange.map(DecimalText.percent) ?? "-", vwap, candle.volume.description,
            String(candle.tradeCount), candle.hasGap ? "gap" : "",
        ]
    }
}
