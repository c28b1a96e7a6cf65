import Market
import Postgres

/// A row of PostgreSQL's binary COPY format, read column by column in the order of the statement.
///
/// Valid only while ``BinaryRows/read(_:_:)`` calls its closure. Source: PostgreSQL manual, COPY, "Binary Format".
struct BinaryRow {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int

    /// A row that begins at `offset`, behind its count of columns.
    init(_ bytes: UnsafeRawBufferPointer, offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    /// A `timestamptz`: microseconds since 2000-01-01.
    mutating func timestamp() throws(PostgresError) -> Timestamp {
        let microseconds = try self.integer(Int64.self, "a time")
        // From 1678 to 2261, as everywhere in the program; infinities are beyond it.
        guard abs(microseconds) < 8_243_000_000_000_000 else { throw Self.unexpected("\(microseconds)", "a time") }
        return Timestamp(microseconds: microseconds + 946_684_800_000_000)
    }

    /// A whole number of the column's width.
    mutating func integer<Value: FixedWidthInteger>(
        _: Value.Type, _ what: String = "a whole number"
    ) throws(PostgresError) -> Value {
        guard let value = try self.optionalInteger(Value.self) else { throw Self.unexpected("NULL", what) }
        return value
    }

    /// A whole number of the column's width; `nil` for NULL.
    mutating func optionalInteger<Value: FixedWidthInteger>(_: Value.Type) throws(PostgresError) -> Value? {
        guard let field = try self.field() else { return nil }
        guard field.count == Value.bitWidth / 8 else {
            throw Self.unexpected("\(field.count) bytes", "a number of \(Value.bitWidth / 8) bytes")
        }
        return Value(bigEndian: field.loadUnaligned(as: Value.self))
    }

    /// A `numeric`; `nil` for NULL.
    ///
    /// The second part says whether it had more than 18 significant digits and was rounded half-even.
    mutating func optionalDecimal() throws(PostgresError) -> Decimal64.Parsed? {
        guard let numeric = try self.numeric() else { return nil }
        let parsed = Decimal64.parse(groups: numeric.groups, weight: numeric.weight, isNegative: numeric.isNegative)
        guard let parsed else { throw Self.unexpected("a numeric", "a number of at most 64 places") }
        return parsed
    }

    /// A `numeric`, rounded half-even beyond 18 digits.
    mutating func decimal() throws(PostgresError) -> Decimal64 {
        guard let value = try self.optionalDecimal() else { throw Self.unexpected("NULL", "a number") }
        return value.value
    }

    /// A `numeric` of any length.
    mutating func wideDecimal() throws(PostgresError) -> WideDecimal {
        guard let numeric = try self.numeric() else { throw Self.unexpected("NULL", "a number") }
        let groups = (0..<numeric.groups.count / 2).map { index in
            UInt16(bigEndian: numeric.groups.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
        }
        return WideDecimal(groups: groups, weight: numeric.weight, isNegative: numeric.isNegative)
    }

    /// A `text`; `nil` for NULL.
    mutating func optionalText() throws(PostgresError) -> String? {
        try self.field().map { String(decoding: $0, as: UTF8.self) }
    }

    /// A `tid`, the place of a row in its table: block and line in one number.
    mutating func place() throws(PostgresError) -> UInt64 {
        guard let field = try self.field(), field.count == 6 else { throw Self.unexpected("another type", "a ctid") }
        return UInt64(UInt32(bigEndian: field.loadUnaligned(as: UInt32.self))) << 16
            | UInt64(UInt16(bigEndian: field.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
    }

    /// Groups, weight, sign and scale, as `numeric_send` writes them.
    private mutating func numeric() throws(PostgresError) -> (
        groups: UnsafeRawBufferPointer, weight: Int, isNegative: Bool
    )? {
        guard let field = try self.field() else { return nil }
        guard field.count >= 8 else { throw Self.unexpected("\(field.count) bytes", "a numeric") }
        func word(_ index: Int) -> Int16 {
            Int16(bigEndian: field.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
        }
        // NaN and the infinities have other signs.
        guard word(2) == 0 || word(2) == 0x4000, Int(word(0)) * 2 + 8 == field.count else {
            throw Self.unexpected("NaN or an infinity", "a number")
        }
        return (UnsafeRawBufferPointer(rebasing: field[8...]), Int(word(1)), word(2) != 0)
    }

    /// The bytes of the next column; `nil` for NULL.
    private mutating func field() throws(PostgresError) -> UnsafeRawBufferPointer? {
        guard self.offset + 4 <= self.bytes.count else { throw Self.unexpected("its end", "another column") }
        let length = Int(Int32(bigEndian: self.bytes.loadUnaligned(fromByteOffset: self.offset, as: Int32.self)))
        self.offset += 4
        if length < 0 { return nil }
        guard self.offset + length <= self.bytes.count else { throw Self.unexpected("its end", "\(length) bytes") }
        defer { self.offset += length }
        return UnsafeRawBufferPointer(rebasing: self.bytes[self.offset..<self.offset + length])
    }

    static func unexpected(_ value: String, _ expected: String) -> PostgresError {
        .unexpectedValue(column: "of a binary COPY", value: value, expected: expected)
    }
}
