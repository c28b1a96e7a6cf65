import Testing

@testable import Channels

@Suite("HTTP API signatures")
struct RequestSigningTests {
    private let signing = RequestSigning(app: App(id: "3", key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8"))
    private let time: Int64 = 1_353_088_179
    private let body = Array(#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#.utf8)

    private func verify(
        _ method: String,
        _ path: Substring,
        _ query: String,
        _ body: [UInt8]? = nil,
        now: Int64? = nil
    ) throws(RequestSignatureError) {
        let bytes = body ?? self.body
        let result: Result<Void, RequestSignatureError> = bytes.withUnsafeBytes { raw in
            do throws(RequestSignatureError) {
                try self.signing.verify(method: method, path: path, query: query[...], body: raw, now: now ?? self.time)
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }

    private let eventsQuery = """
        auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
        &body_md5=ec365a775a4cd0599faeb73354201b6f\
        &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c
        """

    @Test("The documented POST vector, made and checked")
    func postVector() throws {
        #expect(
            self.signing.query(method: "POST", path: "/apps/3/events", body: self.body, now: self.time)
                == self.eventsQuery)
        try self.verify(self.eventsQuery)
    }

    @Test("The documented GET vector")
    func getVector() throws {
        try self.verify(
            "GET", "/apps/3/channels",
            """
            filter_by_prefix=presence-&info=user_count&auth_key=278d425bdf160c739803&auth_timestamp=1353088179\
            &auth_version=1.0&auth_signature=16819168891cb5dfd72b5c7a5d3d602605b26c6ba1930033b5e2eeeb65010291
            """,
            []
        )
    }

    @Test("Parameter names count in lower case, their order does not count")
    func names() throws {
        let query = self.eventsQuery.split(separator: "&").reversed().joined(separator: "&")
        try self.verify(query.replacing("auth_key", with: "AUTH_KEY").replacing("body_md5", with: "Body_MD5"))
    }

    @Test("Values are signed unescaped; arrays keep their order", arguments: ["a b", "a+b", "ü", "50%", "a=b"])
    func escapes(value: String) throws {
        let signed = self.signing.query(
            method: "POST", path: "/apps/3/events",
            parameters: [
                .init(name: "channels[]", value: "b"), .init(name: "channels[]", value: "a"),
                .init(name: "x", value: value),
            ],
            body: self.body, now: self.time
        )
        let escaped = value.utf8.map { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16, uppercase: true)
        }.joined()
        try self.verify(signed.replacing("x=\(value)", with: "x=\(escaped)"))
    }

    @Test("A plus sign that the library signed as it stands is accepted")
    func plus() throws {
        let signed = self.signing.query(
            method: "POST", path: "/apps/3/events", parameters: [.init(name: "x", value: "a+b")], body: self.body,
            now: self.time
        )
        try self.verify(signed)
    }

    @Test("599 s off is fine, 600 s is not, either way", arguments: [599, -599, 600, -600] as [Int64])
    func clock(offset: Int64) {
        if abs(offset) < 600 {
            #expect(throws: Never.self) { try self.verify(self.eventsQuery, now: self.time + offset) }
        } else {
            let error = RequestSignatureError.timestampOutOfRange(self.time, now: self.time + offset)
            #expect(throws: error) { try self.verify(self.eventsQuery, now: self.time + offset) }
            #expect(error.description.contains("2012-11-16T17:49:39Z"))
        }
    }

    @Test("Errors come in the order of the reference verifier")
    func order() {
        #expect(throws: RequestSignatureError.missingKey) { try self.verify("") }
        #expect(throws: RequestSignatureError.unknownKey("x")) { try self.verify("auth_key=x") }
        let key = "auth_key=278d425bdf160c739803"
        #expect(throws: RequestSignatureError.unsupportedVersion(nil)) { try self.verify(key) }
        #expect(throws: RequestSignatureError.unsupportedVersion("2")) { try self.verify(key + "&auth_version=2") }
        #expect(throws: RequestSignatureError.missingTimestamp) { try self.verify(key + "&auth_version=1.0") }
        let timed = key + "&auth_version=1.0&auth_timestamp=\(self.time)"
        #expect(throws: RequestSignatureError.signatureMismatch) { try self.verify(timed) }
        #expect(throws: RequestSignatureError.signatureMismatch) { try self.verify(timed + "&auth_signature=00") }
    }

    @Test("A tampered or unsigned body is refused")
    func tamperedBody() {
        #expect(throws: RequestSignatureError.bodyMismatch) { try self.verify(self.eventsQuery, self.body + [0x20]) }
        let unsigned = self.signing.query(method: "POST", path: "/apps/3/events", now: self.time)
        #expect(throws: RequestSignatureError.bodyMismatch) { try self.verify(unsigned) }
        #expect(throws: Never.self) { try self.verify(unsigned, []) }
    }

    @Test("Method and path are signed")
    func tampered() {
        #expect(throws: RequestSignatureError.signatureMismatch) { try self.verify("PUT", self.eventsQuery) }
        #expect(throws: RequestSignatureError.signatureMismatch) {
            try self.verify("POST", "/apps/3/batch_events", self.eventsQuery)
        }
    }

    private func verify(_ method: String, _ query: String) throws(RequestSignatureError) {
        try self.verify(method, "/apps/3/events", query)
    }

    private func verify(_ query: String, _ body: [UInt8]? = nil, now: Int64? = nil) throws(RequestSignatureError) {
        try self.verify("POST", "/apps/3/events", query, body, now: now)
    }

    @Test(
        "Seconds become ISO 8601",
        arguments: [(0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (-1, "1969-12-31T23:59:59Z")]
            as [(Int64, String)]
    )
    func dates(seconds: Int64, text: String) {
        #expect(RequestSignatureError.text(seconds) == text)
    }
}
