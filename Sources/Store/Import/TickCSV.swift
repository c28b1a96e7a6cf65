import Market

/// Makes ticks of CSV records; the first record names the columns.
struct TickCSV {
    /// What a column holds.
    enum Field: String, CaseIterable {
        case kind, symbol, venue, price, size, side, id, bid, ask, bidSize, askSize, last, eventTime, receivedTime
        case sequence, snapshot, flags

        /// Other headings for it; case, `_`, `-` and blanks do not count.
        var synonyms: [String] {
            switch self {
            case .kind: ["type"]
            case .symbol: ["product", "productid", "pair", "ticker"]
            case .venue: ["exchange"]
            case .size: ["amount", "quantity", "qty"]
            case .side: ["takerside"]
            case .id: ["tradeid", "tid"]
            case .bidSize: ["bidqty", "bidamount"]
            case .askSize: ["askqty", "askamount"]
            case .eventTime: ["time", "timestamp", "date", "datetime", "ts"]
            case .receivedTime: ["localtimestamp", "received"]
            case .sequence: ["seq", "venuesequence"]
            case .price, .bid, .ask, .last, .snapshot, .flags: []
            }
        }
    }

    /// Columns that are none of ours, for a note to the user.
    private(set) var ignored: [String] = []
    private var names: [String] = []
    private var places: [Field: Int] = [:]
    private let symbol: Symbol?
    private let venue: Venue?
    private let now: Timestamp
    private var lastSymbol: (bytes: [UInt8], symbol: Symbol)?
    private var lastVenue: (bytes: [UInt8], venue: Venue)?

    /// Begins with the record of headings.
    ///
    /// - Parameters:
    ///   - header: The first record.
    ///   - symbol: The symbol of all ticks, where no column says it.
    ///   - venue: The venue of all ticks, where no column says it.
    ///   - now: The receive time of ticks whose own is not in the file.
    /// - Throws: ``ImportError`` when a column is missing, twice there, or at odds with an option.
    init(_ header: CSVReader.Record, symbol: Symbol?, venue: Venue?, now: Timestamp) throws(ImportError) {
        self.symbol = symbol
        self.venue = venue
        self.now = now
        self.names = (0..<header.count).map(header.text)
        let separators: Set<Character> = ["_", "-", " "]
        for (place, name) in self.names.enumerated() {
            let plain = name.lowercased().filter { !separators.contains($0) }
            let field = Field.allCases.first { $0.rawValue.lowercased() == plain || $0.synonyms.contains(plain) }
            guard let field else {
                self.ignored.append(name)
                continue
            }
            if let other = self.places[field] {
                throw ImportError(
                    line: header.line, column: place + 1, name: nil,
                    value: "the columns '\(self.names[other])' and '\(name)' both are the \(field.rawValue)",
                    expected: "one of them only")
            }
            self.places[field] = place
        }
        func require(_ isThere: Bool, _ what: String, _ fix: String) throws(ImportError) {
            if !isThere {
                throw ImportError(
                    line: header.line, column: nil, name: nil,
                    value: "the heading '\(self.names.joined(separator: ","))' names no \(what)", expected: fix)
            }
        }
        try require(self.places[.eventTime] != nil, "time", "a column 'time'")
        try require(
            self.places[.price] != nil || self.places[.bid] != nil || self.places[.ask] != nil, "price",
            "a column 'price', or 'bid' and 'ask'")
        try require(self.places[.symbol] != nil || symbol != nil, "symbol", "a column 'symbol', or the option --symbol")
        try require(self.places[.venue] != nil || venue != nil, "venue", "a column 'venue', or the option --venue")
        for (field, option) in [(Field.symbol, symbol != nil), (.venue, venue != nil)] {
            if let place = self.places[field], option {
                throw ImportError(
                    line: header.line, column: place + 1, name: nil, value: "there is a column '\(self.names[place])'",
                    expected: "no option --\(field.rawValue) with it")
            }
        }
    }

