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

    // MARK: Out

    /// Starts `COPY … TO STDOUT`: follow with ``readCopyData(bytes:)`` until it gives `nil`.
    func beginCopyOut(_ sql: String) throws(PostgresError) {
        try self.checkUsable()
        guard PQsendQuery(self.handle, sql) == 1 else { throw self.lost() }
        try self.flush()
        guard let first = try self.nextResult() else { throw self.lost() }
        if PQresultStatus(first.result) == PGRES_COPY_OUT { return }
        if PQresultStatus(first.result) == PGRES_COPY_IN { PQputCopyEnd(self.handle, "unexpected COPY") }
        // Not a COPY, or refused: read to the end so that the connection stays usable.
        let failure = PQresultStatus(first.result) == PGRES_FATAL_ERROR ? self.failure(first) : nil
        while try self.nextResult() != nil {}
        throw failure
            ?? .refused(PostgresServerError(sqlState: "42601", message: "expected a COPY … TO STDOUT statement"))
    }

    /// Reads whole rows of the COPY under way.
    ///
    /// - Parameter bytes: About so many at most; fewer when the server pauses, so that the first rows come quickly.
    /// - Returns: The rows as the server sent them; `nil` when the COPY has ended.
    /// - Throws: ``PostgresError``; then the COPY is over.
    func readCopyData(bytes: Int) throws(PostgresError) -> [UInt8]? {
        var data: [UInt8] = []
        data.reserveCapacity(bytes + 4096)
        while true {
            var row: UnsafeMutablePointer<CChar>?
            let length = self.hasReadAllRows ? -1 : PQgetCopyData(self.handle, &row, 1)
            if let row {
                data.append(
                    contentsOf: UnsafeRawBufferPointer(start: row, count: Int(max(0, length))))
                PQfreemem(row)
                if data.count >= bytes { return data }
                continue
            }
            switch length {
            case 0:
                if data.isEmpty {
                    try self.receive()
                } else {
                    // One read of the socket holds many rows: only a pause of the server's ends the piece.
                    let deadline = ContinuousClock.now + .milliseconds(2)
                    try self.receive(until: deadline)
                    if ContinuousClock.now >= deadline { return data }
                }
            case -1:
                self.hasReadAllRows = !data.isEmpty
                if !data.isEmpty { return data }
                // The last result says whether the COPY went through.
                _ = try self.results()
                return nil
            default: throw self.lost()
            }
        }
    }

    /// Ends the COPY under way before its last row; the connection is usable afterwards.
    func breakOffCopyOut() throws(PostgresError) {
        guard self.isUsable, PQtransactionStatus(self.handle) == PQTRANS_ACTIVE else { return }
        self.cancelStatement()
        do throws(PostgresError) {
            while try self.readCopyData(bytes: 1 << 20) != nil {}
        } catch .cancelled {
            // As asked for.
        }
    }
}
