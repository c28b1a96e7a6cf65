import Testing

@testable import Channels

@Suite("Plainly signed publishes")
struct SignedQueryTests {
    private static let app = App(
        id: "3", credentials: [.init(key: "old", secret: "s1"), .init(key: "k=2", secret: "s2")])
    private static let signing = RequestSigning(app: Self.app)
    private static let path = "/apps/3/events"
    private static let body = Array(#"{"name":"e","channel":"c","data":"d"}"#.utf8)
    private static let now: Int64 = 1_800_000_000
    private static let query = Self.signing.query(method: "POST", path: Self.path, body: Self.body, now: Self.now)

    private static func isPlain(
        _ query: String, path: String = Self.path, body: [UInt8] = Self.body, now: Int64 = Self.now
    ) -> Bool {
        Array(path.utf8).withUnsafeBytes { path in
            Array(query.utf8).withUnsafeBytes { query in
                body.withUnsafeBytes { body in
                    self.signing.isPlainlySigned(path: path, query: query, body: body, now: now)
                }
            }
        }
    }

    private static func isVerified(_ query: String, body: [UInt8] = Self.body, now: Int64 = Self.now) -> Bool {
        body.withUnsafeBytes { body in
            do throws(RequestSignatureError) {
                try self.signing.verify(method: "POST", path: self.path[...], query: query[...], body: body, now: now)
                return true
            } catch { return false }
        }
    }

    @Test("What libraries send is recognised, whatever its order and whichever key signs")
    func recognised() {
        #expect(Self.isPlain(Self.query))
        #expect(Self.isPlain(Self.query.split(separator: "&").reversed().joined(separator: "&")))
        let second = RequestSigning(app: App(id: "3", key: "k=2", secret: "s2"))
            .query(method: "POST", path: Self.path, body: Self.body, now: Self.now)
        #expect(Self.isPlain(second))
    }

    @Test(
        "The clock may be off by less than 600 s", arguments: [(-599, true), (599, true), (-600, false), (600, false)])
    func window(difference: Int64, isAccepted: Bool) {
        #expect(Self.isPlain(Self.query, now: Self.now + difference) == isAccepted)
    }

    @Test(
        "Whatever is written in another way is not",
        arguments: [
            "", "&", "auth_key=old", Self.query + "&info=user_count", Self.query + "&auth_key=old",
            Self.query + "&auth_version=1.0", Self.query + "&", "&" + Self.query, Self.query + "&&",
            Self.query.replacing("auth_key", with: "Auth_Key"), Self.query.replacing("=old", with: "=%6fld"),
            Self.query.replacing("=1.0", with: "=1.1"), Self.query.replacing("=1.0", with: ""),
            Self.query.replacing("=old", with: "=ol"), Self.query.replacing("=old", with: "=k=2"),
            Self.query.replacing("=18", with: "=+18"), Self.query.replacing("=18", with: "=0000000000000000018"),
            Self.query.replacing("=18", with: "=17"), String(Self.query.dropLast()), Self.query + "0",
            Self.query.uppercased(),
        ]
    )
    func notRecognised(query: String) {
        // An `&` that separates nothing is allowed either way, but only at the end is it read here.
        #expect(Self.isPlain(query) == (query == Self.query + "&"))
        #expect(!Self.isPlain(query) || Self.isVerified(query))
    }

    @Test("Another path, another body and a missing one are not signed")
    func others() {
        #expect(!Self.isPlain(Self.query, path: "/apps/3/batch_events"))
        #expect(!Self.isPlain(Self.query, body: Self.body + [0x20]))
        #expect(!Self.isPlain(Self.query, body: []))
    }

    @Test("What is recognised is right: one changed byte is found", arguments: Array(Self.query.utf8).indices)
    func changed(index: Int) {
        let original = Array(Self.query.utf8)
        let replacements = [original[index] ^ 1, original[index] ^ 0x20, UInt8(ascii: "&"), UInt8(ascii: "=")]
        for byte in replacements where byte != original[index] {
            var bytes = original
            bytes[index] = byte
            let query = String(decoding: bytes, as: UTF8.self)
            #expect(!Self.isPlain(query) || Self.isVerified(query), "\(query)")
            #expect(!Self.isPlain(query), "\(query)")
        }
    }
}
