import Beams
import Testing

@Suite("Beams tokens")
struct BeamsTokenTests {
    static let instance = ServedInstance(
        id: "8f9a6e22-2483-49aa-8552-125f1a4c5781", secretKey: "C54D42FB7CD2D408DDB22D7A0166F1D")
    /// Made with PyJWT 2.15.1: sub "ann", exp 2000000000, the issuer that the SDKs write.
    static let foreign = """
        eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjIwMDAwMDAwMDAsImlzcyI6Imh0dHBzOi8vOGY5YTZlMjItMjQ4My00OWFhLTg1NTItMTI1ZjFhNGM1NzgxLnB1c2hub3RpZmljYXRpb25zLnB1c2hlci5jb20ifQ.iiOskdlJeCCAlVqF2ar_itzsJ00nnFNau4qMey66bLA
        """

    private func check(_ token: String, now: Int64 = 1_900_000_000) throws(BeamsError) -> BeamsToken {
        try BeamsToken(checking: token, instance: Self.instance, now: now)
    }

    @Test("A token that another library made is taken")
    func foreignToken() throws {
        #expect(try self.check(Self.foreign).userID.text == "ann")
    }

    @Test("A token that was made here says what it was made with")
    func ownToken() throws {
        let user = try BeamsUserID("zoë 🙂")
        let text = BeamsToken.make(
            for: user, interests: ["private-ann", "private-desk-*"], instance: Self.instance, expiry: 2_000_000_000)
        let token = try self.check(text)
        #expect(token.userID == user)
        #expect(token.allows(try InterestName("private-ann")))
        #expect(token.allows(try InterestName("private-desk-7")))
        #expect(!token.allows(try InterestName("private-annex")))
    }

    @Test("A token is over a minute after its end, and not before")
    func expiry() throws {
        #expect(throws: Never.self) { try self.check(Self.foreign, now: 2_000_000_059) }
        let error = #expect(throws: BeamsError.self) { try self.check(Self.foreign, now: 2_000_000_060) }
        #expect(error?.status == 401)
        #expect(error?.description == "The Beams token expired at 2000000000, it is 2000000060.")
    }

    @Test("Each byte of a token counts")
    func tampering() throws {
        let text = BeamsToken.make(for: try BeamsUserID("ann"), instance: Self.instance, expiry: 2_000_000_000)
        var bytes = Array(text.utf8)
        // The last character's low bits are padding.
        for index in bytes.indices.dropLast() where bytes[index] != UInt8(ascii: ".") {
            let before = bytes[index]
            bytes[index] = before == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let changed = String(decoding: bytes, as: UTF8.self)
            #expect(throws: BeamsError.self, "byte \(index)") { try self.check(changed) }
            bytes[index] = before
        }
    }

    @Test(
        "What is no token of this instance is refused with the reason",
        arguments: [
            ("", "is no JWT"), ("a.b", "is no JWT"), ("a.b.c.d", "is no JWT"),
            ("!.b.YQ", "has a header that is no JSON object"),
            (String(repeating: "x", count: 8_193), "is longer than 8192 bytes"),
        ])
    func refusals(text: String, reason: String) {
        let error = #expect(throws: BeamsError.self) { try self.check(text) }
        #expect(error?.description == "The Beams token \(reason).")
        #expect(error?.status == 401)
    }

    @Test("A token of another instance, another key or without a signature is refused")
    func strangers() throws {
        let user = try BeamsUserID("ann")
        let otherKey = ServedInstance(id: Self.instance.id, secretKey: "other")
        let otherID = ServedInstance(id: "other", secretKey: Self.instance.secretKey)
        for stranger in [otherKey, otherID] {
            let text = BeamsToken.make(for: user, instance: stranger, expiry: 2_000_000_000)
            #expect(throws: BeamsError.self) { try self.check(text) }
        }
        // {"alg":"none"} and the body of a good token.
        let body = BeamsToken.make(for: user, instance: Self.instance, expiry: 2_000_000_000).split(separator: ".")[1]
        let error = #expect(throws: BeamsError.self) { try self.check("eyJhbGciOiJub25lIn0.\(body).") }
        #expect(error?.description == "The Beams token must be signed with HS256.")
    }
}
