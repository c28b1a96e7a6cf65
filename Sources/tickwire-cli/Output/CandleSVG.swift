import Market
import Store

/// Candlesticks as one SVG document: axes, volume, gaps shaded, dark or light as the reader's system is.
struct CandleSVG {
    /// More would be thinner than a pixel.
    static let candlesMax = 1_000
    private static let width = 1_200.0
    private static let height = 640.0
    private static let left = 16.0
    private static let right = 96.0
    private static let top = 48.0
    private static let priceHeight = 430.0
    private static let volumeTop = 500.0
    private static let volumeHeight = 90.0

    private let candles: [RecordedCandle]
    private let query: CandleQuery
    private let title: String
    private let zone: ZoneArgument
    private let scale: PriceScale

    init(_ candles: [RecordedCandle], _ query: CandleQuery, title: String, zone: ZoneArgument) {
        self.candles = candles
        self.query = query
        self.title = title
        self.zone = zone
        self.scale = PriceScale(candles, steps: Int(Self.priceHeight))
    }

    /// The document.
    var text: String {
        var summary = CandleSummary()
        summary.add(self.candles)
        let subtitle = summary.text(width: 0)?.trimmingPrefix("\n").description ?? "No trades in this range."
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img">
            <title>\(Self.escaped(self.title))</title>
            <desc>\(Self.escaped(subtitle))</desc>
            <style>
            svg { background: #fff; font: 12px system-ui, sans-serif; }
            text { fill: #444; } .title { font-size: 16px; font-weight: 600; fill: #111; }
            .grid { stroke: #e4e4e4; } .up { fill: #1a8f4c; stroke: #1a8f4c; } .down { fill: #c8372d; stroke: #c8372d; }
            .volume { opacity: .45; stroke: none; } .gap { fill: #f2c94c; opacity: .3; }
            @media (prefers-color-scheme: dark) {
            svg { background: #14171a; } text { fill: #aab; } .title { fill: #eee; } .grid { stroke: #2a2f35; }
            .up { fill: #3ecf7a; stroke: #3ecf7a; } .down { fill: #ff6b5e; stroke: #ff6b5e; }
            }
            </style>
            <text class="title" x="\(Int(Self.left))" y="22">\(Self.escaped(self.title))</text>
            <text x="\(Int(Self.left))" y="40">\(Self.escaped(subtitle))</text>
            \((self.priceAxis + self.timeAxis + self.gaps + self.sticks).joined(separator: "\n"))
            </svg>

            """
    }

    private var columnWidth: Double { (Self.width - Self.left - Self.right) / Double(max(1, self.candles.count)) }

    private func x(_ index: Int) -> Double { Self.left + (Double(index) + 0.5) * self.columnWidth }

    private func y(_ price: Double) -> Double {
        Self.top + (1 - (price - self.scale.low) / (self.scale.high - self.scale.low)) * Self.priceHeight
    }

    private var priceAxis: [String] {
        if self.candles.isEmpty { return [] }
        return (0...6).flatMap { line in
            let price = self.scale.low + (self.scale.high - self.scale.low) * Double(line) / 6
            let y = Self.pixel(self.y(price))
            return [
                "<line class=\"grid\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - Self.right))\" y1=\"\(y)\" y2=\"\(y)\"/>",
                "<text x=\"\(Int(Self.width - Self.right + 8))\" y=\"\(y)\" dy=\".35em\">\(self.scale.text(price))</text>",
            ]
        }
    }

    private var timeAxis: [String] {
        var clock = ClockText(self.zone)
        let step = max(1, Int((130 / self.columnWidth).rounded(.up)))
        var lines = stride(from: 0, to: self.candles.count, by: step).map { index in
            let length = self.query.interval.seconds < 60 ? 19 : self.query.interval.seconds < 86_400 ? 16 : 10
            let text = clock.plain(self.candles[index].start).prefix(length)
            return
                "<text x=\"\(Self.pixel(self.x(index)))\" y=\"\(Int(Self.height - 24))\" text-anchor=\"\(index == 0 ? "start" : "middle")\">\(text)</text>"
        }
        lines.append(
            "<text x=\"\(Int(Self.width - 8))\" y=\"\(Int(Self.height - 24))\" text-anchor=\"end\">\(Self.escaped(self.zone.name))</text>"
        )
        return lines
    }

    private var gaps: [String] {
        self.candles.indices.filter { self.candles[$0].hasGap }.map { index in
            let x = Self.pixel(self.x(index) - self.columnWidth / 2)
            return """
                <rect class="gap" x="\(x)" y="\(Int(Self.top))" width="\(Self.pixel(self.columnWidth))" \
                height="\(Int(Self.volumeTop + Self.volumeHeight - Self.top))"><title>Trades are missing here</title></rect>
                """
        }
    }

    private var sticks: [String] {
        var clock = ClockText(self.zone)
        let volumes = self.candles.map { DecimalText.double($0.volume) }
        let most = max(volumes.max() ?? 0, .leastNormalMagnitude)
        let body = max(0.6, self.columnWidth * 0.7)
        return self.candles.indices.map { index in
            let candle = self.candles[index]
            let (open, close) = (self.y(DecimalText.double(candle.open)), self.y(DecimalText.double(candle.close)))
            let (x, style) = (self.x(index), candle.close >= candle.open ? "up" : "down")
            let volume = volumes[index] / most * Self.volumeHeight
            let (bodyX, bodyWidth) = (Self.pixel(x - body / 2), Self.pixel(body))
            return """
                <g class="\(style)"><title>\(clock.text(candle.start)) open \(candle.open) high \(candle.high) low \(candle.low) \
                close \(candle.close) volume \(candle.volume)</title>\
                <line x1="\(Self.pixel(x))" x2="\(Self.pixel(x))" y1="\(Self.pixel(self.y(DecimalText.double(candle.high))))" \
                y2="\(Self.pixel(self.y(DecimalText.double(candle.low))))"/>\
                <rect x="\(bodyX)" y="\(Self.pixel(min(open, close)))" width="\(bodyWidth)" \
                height="\(Self.pixel(max(0.8, abs(open - close))))"/>\
                <rect class="volume" x="\(bodyX)" y="\(Self.pixel(Self.volumeTop + Self.volumeHeight - volume))" \
                width="\(bodyWidth)" height="\(Self.pixel(volume))"/></g>
                """
        }
    }

    private static func pixel(_ value: Double) -> String { DecimalText.fixed(value, decimals: 2) }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
