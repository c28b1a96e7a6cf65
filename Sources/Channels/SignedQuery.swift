import Crypto

/// The query of a publish as almost every library signs it: the five items of a signature, each once, nothing escaped and
/// nothing else, in any order.
///
/// It is read and checked on the bytes of the request, without a string. What is written in any other way, and what is not
/// signed well, is ``RequestSigning/verify(method:path:query:body:now:)``'s business.
struct SignedQuery {
    private typealias Bytes = UnsafeRawBufferPointer

    /// The ends of the signed text are this long, without path and values.
    private static let fixedBytes = "POST\n\nauth_key=&auth_timestamp=&auth_version=1.0&body_md5=".utf8.count

    private var key = Bytes(start: nil, count: 0)
    private var timestamp = Bytes(start: nil, count: 0)
    private var signature = Bytes(start: nil, count: 0)
    private var digest = Bytes(start: nil, count: 0)
    private var hasVersion = false

    /// Reads what follows the `?`; the bytes must outlive the value.
    ///
    /// `nil` when it is written in any other way.
    init?(_ query: UnsafeRawBufferPointer) {
        var start = 0
        while start < query.count {
            var equals = -1
            var end = start
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if query[end] == UInt8(ascii: "%") || query[end] == UInt8(ascii: "+") { return nil }
                if equals < 0, query[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            guard equals > start, end > equals + 1 else { return nil }
            let name = Bytes(rebasing: query[start..<equals])
            guard self.take(name, Bytes(rebasing: query[(equals + 1)..<end])) else { return nil }
            start = end + 1
        }
        guard self.key.count > 0, self.timestamp.count > 0, self.signature.count > 0, self.digest.count > 0,
            self.hasVersion
        else { return nil }
    }

    private mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        if name.reads("auth_key") {
            guard self.key.count == 0 else { return false }
            self.key = value
        } else if name.reads("auth_timestamp") {
            guard self.timestamp.count == 0 else { return false }
            self.timestamp = value
        } else if name.reads("auth_signature") {
            guard self.signature.count == 0 else { return false }
            self.signature = value
        } else if name.reads("body_md5") {
            guard self.digest.count == 0 else { return false }
            self.digest = value
        } else {
            guard name.reads("auth_version"), value.reads("1.0"), !self.hasVersion else { return false }
            self.hasVersion = true
        }
        return true
    }

    /// Whether it signs a `POST` of `body` to `path` for `app`.
    func signs(
        path: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, for app: App, now: Int64
    ) -> Bool {
        guard let pair = app.credentials.first(where: { $0.keyBytes.withUnsafeBytes { self.key.equals($0) } }),
            let timestamp = Self.number(self.timestamp), timestamp > now - RequestSigning.clockDifferenceMax,
            timestamp < now + RequestSigning.clockDifferenceMax
        else { return false }
        let count = Self.fixedBytes + path.count + self.key.count + self.timestamp.count + self.digest.count
        let isSigned = withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { text in
            var end = 0
            func append(_ bytes: UnsafeRawBufferPointer) {
                UnsafeMutableRawBufferPointer(rebasing: text[end...]).copyMemory(from: bytes)
                end += bytes.count
            }
            func append(_ words: StaticString) {
                append(UnsafeRawBufferPointer(start: words.utf8Start, count: words.utf8CodeUnitCount))
            }
            append("POST\n")
            append(path)
            append("\nauth_key=")
            append(self.key)
            append("&auth_timestamp=")
            append(self.timestamp)
            append("&auth_version=1.0&body_md5=")
            append(self.digest)
            let code = pair.signingKey.code(of: UnsafeRawBufferPointer(text))
            return code.withUnsafeBytes { HexDigest.isEqual($0, self.signature) }
        }
        guard isSigned else { return false }
        var hash = Insecure.MD5()
        hash.update(bufferPointer: body)
        return hash.finalize().withUnsafeBytes { HexDigest.isEqual($0, self.digest) }
    }

    private static func number(_ digits: UnsafeRawBufferPointer) -> Int64? {
        guard digits.count <= 18 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }
}
