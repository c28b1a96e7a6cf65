import Market
import Postgres

extension PostgresRow {
    /// The column as an exact number, rounded half-even beyond 18 digits; `nil` for NULL.
    func optionalDecimal(_ column: Int) throws(PostgresError) -> Decimal64? {
        let parsed: Decimal64?? = self.withBytes(column) { bytes in bytes.map { Decimal64.parse($0)?.value } }
        guard let parsed else { return nil }
        guard let value = parsed else { throw self.unexpected(column, "a number of at most 64 places") }
        return value
    }

    /// The column as an exact number, rounded half-even beyond 18 digits.
    func decimal(_ column: Int) throws(PostgresError) -> Decimal64 {
        guard let value = try self.optionalDecimal(column) else { throw self.unexpected(column, "a number") }
        return value
    }

    /// The column, a `timestamptz`, as an instant; `nil` for NULL.
    func optionalTimestamp(_ column: Int) throws(PostgresError) -> Timestamp? {
        let parsed: Timestamp?? = self.withBytes(column) { bytes in bytes.map { Timestamp(iso8601: $0) } }
        guard let parsed else { return nil }
        guard let value = parsed else { throw self.unexpected(column, "a time between 1678 and 2261") }
        return value
    }

    /// The column, a `timestamptz`, as an instant.
    func timestamp(_ column: Int) throws(PostgresError) -> Timestamp {
        guard let value = try self.optionalTimestamp(column) else { throw self.unexpected(column, "a time") }
        return value
    }

    /// The column as a symbol.
    func symbol(_ column: Int) throws(PostgresError) -> Symbol {
        let symbol = self.withBytes(column) { bytes in bytes.flatMap { Symbol(utf8: $0) } }
        guard let symbol else { throw self.unexpected(column, "a symbol") }
        return symbol
    }

    /// The column as a venue.
    func venue(_ column: Int) throws(PostgresError) -> Venue {
        let name = try self.text(column)
        do { return try Venue(name) } catch { throw self.unexpected(column, "a venue") }
    }

    /// The column, `b`, `s` or `u`, as a side.
    func side(_ column: Int) throws(PostgresError) -> Side {
        guard let side = Side(stored: self.optionalText(column)) else { throw self.unexpected(column, "b, s or u") }
        return side
    }

    /// The column as a tick's marks.
    func flags(_ column: Int) throws(PostgresError) -> TickFlags {
        TickFlags(rawValue: UInt16(truncatingIfNeeded: try self.integer(column)))
    }
}

extension Side {
    /// The letter in the database.
    var stored: UInt8 {
        switch self {
        case .buy: UInt8(ascii: "b")
        case .sell: UInt8(ascii: "s")
        case .unknown: UInt8(ascii: "u")
        }
    }

    /// `nil` unless `letter` is one of those in the database.
    init?(stored letter: UInt8) {
        switch letter {
        case UInt8(ascii: "b"): self = .buy
        case UInt8(ascii: "s"): self = .sell
        case UInt8(ascii: "u"): self = .unknown
        default: return nil
        }
    }

    /// `nil` unless `text` is one of the letters in the database.
    init?(stored text: String?) {
        switch text {
        case "b": self = .buy
        case "s": self = .sell
        case "u": self = .unknown
        default: return nil
        }
    }
}

extension PostgresParameter {
    /// An instant for a `timestamptz`.
    static func timestamp(_ time: Timestamp) -> PostgresParameter { .text(time.storedText) }
    /// An instant for a `timestamptz`, or NULL.
    static func timestamp(_ time: Timestamp?) -> PostgresParameter { .optional(time?.storedText) }
    /// A number for a `numeric`, or NULL.
    static func decimal(_ number: Decimal64?) -> PostgresParameter { .optional(number?.description) }
}

extension Timestamp {
    /// ISO 8601 with microseconds, rounded down as the binary COPY does it: one instant is one value however it is
    /// written.
    var storedText: String { Timestamp(microseconds: self.microseconds).description }
}
