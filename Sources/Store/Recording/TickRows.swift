import Market

/// Ticks as rows of binary COPY, in the column order of migration 0001.
enum TickRows {
    /// Lengths and values of all columns of a trade but its id, with its place.
    private static let tradeBytes = 11 * 4 + 4 + 8 + 8 + 8 + 4 + 2 + 2 + 1 + 2 * BinaryCopy.numericBytesMax
    private static let quoteBytes = 11 * 4 + 8 + 8 + 8 + 4 + 2 + 2 + 5 * BinaryCopy.numericBytesMax

    /// The rows of the ticks at `rows` of a batch; `withPlace` adds each one's place in the batch as an `integer`.
    static func encode(_ trades: TickColumn<Trade>, rows: ArraySlice<Int>, withPlace: Bool = false) -> [UInt8] {
        var copy = BinaryCopy(capacity: rows.count * 120)
        for row in rows {
            let trade = trades.ticks[row]
            copy.beginRow(columns: withPlace ? 11 : 10, bytes: Self.tradeBytes + (trade.id?.utf8.count ?? 0))
            copy.append(trade.eventTime)
            copy.append(trade.receivedTime)
            copy.append(trade.venueSequence)
            copy.append(trades.symbolIDs[row])
            copy.append(trades.venueIDs[row])
            copy.append(Int16(bitPattern: trade.flags.rawValue))
            copy.append(character: trade.side.stored)
            copy.append(trade.price)
            copy.append(trade.size)
            copy.append(trade.id)
            if withPlace { copy.append(Int32(truncatingIfNeeded: row)) }
        }
        return copy.finish()
    }

    /// The rows of the ticks at `rows` of a batch.
    static func encode(_ quotes: TickColumn<Quote>, rows: ArraySlice<Int>) -> [UInt8] {
        var copy = BinaryCopy(capacity: rows.count * 128)
        for row in rows {
            let quote = quotes.ticks[row]
            copy.beginRow(columns: 11, bytes: Self.quoteBytes)
            copy.append(quote.eventTime)
            copy.append(quote.receivedTime)
            copy.append(quote.venueSequence)
            copy.append(quotes.symbolIDs[row])
            copy.append(quotes.venueIDs[row])
            copy.append(Int16(bitPattern: quote.flags.rawValue))
            copy.append(quote.bid)
            copy.append(quote.ask)
            copy.append(quote.bidSize)
            copy.append(quote.askSize)
            copy.append(quote.last)
        }
        return copy.finish()
    }
}

extension Tick {
    /// The tick as one JSON object, for `quarantined_ticks`.
    var quarantineText: String {
        var json: [UInt8] = []
        func member(_ name: StaticString, _ text: String?) {
            guard let text else { return }
            json.append(literal: json.isEmpty ? "{\"" : ",\"")
            json.append(literal: name)
            json.append(literal: "\":")
            json.appendJSONString(text)
        }
        switch self {
        case .trade(let trade):
            member("kind", "trade")
            member("price", trade.price.description)
            member("size", trade.size?.description)
            member("side", trade.side.name)
            member("id", trade.id)
            member("venueSequence", trade.venueSequence.map { String($0) })
            member("flags", String(trade.flags.rawValue))
        case .quote(let quote):
            member("kind", "quote")
            member("bid", quote.bid?.description)
            member("ask", quote.ask?.description)
            member("bidSize", quote.bidSize?.description)
            member("askSize", quote.askSize?.description)
            member("last", quote.last?.description)
            member("venueSequence", quote.venueSequence.map { String($0) })
            member("flags", String(quote.flags.rawValue))
        }
        member("symbol", self.symbol.name)
        member("venue", self.venue.name)
        member("eventTime", self.eventTime.description)
        member("receivedTime", self.receivedTime.description)
        json.append(UInt8(ascii: "}"))
        return String(decoding: json, as: UTF8.self)
    }
}
