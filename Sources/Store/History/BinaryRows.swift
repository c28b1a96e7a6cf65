import Postgres

/// Reads PostgreSQL's binary COPY format out of pieces of whole rows.
///
/// Source: PostgreSQL manual, COPY, "Binary Format".
struct BinaryRows {
    private static let headerLength = 19
    private var hasHeader = false

    /// Calls `row` with each row of `piece`; it must read all columns.
    mutating func read(
        _ piece: [UInt8], _ row: (inout BinaryRow) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        let result: Result<Bool, PostgresError> = piece.withUnsafeBytes { bytes in
            do throws(PostgresError) {
                try Self.read(bytes, from: self.hasHeader ? 0 : Self.headerLength, row)
                return .success(true)
            } catch {
                return .failure(error)
            }
        }
        self.hasHeader = try result.get()
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer, from start: Int, _ row: (inout BinaryRow) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        var offset = start
        while offset + 2 <= bytes.count {
            // −1 ends the data.
            if bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self) == -1 { return }
            var columns = BinaryRow(bytes, offset: offset + 2)
            try row(&columns)
            offset = columns.offset
        }
    }
}
