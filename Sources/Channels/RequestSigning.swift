/// Signatures of HTTP API requests (protocol section 8).
public struct RequestSigning: Sendable {
    /// How far a request's time may be off either way, in seconds.
    public static let clockDifferenceMax: Int64 = 600

    private let app: App

    /// Signs and checks for `app`.
    public init(app: App) {
        self.app = app
    }

    /// The signed query of a request, to be appended after `?`.
    ///
    /// - Parameters:
    ///   - method: In upper case.
    ///   - path: As it goes over the wire, `/apps/ID/events`.
    ///   - parameters: Further items of the query; values without characters that need escaping.
    ///   - body: The body's bytes; empty for GET.
    ///   - now: Seconds since 1970.
    /// - Returns: The items, signature included, joined with `&`.
    public func query(
        method: String,
        path: String,
        parameters: [Query.Item] = [],
        body: [UInt8] = [],
        now: Int64
    ) -> String {
        let pair = self.app.signingCredentials
        var items = parameters
        items.append(Query.Item(name: "auth_key", value: pair.key))
        items.append(Query.Item(name: "auth_timestamp", value: String(now)))
        items.append(Query.Item(name: "auth_version", value: "1.0"))
        if !body.isEmpty {
            let digest = body.withUnsafeBytes { HexDigest.md5($0) }
            items.append(Query.Item(name: "body_md5", value: String(decoding: digest, as: UTF8.self)))
        }
        let signature = Self.signature(pair, method: method, path: path, items: items)
        items.append(Query.Item(name: "auth_signature", value: String(decoding: signature, as: UTF8.self)))
        return items.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Checks a request, in the order of the reference verifier.
    ///
    /// - Parameters:
    ///   - method: In upper case.
    ///   - path: As received, without the query.
    ///   - query: What follows the `?`, as received.
    ///   - body: The raw body.
    ///   - now: The server's time in seconds since 1970.
    /// - Returns: The query's items.
    /// - Throws: What to answer with status 401.
    @discardableResult
    public func verify(
        method: String,
        path: Substring,
        query: Substring,
        body: UnsafeRawBufferPointer,
        now: Int64
    ) throws(RequestSignatureError) -> Query {
        let parsed = Query(parsing: query)
        guard let key = parsed["auth_key"] else { throw .missingKey }
        guard let pair = self.app.credentials(for: key) else { throw .unknownKey(key) }
        guard parsed["auth_version"] == "1.0" else { throw .unsupportedVersion(parsed["auth_version"]) }
        guard let text = parsed["auth_timestamp"], let timestamp = Int64(text) else { throw .missingTimestamp }
        guard timestamp > now - Self.clockDifferenceMax, timestamp < now + Self.clockDifferenceMax else {
            throw .timestampOutOfRange(timestamp, now: now)
        }
        guard let signature = parsed["auth_signature"] else { throw .signatureMismatch }
        if !Self.isSigned(pair, method: method, path: path, query: parsed, signature: signature) {
            // Libraries sign the raw value while a form decoder takes `+` for a space: one more try with it as written.
            guard query.utf8.contains(UInt8(ascii: "+")) else { throw .signatureMismatch }
            let literal = Query(parsing: query, plusIsLiteral: true)
            guard Self.isSigned(pair, method: method, path: path, query: literal, signature: signature) else {
                throw .signatureMismatch
            }
        }
        if let digest = parsed["body_md5"] {
            guard HexDigest.isEqual(HexDigest.md5(body), digest.utf8) else { throw .bodyMismatch }
        } else if !body.isEmpty {
            throw .bodyMismatch
        }
        return parsed
    }

    /// Whether a `POST` is signed well in the form that almost every library uses: five items, nothing escaped.
    ///
    /// Cheaper than ``verify(method:path:query:body:now:)`` by far; `false` says nothing, so ask that then.
    ///
    /// - Parameters:
    ///   - path: As received, without the query.
    ///   - query: What follows the `?`, as received.
    ///   - body: The raw body.
    ///   - now: The server's time in seconds since 1970.
    /// - Returns: `true` only when `verify` would find nothing wrong.
    public func isPlainlySigned(
        path: UnsafeRawBufferPointer,
        query: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        now: Int64
    ) -> Bool {
        SignedQuery(query)?.signs(path: path, body: body, for: self.app, now: now) ?? false
    }

    private static func isSigned(
        _ pair: App.Credentials,
        method: String,
        path: Substring,
        query: Query,
        signature: String
    ) -> Bool {
        let expected = self.signature(pair, method: method, path: String(path), items: query.items)
        return HexDigest.isEqual(expected, signature.utf8)
    }

    private static func signature(
        _ pair: App.Credentials,
        method: String,
        path: String,
        items: [Query.Item]
    ) -> [UInt8] {
        var signed = items
        signed.removeAll { $0.name == "auth_signature" }
        self.sortByName(&signed)
        var text = method + "\n" + path + "\n"
        for (index, item) in signed.enumerated() {
            if index > 0 { text += "&" }
            text += item.name
            text += "="
            text += item.value
        }
        return HexDigest.hmac(text.utf8, key: pair.signingKey)
    }

    /// Stable, and cheap for the nearly sorted five items of almost every request.
    private static func sortByName(_ items: inout [Query.Item]) {
        for index in items.indices.dropFirst() {
            var place = index
            while place > 0, items[place].name < items[place - 1].name {
                items.swapAt(place, place - 1)
                place -= 1
            }
        }
    }
}
