import CPQ

/// Owns a `PGresult` and clears it.
///
/// SAFETY: libpq never changes a result once it has been handed out, and this class neither, so any thread may read it.
final class ResultHandle: @unchecked Sendable {
    let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }

    deinit { PQclear(self.result) }
}

/// The answer to one statement: its rows, or how many rows it changed.
public struct PostgresRows: Sendable, RandomAccessCollection {
    private let handle: ResultHandle
    /// How many rows there are.
    public let count: Int

    init(_ handle: ResultHandle) {
        self.handle = handle
        self.count = Int(PQntuples(handle.result))
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { self.count }

    /// The row at `position`, from 0.
    public subscript(position: Int) -> PostgresRow {
        precondition(position >= 0 && position < self.count, "Row \(position) of \(self.count)")
        return PostgresRow(handle: self.handle, row: Int32(position))
    }

    /// How many rows an INSERT, UPDATE, DELETE, COPY or SELECT touched.
    public var affectedRows: Int { PQcmdTuples(self.handle.result).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// The names of the columns.
    public var columnNames: [String] {
        (0..<PQnfields(self.handle.result)).map { column in
            PQfname(self.handle.result, column).map { String(cString: $0) } ?? ""
        }
    }
}

/// One row.
///
/// Columns are counted from 0 in the order of the statement.
public struct PostgresRow: Sendable {
    private let handle: ResultHandle
    private let row: Int32

    init(handle: ResultHandle, row: Int32) {
        self.handle = handle
        self.row = row
    }

    /// Whether the column is NULL.
    public func isNull(_ column: Int) -> Bool {
        PQgetisnull(self.handle.result, self.row, self.checked(column)) == 1
    }

    /// The column's text; `nil` for NULL.
    public func optionalText(_ column: Int) -> String? {
        self.withBytes(column) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// The column's text.
    ///
    /// - Throws: ``PostgresError/unexpectedValue(column:value:expected:)`` for NULL.
    public func text(_ column: Int) throws(PostgresError) -> String {
        guard let text = self.optionalText(column) else { throw self.unexpected(column, "a value") }
        return text
    }

    /// The column as a whole number; `nil` for NULL.
    ///
    /// - Throws: ``PostgresError/unexpectedValue(column:value:expected:)`` when it is no whole number of 64 bits.
    public func optionalInteger(_ column: Int) throws(PostgresError) -> Int64? {
        guard let text = self.optionalText(column) else { return nil }
        guard let value = Int64(text) else { throw self.unexpected(column, "a whole number") }
        return value
    }

    /// The column as a whole number.
    ///
    /// - Throws: ``PostgresError/unexpectedValue(column:value:expected:)`` when it is NULL or no whole number of 64
    ///   bits.
    public func integer(_ column: Int) throws(PostgresError) -> Int64 {
        guard let value = try self.optionalInteger(column) else { throw self.unexpected(column, "a whole number") }
        return value
    }

    /// The column as a truth value.
    ///
    /// - Throws: ``PostgresError/unexpectedValue(column:value:expected:)`` when it is NULL or no boolean.
    public func boolean(_ column: Int) throws(PostgresError) -> Bool {
        switch self.optionalText(column) {
        case "t": return true
        case "f": return false
        default: throw self.unexpected(column, "a boolean")
        }
    }

    /// Calls `body` with the bytes the server sent for the column, `nil` for NULL; valid during the call only.
    public func withBytes<Result>(
        _ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> Result
    ) rethrows -> Result {
        let column = self.checked(column)
        guard PQgetisnull(self.handle.result, self.row, column) == 0,
            let value = PQgetvalue(self.handle.result, self.row, column)
        else { return try body(nil) }
        let length = Int(PQgetlength(self.handle.result, self.row, column))
        return try body(UnsafeRawBufferPointer(start: value, count: length))
    }

    /// The error that says the column is not what the program expects.
    public func unexpected(_ column: Int, _ expected: String) -> PostgresError {
        let name = PQfname(self.handle.result, self.checked(column)).map { String(cString: $0) } ?? "\(column)"
        return .unexpectedValue(column: name, value: self.optionalText(column) ?? "NULL", expected: expected)
    }

    private func checked(_ column: Int) -> Int32 {
        let count = PQnfields(self.handle.result)
        precondition(column >= 0 && column < Int(count), "Column \(column) of \(count)")
        return Int32(column)
    }
}
