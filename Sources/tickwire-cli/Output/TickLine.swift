import Market

/// A tick as a line of JSON or CSV: what `feeds replay` and `history --interval tick` print.
enum TickLine {
    static let csvHeader =
        "kind,symbol,venue,price,size,side,id,bid,ask,bidSize,askSize,last,eventTime,receivedTime,sequence,snapshot"

    /// Appends one JSON object without a line end.
    ///
    /// Fields without a value are left out.
    ///
    /// - Parameters:
    ///   - tick: The tick.
    ///   - venueSymbol: The venue's own spelling, where it is known.
    ///   - bytes: Grows by the object.
    static func writeJSON(_ tick: Tick, venueSymbol: String?, to bytes: inout [UInt8]) {
        bytes.append(literal: "{\"kind\":\"")
        bytes.append(contentsOf: (self.isTrade(tick) ? "trade\"" : "quote\"").utf8)
        self.append(tick.symbol.name, key: "symbol", to: &bytes)
        self.append(tick.venue.name, key: "venue", to: &bytes)
        if let venueSymbol { self.append(venueSymbol, key: "venueSymbol", to: &bytes) }
        let sequence: Int64?
        let flags: TickFlags
        switch tick {
        case .trade(let trade):
            self.append(trade.price.description, key: "price", to: &bytes)
            self.append(trade.size?.description, key: "size", to: &bytes)
            self.append(trade.side.name, key: "side", to: &bytes)
            self.append(trade.id, key: "id", to: &bytes)
            sequence = trade.venueSequence
            flags = trade.flags
        case .quote(let quote):
            self.append(quote.bid?.description, key: "bid", to: &bytes)
            self.append(quote.ask?.description, key: "ask", to: &bytes)
            self.append(quote.bidSize?.description, key: "bidSize", to: &bytes)
            self.append(quote.askSize?.description, key: "askSize", to: &bytes)
            self.append(quote.last?.description, key: "last", to: &bytes)
            sequence = quote.venueSequence
            flags = quote.flags
        }
        // Without a time of the venue's own, the receive time is all there is: better no event time than a false one.
        if flags.isDisjoint(with: [.noEventTime, .implausibleTime]) {
            self.append(tick.eventTime.description, key: "eventTime", to: &bytes)
        }
        self.append(tick.receivedTime.description, key: "receivedTime", to: &bytes)
        if let sequence {
            bytes.append(literal: ",\"sequence\":")
            bytes.append(integer: sequence)
        }
        bytes.append(contentsOf: (flags.contains(.snapshot) ? ",\"snapshot\":true}" : ",\"snapshot\":false}").utf8)
    }

    /// One CSV line (RFC 4180) without a line end.
    static func csv(_ tick: Tick) -> String {
        switch tick {
        case .trade(let trade):
            return [
                "trade", trade.symbol.name, trade.venue.name, trade.price.description, trade.size?.description ?? "",
                trade.side.name, self.escaped(trade.id ?? ""), "", "", "", "", "", trade.eventTime.description,
                trade.receivedTime.description, trade.venueSequence.map(String.init) ?? "",
                String(trade.flags.contains(.snapshot)),
            ].joined(separator: ",")
        case .quote(let quote):
            return [
                "quote", quote.symbol.name, quote.venue.name, "", "", "", "", quote.bid?.description ?? "",
                quote.ask?.description ?? "", quote.bidSize?.description ?? "", quote.askSize?.description ?? "",
                quote.last?.description ?? "", quote.eventTime.description, quote.receivedTime.description,
                quote.venueSequence.map(String.init) ?? "", String(quote.flags.contains(.snapshot)),
            ].joined(separator: ",")
        }
    }

    private static func isTrade(_ tick: Tick) -> Bool {
        if case .trade = tick { true } else { false }
    }

    private static func append(_ value: String?, key: String, to bytes: inout [UInt8]) {
        guard let value else { return }
        bytes.append(UInt8(ascii: ","))
        bytes.appendJSONString(key)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendJSONString(value)
    }

    private static func escaped(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
