import Market

/// A tick as a line of JSON or CSV: what `feeds replay` and `history --interval tick` print.
enum TickLine {
    static let csvHeader =
        "kind,symbol,venue,price,size,side,id,bid,ask,bidSize,askSize,last,eventTime,receivedTime,sequence,snapshot,flags"

    /// Appends one JSON object without a line end.
    ///
    /// Fields without a value are left out.
    ///
    /// - Parameters:
    ///   - tick: The tick.
    ///   - venueSymbol: The venue's own spelling, where it is known.
    ///   - clock: Writes the times.
    ///   - bytes: Grows by the object.
    static func writeJSON(_ tick: Tick, venueSymbol: String?, _ clock: inout ClockText, to bytes: inout [UInt8]) {
        bytes.append(literal: "{\"kind\":\"")
        bytes.append(contentsOf: (self.isTrade(tick) ? "trade\"" : "quote\"").utf8)
        self.append(literal: ",\"symbol\":\"", to: &bytes) { tick.symbol.write(to: &$0) }
        self.append(literal: ",\"venue\":\"", to: &bytes) { tick.venue.write(to: &$0) }
        if let venueSymbol {
            bytes.append(literal: ",\"venueSymbol\":")
            bytes.appendJSONString(venueSymbol)
        }
        let sequence: Int64?
        let flags: TickFlags
        switch tick {
        case .trade(let trade):
            self.append(trade.price, ",\"price\":\"", to: &bytes)
            self.append(trade.size, ",\"size\":\"", to: &bytes)
            self.append(literal: ",\"side\":\"", to: &bytes) { $0.append(contentsOf: trade.side.name.utf8) }
            if let id = trade.id {
                bytes.append(literal: ",\"id\":")
                bytes.appendJSONString(id)
            }
            sequence = trade.venueSequence
            flags = trade.flags
        case .quote(let quote):
            self.append(quote.bid, ",\"bid\":\"", to: &bytes)
            self.append(quote.ask, ",\"ask\":\"", to: &bytes)
            self.append(quote.bidSize, ",\"bidSize\":\"", to: &bytes)
            self.append(quote.askSize, ",\"askSize\":\"", to: &bytes)
            self.append(quote.last, ",\"last\":\"", to: &bytes)
            sequence = quote.venueSequence
            flags = quote.flags
        }
        // Without a time of the venue's own, the receive time is all there is: better no event time than a false one.
        if flags.isDisjoint(with: [.noEventTime, .implausibleTime]) {
            self.append(literal: ",\"eventTime\":\"", to: &bytes) { clock.write(tick.eventTime, to: &$0) }
        }
        self.append(literal: ",\"receivedTime\":\"", to: &bytes) { clock.write(tick.receivedTime, to: &$0) }
        if let sequence {
            bytes.append(literal: ",\"sequence\":")
            bytes.append(integer: sequence)
        }
        bytes.append(contentsOf: (flags.contains(.snapshot) ? ",\"snapshot\":true" : ",\"snapshot\":false").utf8)
        let others = flags.subtracting(.snapshot)
        if !others.isEmpty {
            bytes.append(literal: ",\"flags\":[")
            for (index, name) in others.names.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSONString(name)
            }
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Appends one CSV line (RFC 4180) without a line end.
    ///
    /// - Parameters:
    ///   - tick: The tick.
    ///   - clock: Writes the times.
    ///   - bytes: Grows by the line.
    static func writeCSV(_ tick: Tick, _ clock: inout ClockText, to bytes: inout [UInt8]) {
        let comma = UInt8(ascii: ",")
        func number(_ value: Decimal64?) {
            value?.write(to: &bytes)
            bytes.append(comma)
        }
        bytes.append(contentsOf: (self.isTrade(tick) ? "trade," : "quote,").utf8)
        tick.symbol.write(to: &bytes)
        bytes.append(comma)
        tick.venue.write(to: &bytes)
        bytes.append(comma)
        let sequence: Int64?
        switch tick {
        case .trade(let trade):
            number(trade.price)
            number(trade.size)
            bytes.append(contentsOf: trade.side.name.utf8)
            bytes.append(comma)
            self.writeEscaped(trade.id ?? "", to: &bytes)
            bytes.append(literal: ",,,,,,")
            sequence = trade.venueSequence
        case .quote(let quote):
            bytes.append(literal: ",,,,")
            for value in [quote.bid, quote.ask, quote.bidSize, quote.askSize, quote.last] { number(value) }
            sequence = quote.venueSequence
        }
        clock.write(tick.eventTime, to: &bytes)
        bytes.append(comma)
        clock.write(tick.receivedTime, to: &bytes)
        bytes.append(comma)
        if let sequence { bytes.append(integer: sequence) }
        bytes.append(contentsOf: (tick.flags.contains(.snapshot) ? ",true," : ",false,").utf8)
        if tick.flags.rawValue != 0 { bytes.append(contentsOf: tick.flags.names.joined(separator: " ").utf8) }
    }

    private static func append(
        literal: StaticString, to bytes: inout [UInt8], _ value: (inout [UInt8]) -> Void
    ) {
        bytes.append(literal: literal)
        value(&bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(_ value: Decimal64?, _ literal: StaticString, to bytes: inout [UInt8]) {
        guard let value else { return }
        self.append(literal: literal, to: &bytes) { value.write(to: &$0) }
    }

    private static func isTrade(_ tick: Tick) -> Bool {
        if case .trade = tick { true } else { false }
    }

    private static func writeEscaped(_ text: String, to bytes: inout [UInt8]) {
        guard text.utf8.contains(where: { [UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D].contains($0) }) else {
            return bytes.append(contentsOf: text.utf8)
        }
        bytes.append(contentsOf: ("\"" + text.replacing("\"", with: "\"\"") + "\"").utf8)
    }
}
