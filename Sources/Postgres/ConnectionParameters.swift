import CPQ

/// The keywords and values that libpq gets: the user's own, completed by ours where the user says nothing.
struct ConnectionParameters {
    private(set) var values: [(keyword: String, value: String)] = []

    /// Reads the connection string.
    ///
    /// - Throws: ``PostgresError/malformedConnectionString``; libpq's own message is withheld, because it quotes the
    ///   string.
    init(_ settings: PostgresSettings) throws(PostgresError) {
        var given: Set<String> = []
        if !settings.connectionString.isEmpty {
            var message: UnsafeMutablePointer<CChar>?
            let options = PQconninfoParse(settings.connectionString, &message)
            if let message { PQfreemem(message) }
            guard let options else { throw .malformedConnectionString }
            defer { PQconninfoFree(options) }
            var option = options
            while let keyword = option.pointee.keyword {
                if let value = option.pointee.val {
                    given.insert(String(cString: keyword))
                    self.values.append((String(cString: keyword), String(cString: value)))
                }
                option += 1
            }
        }
        if let database = settings.database {
            self.values.removeAll { $0.keyword == "dbname" }
            self.values.append(("dbname", database))
        }
        // A dead peer is noticed within a minute instead of hours.
        let defaults = [
            ("keepalives", "1"), ("keepalives_idle", "20"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "40000"),
        ]
        for (keyword, value) in defaults where !given.contains(keyword) { self.values.append((keyword, value)) }
        self.values.append(("fallback_application_name", settings.applicationName))
        self.values.removeAll { $0.keyword == "client_encoding" }
        self.values.append(("client_encoding", "UTF8"))
    }

    /// Starts a connection that PQconnectPoll carries on with; `nil` when memory is exhausted.
    func start() -> OpaquePointer? {
        var storage: [[CChar]] = []
        for (keyword, value) in self.values {
            storage.append(Array(keyword.utf8CString))
            storage.append(Array(value.utf8CString))
        }
        return withPointers(to: storage) { pointers in
            var keywords: [UnsafePointer<CChar>?] = []
            var values: [UnsafePointer<CChar>?] = []
            for index in stride(from: 0, to: pointers.count, by: 2) {
                keywords.append(pointers[index])
                values.append(pointers[index + 1])
            }
            keywords.append(nil)
            values.append(nil)
            return PQconnectStartParams(keywords, values, 0)
        }
    }
}

/// Calls `body` with a pointer to each array's bytes; the pointers are valid during the call only.
func withPointers<Result>(
    to arrays: [[CChar]], _ body: ([UnsafePointer<CChar>?]) throws -> Result
) rethrows -> Result {
    let flat = Array(arrays.joined())
    return try flat.withUnsafeBufferPointer { buffer in
        var pointers: [UnsafePointer<CChar>?] = []
        pointers.reserveCapacity(arrays.count)
        var offset = 0
        for array in arrays {
            pointers.append(buffer.baseAddress.map { $0 + offset })
            offset += array.count
        }
        return try body(pointers)
    }
}
