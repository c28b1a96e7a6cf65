import Market
import Store

/// Candlesticks in a terminal: a column a candle, a price axis, a row of volume, a time axis.
struct CandleChart {
    /// Room for the axis to the right.
    private static let axisWidth = 14
    /// How many candles fit.
    static var columns: Int { max(10, Terminal.columns - axisWidth) }

    private let candles: [RecordedCandle]
    private let query: CandleQuery
    private let zone: ZoneArgument
    private let height: Int
    private let hasColor: Bool

    init(
        _ candles: [RecordedCandle], _ query: CandleQuery, zone: ZoneArgument, lines: Int = Terminal.lines,
        hasColor: Bool = Terminal.hasColor
    ) {
        self.candles = candles
        self.query = query
        self.zone = zone
        self.height = max(8, min(30, lines - 6))
        self.hasColor = hasColor
    }

    /// The picture; empty without candles.
    var lines: [String] {
        guard let first = self.candles.first, let last = self.candles.last else { return [] }
        var summary = CandleSummary()
        summary.add(self.candles)
        let scale = PriceScale(self.candles, steps: self.height * 2)
        var lines = ["\(self.query.symbol) \(self.query.interval)\(self.query.venue.map { " \($0)" } ?? "")"]
        for row in 0..<self.height {
            // Every fourth row names its price.
            let label = row % 4 == 0 || row == self.height - 1 ? scale.label(step: (self.height - row) * 2 - 1) : ""
            lines.append(self.candles.map { self.cell($0, row, scale) }.joined() + " " + label)
        }
        lines.append(self.volumeRow + " volume")
        lines.append(self.timeAxis(first, last))
        if let text = summary.text(width: 0) { lines.append(text.trimmingPrefix("\n").description) }
        return lines.map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// One character: body and wick in halves of a row.
    private func cell(_ candle: RecordedCandle, _ row: Int, _ scale: PriceScale) -> String {
        let upper = (self.height - row) * 2 - 1
        let lower = upper - 1
        let top = max(scale.step(candle.open), scale.step(candle.close))
        let bottom = min(scale.step(candle.open), scale.step(candle.close))
        let (high, low) = (scale.step(candle.high), scale.step(candle.low))
        func isBody(_ step: Int) -> Bool { (bottom...top).contains(step) }
        func isWick(_ step: Int) -> Bool { (low...high).contains(step) }
        let character =
            switch (isBody(upper), isBody(lower), isWick(upper), isWick(lower)) {
            case (true, true, _, _): self.isUp(candle) || self.hasColor ? "█" : "▒"
            case (true, false, _, true): "█"
            case (false, true, true, _): "█"
            case (true, false, _, false): "▀"
            case (false, true, false, _): "▄"
            case (false, false, true, true): "│"
            case (false, false, true, false): "╵"
            case (false, false, false, true): "╷"
            case (false, false, false, false): " "
            }
        return character == " " ? character : self.colored(character, candle)
    }

    private func isUp(_ candle: RecordedCandle) -> Bool { candle.close >= candle.open }

    private func colored(_ text: String, _ candle: RecordedCandle) -> String {
        guard self.hasColor else { return text }
        let color = candle.hasGap ? "33" : self.isUp(candle) ? "32" : "31"
        return "\u{1B}[\(color)m\(text)\u{1B}[0m"
    }

    private var volumeRow: String {
        let volumes = self.candles.map { DecimalText.double($0.volume) }
        let high = max(volumes.max() ?? 0, .leastNormalMagnitude)
        let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        return zip(self.candles, volumes).map { candle, volume in
            self.colored(String(levels[min(7, Int(volume / high * 8))]), candle)
        }.joined()
    }

    /// Times of some candles below their columns, with the date where it is new.
    private func timeAxis(_ first: RecordedCandle, _ last: RecordedCandle) -> String {
        var clock = ClockText(self.zone)
        var line = ""
        var date = ""
        for (column, candle) in self.candles.enumerated() where column >= line.count {
            let text = clock.plain(candle.start)
            let isNewDate = text.prefix(10) != date
            let label =
                self.query.interval.seconds >= 86_400 || isNewDate && self.query.interval.seconds >= 60
                ? String(text.prefix(self.query.interval.seconds >= 86_400 ? 10 : 16))
                : String(text.dropFirst(11).prefix(self.query.interval.seconds < 60 ? 8 : 5))
            if column > 0, column + label.count > self.candles.count { break }
            date = String(text.prefix(10))
            line += String(repeating: " ", count: column - line.count) + label + "  "
        }
        return line + (self.zone.isUTC ? "UTC" : self.zone.name)
    }
}