    /// A tick of a record.
    mutating func tick(_ record: CSVReader.Record) throws(ImportError) -> Tick {
        guard record.count == self.names.count else {
            throw ImportError(
                line: record.line, column: nil, name: nil, value: "\(record.count) fields",
                expected: "\(self.names.count), as many as the first line names")
        }
        let symbol = try self.symbol(record)
        let venue = try self.venue(record)
        var flags = try self.flags(record)
        guard let eventTime = try self.time(.eventTime, record) else {
            throw self.error(.eventTime, record, Self.timeExpected)
        }
        let receivedTime = try self.time(.receivedTime, record) ?? self.now
        let sequence = try self.sequence(record)
        func number(_ field: Field) throws(ImportError) -> Decimal64? {
            guard let bytes = self.bytes(field, record) else { return nil }
            guard let parsed = Decimal64.parse(bytes) else {
                throw self.error(field, record, "a number such as 64250.12")
            }
            if parsed.isRounded { flags.insert(.rounded) }
            return parsed.value
        }
        func size(_ field: Field) throws(ImportError) -> Decimal64? {
            let value = try number(field)
            if value?.isNegative == true { throw self.error(field, record, "a size that is not below zero") }
            return value
        }
        if try self.isTrade(record) {
            guard let price = try number(.price) else { throw self.error(.price, record, "a price") }
            let amount = try size(.size)
            return .trade(
                Trade(
                    symbol: symbol, venue: venue, price: price, size: amount, side: try self.side(record),
                    id: try self.id(record), eventTime: eventTime, receivedTime: receivedTime, venueSequence: sequence,
                    flags: flags))
        }
        let (bid, ask) = (try number(.bid), try number(.ask))
        let (bidSize, askSize) = (try size(.bidSize), try size(.askSize))
        let last = try number(.last)
        return .quote(
            Quote(
                symbol: symbol, venue: venue, bid: bid, ask: ask, bidSize: bidSize, askSize: askSize, last: last,
                eventTime: eventTime, receivedTime: receivedTime, venueSequence: sequence, flags: flags))
    }

    // MARK: Fields

    private static let timeExpected =
        "an RFC 3339 time with its zone, or seconds, milliseconds, microseconds or nanoseconds since 1970"

    /// The bytes of a field; `nil` where it is empty or not in the file.
    private func bytes(_ field: Field, _ record: CSVReader.Record) -> UnsafeRawBufferPointer? {
        guard let place = self.places[field] else { return nil }
        let bytes = record[place]
        return bytes.isEmpty ? nil : bytes
    }

    private func text(_ field: Field, _ record: CSVReader.Record) -> String? {
        self.bytes(field, record).map { String(decoding: $0, as: UTF8.self) }
    }

    private func error(_ field: Field, _ record: CSVReader.Record, _ expected: String) -> ImportError {
        let place = self.places[field]
        return ImportError(
            line: record.line, column: place.map { $0 + 1 }, name: place.map { self.names[$0] } ?? field.rawValue,
            value: place.map(record.text) ?? "", expected: expected)
    }

    private func isTrade(_ record: CSVReader.Record) throws(ImportError) -> Bool {
        guard let kind = self.text(.kind, record) else {
            return self.bytes(.price, record) != nil || self.places[.bid] == nil && self.places[.ask] == nil
        }
        switch kind {
        case "trade": return true
        case "quote": return false
        default: throw self.error(.kind, record, "trade or quote")
        }
    }

    private mutating func symbol(_ record: CSVReader.Record) throws(ImportError) -> Symbol {
        // Without a column there is an option: the heading was checked for it.
        if self.places[.symbol] == nil, let symbol = self.symbol { return symbol }
        let bytes = self.bytes(.symbol, record)
        if let last = self.lastSymbol, let bytes, bytes.elementsEqual(last.bytes) { return last.symbol }
        guard let bytes, let symbol = Symbol(utf8: bytes) else {
            throw self.error(.symbol, record, "a symbol such as BTC-USD: 1 to 24 of A-Z, 0-9, '-' and '.'")
        }
        self.lastSymbol = (Array(bytes), symbol)
        return symbol
    }

