import Market

/// Ticks as bytes, with nothing left out and nothing rounded.
///
/// The format is in docs/journal.md, section "Ticks".
enum TickCoder {
    /// Bytes of the smallest tick: a quote without any value.
    static let bytesMin = 24
    /// Bytes of a trade without its id, or of a quote, at most, and what ``ByteWriter/putText(_:)`` writes beyond it.
    private static let fixedBytesMax = 192

    /// What follows a tick's fixed fields, by its bit in the first byte.
    private enum Presence {
        static let size: UInt8 = 1 << 0
        static let id: UInt8 = 1 << 1
        static let bid: UInt8 = 1 << 0
        static let ask: UInt8 = 1 << 1
        static let bidSize: UInt8 = 1 << 2
        static let askSize: UInt8 = 1 << 3
        static let last: UInt8 = 1 << 4
        static let venueSequence: UInt8 = 1 << 5
        static let ofTrades = size | id | venueSequence
        static let ofQuotes = bid | ask | bidSize | askSize | last | venueSequence
    }

    // MARK: Encoding

    /// Appends a trade, whose id must be shorter than 4 GiB.
    static func append(_ trade: Trade, to bytes: inout [UInt8]) {
        var presence: UInt8 = 0
        if trade.size != nil { presence |= Presence.size }
        if trade.id != nil { presence |= Presence.id }
        if trade.venueSequence != nil { presence |= Presence.venueSequence }
        self.append(to: &bytes) { writer in
            writer.put(presence)
            writer.put(trade.side.rawValue)
            writer.put(trade.flags.rawValue)
            writer.put(trade.eventTime.nanoseconds)
            writer.put(trade.receivedTime.nanoseconds)
            writer.putText { trade.symbol.store(to: $0) }
            writer.putText { trade.venue.store(to: $0) }
            self.put(trade.price, &writer)
            self.put(trade.size, &writer)
            if let sequence = trade.venueSequence { writer.put(sequence) }
            if let id = trade.id { writer.put(UInt32(id.utf8.count)) }
        }
        if let id = trade.id { bytes.append(contentsOf: id.utf8) }
    }

    /// Appends a quote.
    static func append(_ quote: Quote, to bytes: inout [UInt8]) {
        var presence: UInt8 = 0
        if quote.bid != nil { presence |= Presence.bid }
        if quote.ask != nil { presence |= Presence.ask }
        if quote.bidSize != nil { presence |= Presence.bidSize }
        if quote.askSize != nil { presence |= Presence.askSize }
        if quote.last != nil { presence |= Presence.last }
        if quote.venueSequence != nil { presence |= Presence.venueSequence }
        self.append(to: &bytes) { writer in
            writer.put(presence)
            writer.put(UInt8(0))
            writer.put(quote.flags.rawValue)
            writer.put(quote.eventTime.nanoseconds)
            writer.put(quote.receivedTime.nanoseconds)
            writer.putText { quote.symbol.store(to: $0) }
            writer.putText { quote.venue.store(to: $0) }
            self.put(quote.bid, &writer)
            self.put(quote.ask, &writer)
            self.put(quote.bidSize, &writer)
            self.put(quote.askSize, &writer)
            self.put(quote.last, &writer)
            if let sequence = quote.venueSequence { writer.put(sequence) }
        }
    }

