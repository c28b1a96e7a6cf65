import Market
import Store

/// A candle as a line of JSON or CSV.
enum CandleLine {
    static let csvHeader = "start,open,high,low,close,volume,trades,vwap,turnover,percentChange,gap"

    /// Appends one CSV line without a line end; what cannot be computed is empty.
    static func writeCSV(_ candle: RecordedCandle, _ clock: inout ClockText, to bytes: inout [UInt8]) {
        let comma = UInt8(ascii: ",")
        clock.write(candle.start, to: &bytes)
        for price in [candle.open, candle.high, candle.low, candle.close] {
            bytes.append(comma)
            price.write(to: &bytes)
        }
        bytes.append(comma)
        candle.volume.write(to: &bytes)
        bytes.append(comma)
        bytes.append(integer: candle.tradeCount)
        bytes.append(comma)
        candle.vwap?.write(to: &bytes)
        bytes.append(comma)
        candle.turnover.write(to: &bytes)
        bytes.append(comma)
        candle.percentChange?.write(to: &bytes)
        bytes.append(contentsOf: (candle.hasGap ? ",true" : ",false").utf8)
    }

    /// Appends one JSON object without a line end; what cannot be computed is `null`.
    static func writeJSON(_ candle: RecordedCandle, _ clock: inout ClockText, to bytes: inout [UInt8]) {
        func number(_ key: StaticString, _ value: Decimal64?) {
            bytes.append(literal: key)
            guard let value else { return bytes.append(literal: "null") }
            bytes.append(UInt8(ascii: "\""))
            value.write(to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(literal: "{\"start\":\"")
        clock.write(candle.start, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        number(",\"open\":", candle.open)
        number(",\"high\":", candle.high)
        number(",\"low\":", candle.low)
        number(",\"close\":", candle.close)
        bytes.append(literal: ",\"volume\":\"")
        candle.volume.write(to: &bytes)
        bytes.append(literal: "\",\"trades\":")
        bytes.append(integer: candle.tradeCount)
        number(",\"vwap\":", candle.vwap)
        bytes.append(literal: ",\"turnover\":\"")
        candle.turnover.write(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        number(",\"percentChange\":", candle.percentChange)
        bytes.append(contentsOf: (candle.hasGap ? ",\"gap\":true}" : ",\"gap\":false}").utf8)
    }
}