    private mutating func venue(_ record: CSVReader.Record) throws(ImportError) -> Venue {
        if self.places[.venue] == nil, let venue = self.venue { return venue }
        let bytes = self.bytes(.venue, record)
        if let last = self.lastVenue, let bytes, bytes.elementsEqual(last.bytes) { return last.venue }
        guard let bytes, let venue = try? Venue(String(decoding: bytes, as: UTF8.self)) else {
            throw self.error(.venue, record, "a venue such as coinbase: 1 to 24 of a-z, 0-9, '-' and '_'")
        }
        self.lastVenue = (Array(bytes), venue)
        return venue
    }

    private func side(_ record: CSVReader.Record) throws(ImportError) -> Side {
        switch self.text(.side, record)?.lowercased() {
        case "buy", "b": return .buy
        case "sell", "s": return .sell
        case nil, "unknown", "u": return .unknown
        default: throw self.error(.side, record, "buy, sell or unknown")
        }
    }

    private func id(_ record: CSVReader.Record) throws(ImportError) -> String? {
        guard let bytes = self.bytes(.id, record) else { return nil }
        guard let id = String(validating: bytes, as: UTF8.self), !id.utf8.contains(0) else {
            throw self.error(.id, record, "UTF-8 text")
        }
        return id
    }

    private func sequence(_ record: CSVReader.Record) throws(ImportError) -> Int64? {
        guard let text = self.text(.sequence, record) else { return nil }
        guard let sequence = Int64(text) else { throw self.error(.sequence, record, "a whole number") }
        return sequence
    }

    /// What the file says about a tick; one that does not say it was brought in afterwards.
    private func flags(_ record: CSVReader.Record) throws(ImportError) -> TickFlags {
        var flags: TickFlags = self.places[.flags] == nil ? .backfilled : []
        for name in self.text(.flags, record)?.split(separator: " ") ?? [] {
            guard let flag = TickFlags(name: String(name)) else {
                throw self.error(
                    .flags, record, "names of \(TickFlags.allNames.joined(separator: ", ")) with blanks between")
            }
            flags.insert(flag)
        }
        switch self.text(.snapshot, record)?.lowercased() {
        case "true", "1": flags.insert(.snapshot)
        case nil, "false", "0": break
        default: throw self.error(.snapshot, record, "true or false")
        }
        return flags
    }

    private func time(_ field: Field, _ record: CSVReader.Record) throws(ImportError) -> Timestamp? {
        guard let bytes = self.bytes(field, record) else { return nil }
        if let time = Timestamp(iso8601: bytes) { return time }
        // Nanoseconds have nineteen digits: more than a decimal keeps.
        if let whole = Int64(String(decoding: bytes, as: UTF8.self)), whole >= 1_000_000_000_000_000_000 {
            return Timestamp(nanoseconds: whole)
        }
        guard let number = Decimal64.parse(bytes)?.value, !number.isNegative, let time = Self.time(unix: number) else {
            throw self.error(field, record, Self.timeExpected)
        }
        return time
    }

    /// Seconds up to the year 5138, then milliseconds, microseconds and nanoseconds: each a thousand times as large.
    private static func time(unix number: Decimal64) -> Timestamp? {
        guard let limit = try? Decimal64(100_000_000_000) else { return nil }
        var limitOfUnit = limit
        var exponent = 9
        while exponent > 0, number >= limitOfUnit {
            guard let thousandfold = try? limitOfUnit.multiplied(by: Decimal64(1_000)) else { return nil }
            limitOfUnit = thousandfold
            exponent -= 3
        }
        var nanoseconds = Int128(number.mantissa)
        let shift = Int(number.exponent) + exponent
        guard (-30...18).contains(shift) else { return nil }
        for _ in 0..<abs(shift) { nanoseconds = shift > 0 ? nanoseconds * 10 : nanoseconds / 10 }
        return Int64(exactly: nanoseconds).map { Timestamp(nanoseconds: $0) }
    }
}
