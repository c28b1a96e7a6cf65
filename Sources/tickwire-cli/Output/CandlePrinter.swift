import Market
import Store

/// Prints candles in one of the formats as they come.
struct CandlePrinter {
    private let format: HistoryCommand.Format
    private var table: CandleTable
    private var clock: ClockText
    private var bytes: [UInt8] = []
    private(set) var count = 0

    init(format: HistoryCommand.Format, zone: ZoneArgument) {
        self.format = format
        self.table = CandleTable(zone: zone)
        self.clock = ClockText(zone)
        if format == .csv { self.bytes = Array((CandleLine.csvHeader + "\n").utf8) }
    }

    mutating func print(_ candles: [RecordedCandle]) {
        if self.format == .table {
            self.table.add(candles)
            self.count += candles.count
            return
        }
        for candle in candles {
            switch self.format {
            case .table: break
            case .csv: CandleLine.writeCSV(candle, &self.clock, to: &self.bytes)
            case .json:
                self.bytes.append(contentsOf: (self.count == 0 ? "[" : ",\n ").utf8)
                CandleLine.writeJSON(candle, &self.clock, to: &self.bytes)
            case .ndjson: CandleLine.writeJSON(candle, &self.clock, to: &self.bytes)
            }
            if self.format != .json { self.bytes.append(UInt8(ascii: "\n")) }
            self.count += 1
        }
        if self.bytes.count > 1 << 16 { self.flush() }
    }

    /// Shows what was printed so far.
    mutating func flush() {
        self.table.flush()
        if self.bytes.isEmpty { return }
        Terminal.write(self.bytes)
        self.bytes.removeAll(keepingCapacity: true)
    }

    /// Ends the output.
    mutating func finish() {
        if self.format == .json { self.bytes.append(contentsOf: (self.count == 0 ? "[]\n" : "]\n").utf8) }
        self.flush()
        if self.format == .table { self.table.finish() }
    }

    /// One candle as a line of the table.
    mutating func tableLine(_ candle: RecordedCandle) -> String { self.table.line(candle) }
}
