import Market

/// Prints a stream of ticks in one of the formats, holding no more than a screen of them.
final class TickPrinter {
    private let format: HistoryCommand.Format
    private var count = 0
    private var hasHeader = false
    private var bytes: [UInt8] = []
    private var clock: ClockText

    init(format: HistoryCommand.Format, zone: ZoneArgument = .utc) {
        self.format = format
        self.clock = ClockText(zone)
    }

    func print(_ tick: Tick, venueSymbol: String?) {
        if !self.hasHeader { self.printHeader() }
        switch self.format {
        case .table: self.append(self.tableLine(tick) + "\n")
        case .csv:
            TickLine.writeCSV(tick, &self.clock, to: &self.bytes)
            self.bytes.append(UInt8(ascii: "\n"))
        case .json:
            self.append(self.count == 0 ? " " : ",\n ")
            TickLine.writeJSON(tick, venueSymbol: venueSymbol, &self.clock, to: &self.bytes)
        case .ndjson:
            TickLine.writeJSON(tick, venueSymbol: venueSymbol, &self.clock, to: &self.bytes)
            self.bytes.append(UInt8(ascii: "\n"))
        }
        self.count += 1
        if self.bytes.count > 1 << 16 { self.flush() }
    }

    /// Prints what comes before the first tick, and shows it.
    func start() {
        if !self.hasHeader { self.printHeader() }
        self.flush()
    }

    /// Ends the output.
    func finish() {
        if !self.hasHeader { self.printHeader() }
        if self.format == .json { self.append("\n]\n") }
        self.flush()
    }

    private func printHeader() {
        self.hasHeader = true
        switch self.format {
        case .table:
            self.append(
                Self.line("TIME (\(self.clock.zone.name))", "KIND", "VENUE", "PRICE", "SIZE", "SIDE", "BID", "ASK"))
            self.append("\n")
        case .csv: self.append(TickLine.csvHeader + "\n")
        case .json: self.append("[\n")
        case .ndjson: break
        }
    }

    private func tableLine(_ tick: Tick) -> String {
        let time = self.clock.plain(tick.eventTime, digits: 6)
        switch tick {
        case .trade(let trade):
            return Self.line(
                time, "trade", trade.venue.name, trade.price.description, trade.size?.description ?? "",
                trade.side.name, "", ""
            )
        case .quote(let quote):
            return Self.line(
                time, "quote", quote.venue.name, "", "", "", quote.bid?.description ?? "", quote.ask?.description ?? ""
            )
        }
    }

    /// Fixed widths, because a stream cannot be measured before it is printed.
    private static func line(
        _ time: String, _ kind: String, _ venue: String, _ price: String, _ size: String, _ side: String, _ bid: String,
        _ ask: String
    ) -> String {
        func left(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return [
            left(time, 26), left(kind, 5), left(venue, 10), right(price, 14), right(size, 14), left(side, 7),
            right(bid, 14), right(ask, 14),
        ].joined(separator: "  ")
    }

    private func append(_ text: String) { self.bytes.append(contentsOf: text.utf8) }

    /// Shows what was printed so far.
    func flush() {
        Terminal.write(self.bytes)
        self.bytes.removeAll(keepingCapacity: true)
    }
}