    /// Builds the fixed part in scratch memory, so that the array's room is looked at once a tick.
    @inline(__always)
    private static func append(to bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: Self.fixedBytesMax, alignment: 8) { scratch in
            guard let start = scratch.baseAddress else { return }
            var writer = ByteWriter(start)
            body(&writer)
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: writer.count))
        }
    }

    @inline(__always)
    private static func put(_ value: Decimal64?, _ writer: inout ByteWriter) {
        guard let value else { return }
        writer.put(value.mantissa)
        writer.put(value.exponent)
    }

    // MARK: Decoding

    /// Takes a trade; `nil` when the bytes are none.
    static func trade(_ reader: inout ByteReader) -> Trade? {
        guard let presence = reader.take(UInt8.self), presence & ~Presence.ofTrades == 0,
            let side = reader.take(UInt8.self).flatMap(Side.init(rawValue:)), let common = self.common(&reader),
            let price = self.decimal(&reader)
        else { return nil }
        var size: Decimal64?
        var sequence: Int64?
        var id: String?
        guard self.decimal(presence & Presence.size, &size, &reader),
            self.integer(presence & Presence.venueSequence, &sequence, &reader)
        else { return nil }
        if presence & Presence.id != 0 {
            guard let length = reader.take(UInt32.self), let bytes = reader.take(bytes: Int(length)),
                let text = String(validating: bytes, as: UTF8.self)
            else { return nil }
            id = text
        }
        return Trade(
            symbol: common.symbol, venue: common.venue, price: price, size: size, side: side, id: id,
            eventTime: common.eventTime, receivedTime: common.receivedTime, venueSequence: sequence, flags: common.flags
        )
    }

    /// Takes a quote; `nil` when the bytes are none.
    static func quote(_ reader: inout ByteReader) -> Quote? {
        guard let presence = reader.take(UInt8.self), presence & ~Presence.ofQuotes == 0,
            reader.take(UInt8.self) == 0, let common = self.common(&reader)
        else { return nil }
        var bid: Decimal64?
        var ask: Decimal64?
        var bidSize: Decimal64?
        var askSize: Decimal64?
        var last: Decimal64?
        var sequence: Int64?
        guard self.decimal(presence & Presence.bid, &bid, &reader),
            self.decimal(presence & Presence.ask, &ask, &reader),
            self.decimal(presence & Presence.bidSize, &bidSize, &reader),
            self.decimal(presence & Presence.askSize, &askSize, &reader),
            self.decimal(presence & Presence.last, &last, &reader),
            self.integer(presence & Presence.venueSequence, &sequence, &reader)
        else { return nil }
        return Quote(
            symbol: common.symbol, venue: common.venue, bid: bid, ask: ask, bidSize: bidSize, askSize: askSize,
            last: last, eventTime: common.eventTime, receivedTime: common.receivedTime, venueSequence: sequence,
            flags: common.flags
        )
    }

    private struct Common {
        let symbol: Symbol
        let venue: Venue
        let eventTime: Timestamp
        let receivedTime: Timestamp
        let flags: TickFlags
    }

    @inline(__always)
    private static func common(_ reader: inout ByteReader) -> Common? {
        guard let flags = reader.take(UInt16.self), let eventTime = reader.take(Int64.self),
            let receivedTime = reader.take(Int64.self), let symbolLength = reader.take(UInt8.self),
            let symbol = reader.take(bytes: Int(symbolLength)).flatMap({ Symbol(utf8: $0) }),
            let venueLength = reader.take(UInt8.self),
            let venue = reader.take(bytes: Int(venueLength)).flatMap({ Venue(utf8: $0) })
        else { return nil }
        return Common(
            symbol: symbol, venue: venue, eventTime: Timestamp(nanoseconds: eventTime),
            receivedTime: Timestamp(nanoseconds: receivedTime), flags: TickFlags(rawValue: flags)
        )
    }

    @inline(__always)
    private static func decimal(_ reader: inout ByteReader) -> Decimal64? {
        guard let mantissa = reader.take(Int64.self), let exponent = reader.take(Int8.self) else { return nil }
        return Decimal64(storedMantissa: mantissa, exponent: exponent)
    }

    /// Takes a value into `value` when `isPresent` is not zero; `false` when there is none where one should be.
    @inline(__always)
    private static func decimal(_ isPresent: UInt8, _ value: inout Decimal64?, _ reader: inout ByteReader) -> Bool {
        guard isPresent != 0 else { return true }
        value = self.decimal(&reader)
        return value != nil
    }

    @inline(__always)
    private static func integer(_ isPresent: UInt8, _ value: inout Int64?, _ reader: inout ByteReader) -> Bool {
        guard isPresent != 0 else { return true }
        value = reader.take(Int64.self)
        return value != nil
    }
}
