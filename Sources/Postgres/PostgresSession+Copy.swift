import CPQ

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension PostgresSession {
    /// Runs `COPY … FROM STDIN` with all of `data`.
    ///
    /// - Parameters:
    ///   - sql: The COPY statement.
    ///   - data: What COPY shall read, in the format the statement names.
    /// - Returns: The number of rows copied.
    /// - Throws: ``PostgresError``; then no row was copied.
    @discardableResult
    public func copyIn(_ sql: String, _ data: [UInt8]) throws(PostgresError) -> Int {
        try self.beginCopyIn(sql)
        try self.putCopyData(data)
        return try self.endCopyIn()
    }

    /// Starts `COPY … FROM STDIN`: follow with ``putCopyData(_:)`` and ``endCopyIn(failure:)``.
    func beginCopyIn(_ sql: String) throws(PostgresError) {
        try self.checkUsable()
        guard PQsendQuery(self.handle, sql) == 1 else { throw self.lost() }
        try self.flush()
        guard let first = try self.nextResult() else { throw self.lost() }
        if PQresultStatus(first.result) == PGRES_COPY_IN { return }
        // Not a COPY, or refused: read to the end so that the connection stays usable.
        let failure = PQresultStatus(first.result) == PGRES_FATAL_ERROR ? self.failure(first) : nil
        while try self.nextResult() != nil {}
        throw failure
            ?? .refused(PostgresServerError(sqlState: "42601", message: "expected a COPY … FROM STDIN statement"))
    }

    /// Sends data of the COPY under way, in pieces that let server and client work at the same time.
    func putCopyData(_ data: [UInt8]) throws(PostgresError) {
        let pieceLength = 65_536
        var offset = 0
        while offset < data.count {
            let length = min(pieceLength, data.count - offset)
            let status = data.withUnsafeBytes { bytes in
                PQputCopyData(
                    self.handle, bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self),
                    Int32(length)
                )
            }
            switch status {
            case 1:
                offset += length
                // Nothing piles up here: the next piece goes only when this one is with the kernel.
                try self.flush()
            case 0:
                if try self.wait(for: Int16(POLLIN | POLLOUT)) & Int16(POLLIN) != 0 {
                    guard PQconsumeInput(self.handle) == 1 else { throw self.lost() }
                }
            default: throw self.lost()
            }
        }
    }

    /// Ends the COPY under way.
    ///
    /// - Parameter failure: When given, the server forgets all rows of the COPY and reports this as its error.
    /// - Returns: The number of rows copied.
    /// - Throws: ``PostgresError``; then no row was copied.
    @discardableResult
    func endCopyIn(failure: String? = nil) throws(PostgresError) -> Int {
        while true {
            switch PQputCopyEnd(self.handle, failure) {
            case 1: return try self.results().affectedRows
            case 0: try self.wait(for: Int16(POLLOUT))
            default: throw self.lost()
            }
        }
    }
}
