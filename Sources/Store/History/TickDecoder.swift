import Market
import Postgres

/// Makes ticks of the rows of a ``TickSelection``.
struct TickDecoder: Sendable {
    let symbol: Symbol
    let venues: [Int16: Venue]
    let kind: TickQuery.Kind

    func tick(_ row: inout BinaryRow) throws(PostgresError) -> PlacedTick {
        let eventTime = try row.timestamp()
        let receivedTime = try row.timestamp()
        let sequence = try row.optionalInteger(Int64.self)
        let venueID = try row.integer(Int16.self)
        guard let venue = self.venues[venueID] else { throw BinaryRow.unexpected("\(venueID)", "the id of a venue") }
        var flags = TickFlags(rawValue: UInt16(bitPattern: try row.integer(Int16.self)))
        let table = try row.integer(UInt32.self)
        let place = try row.place()
        func number(_ parsed: Decimal64.Parsed?) -> Decimal64? {
            if parsed?.isRounded == true { flags.insert(.rounded) }
            return parsed?.value
        }
        let tick: Tick
        var tradeID: String?
        switch self.kind {
        case .trades:
            guard let side = Side(stored: try row.integer(UInt8.self)) else {
                throw BinaryRow.unexpected("another letter", "b, s or u")
            }
            tradeID = try row.optionalText()
            guard let price = number(try row.optionalDecimal()) else { throw BinaryRow.unexpected("NULL", "a price") }
            let size = number(try row.optionalDecimal())
            tick = .trade(
                Trade(
                    symbol: self.symbol, venue: venue, price: price, size: size, side: side, id: tradeID,
                    eventTime: eventTime, receivedTime: receivedTime, venueSequence: sequence, flags: flags))
        case .quotes:
            let bid = number(try row.optionalDecimal())
            let ask = number(try row.optionalDecimal())
            let bidSize = number(try row.optionalDecimal())
            let askSize = number(try row.optionalDecimal())
            let last = number(try row.optionalDecimal())
            tick = .quote(
                Quote(
                    symbol: self.symbol, venue: venue, bid: bid, ask: ask, bidSize: bidSize, askSize: askSize,
                    last: last, eventTime: eventTime, receivedTime: receivedTime, venueSequence: sequence, flags: flags)
            )
        }
        return PlacedTick(
            tick: tick,
            cursor: TickCursor(
                time: eventTime, sequence: sequence, tradeID: tradeID, receivedTime: receivedTime, venueID: venueID,
                kind: self.kind, table: table, place: place))
    }
}
