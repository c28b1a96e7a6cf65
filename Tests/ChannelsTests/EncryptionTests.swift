import Crypto
import Testing

@testable import Channels

@Suite("Encrypted channels")
struct EncryptionTests {
    /// Bernstein, "Cryptography in NaCl", sections 8 to 10.
    private static let key = bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    private static let nonce = bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    private static let message = bytes(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
            + "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
            + "f0a089bc76897040e082f937763848645e0705")
    private static let box = bytes(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b"
            + "4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
            + "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5")

    @Test("HSalsa20 gives the key of NaCl's example")
    func hSalsa20() {
        let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        let first = Salsa20.hSalsa20(key: Salsa20.words(shared), nonce: [0, 0, 0, 0])
        #expect(first == Salsa20.words(Self.key))
        let second = Salsa20.hSalsa20(key: first, nonce: Salsa20.words(Array(Self.nonce[..<16])))
        #expect(
            second == Salsa20.words(bytes("dc908dda0b9344a953629b733820778880f3ceb421bb61b91cbd4c3e66256ce4")))
    }

    @Test("Poly1305 gives the tag of RFC 8439 and of NaCl's example")
    func poly1305() {
        let key = bytes("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
        let tag = Poly1305.tag(Array("Cryptographic Forum Research Group".utf8), key: key)
        #expect(tag == bytes("a8061dc1305136c6c22b8baf0c0127a9"))
        let naclKey = bytes("eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880")
        #expect(Poly1305.tag(Self.box.dropFirst(16), key: naclKey) == Array(Self.box.prefix(16)))
    }

    @Test(
        "Poly1305 carries at the edges of its modulus",
        arguments: [
            // RFC 8439, appendix A.3, vectors 7 to 11: r, pad, message, tag.
            (
                "02000000000000000000000000000000", "00000000000000000000000000000000",
                "ffffffffffffffffffffffffffffffff", "03000000000000000000000000000000"
            ),
            (
                "02000000000000000000000000000000", "ffffffffffffffffffffffffffffffff",
                "02000000000000000000000000000000", "03000000000000000000000000000000"
            ),
            (
                "01000000000000000000000000000000", "00000000000000000000000000000000",
                "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000",
                "05000000000000000000000000000000"
            ),
            (
                "01000000000000000000000000000000", "00000000000000000000000000000000",
                "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101",
                "00000000000000000000000000000000"
            ),
            (
                "02000000000000000000000000000000", "00000000000000000000000000000000",
                "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff"
            ),
            (
                "01000000000000000400000000000000", "00000000000000000000000000000000",
                "e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000",
                "14000000000000005500000000000000"
            ),
        ]
    )
    func edges(r: String, pad: String, message: String, tag: String) {
        #expect(Poly1305.tag(bytes(message), key: bytes(r + pad)) == bytes(tag))
    }

    @Test("A box is NaCl's, and opens with its key and nonce only")
    func secretBox() {
        #expect(SecretBox.seal(Self.message, key: Self.key, nonce: Self.nonce) == Self.box)
        #expect(SecretBox.open(Self.box, key: Self.key, nonce: Self.nonce) == Self.message)
        var nonce = Self.nonce
        nonce[23] ^= 1
        #expect(SecretBox.open(Self.box, key: Self.key, nonce: nonce) == nil)
        #expect(SecretBox.open(Array(Self.box.prefix(15)), key: Self.key, nonce: Self.nonce) == nil)
    }

    @Test("A single changed bit anywhere is noticed")
    func forgery() {
        for index in stride(from: 0, to: Self.box.count, by: 7) {
            var box = Self.box
            box[index] ^= 0x40
            #expect(SecretBox.open(box, key: Self.key, nonce: Self.nonce) == nil)
        }
    }

    @Test(
        "Boxes of any length are libsodium's",
        arguments: [
            // SHA-256 of what PyNaCl 1.6.2 gives.
            (0, "c0cc3f3b31aa49b0b632061731fd6e90b84e8d208aaa411f2e8f2fa5f765a447"),
            (1, "0317df11709345a7605a30c2930d548c3654dd6f651cf038e76adc53f154d4d3"),
            (15, "b2482d3e3d0ca86fcb1cc0b3b521b8b0f5dc8664a5d2fc61eeca2db36a0fea92"),
            (16, "b83c7a699a55e3e69b14f03ffb18f5cb971013e68090f14ac3b63fe558fa6eab"),
            (17, "ab2a94c57524291f2e93dcc0b9ada78cb82c41ab71e7bf5e6f70260277b0a536"),
            (31, "b0ecc808ddc517d18239e9ee391c8b959800d2104c29055a76c7c40009fd71de"),
            (32, "8a44d10344a19047d1dd5d90c865f5044a95e558f2b96737fb8c2ca11b75302c"),
            (33, "edeb6df4768a72a42ca88ed967e8f4e194ab9f6495205d7006fd9724689c02d1"),
            (64, "e547ca79a8c15b1fe24f9200abc5863ce37cf6ba053d1d691c9c4e9dc8706765"),
            (65, "707ae8cb27cd6068f15e85d630ecc295c220c65934443c8e4f10696ee9c7e99b"),
            (200, "167253ba955b92f60a562e17cb4b4b7c1d47c5c6336262b49bba9ff2886b4fb9"),
            (1000, "71a9d2aa50f2cf6e4635c056b9579d006b8b7a326bea3593efbffeefb6e9f64c"),
        ]
    )
    func lengths(count: Int, digest: String) {
        let encryption = ChannelEncryption(masterKey: Array(0...31))
        let box = SecretBox.seal(
            (0..<count).map { UInt8($0 % 251) }, key: encryption.key(of: "private-encrypted-demo"),
            nonce: Array(0..<24))
        #expect(Array(SHA256.hash(data: box)) == bytes(digest))
    }

    @Test("The shared secret is the documented one")
    func sharedSecret() {
        let encryption = ChannelEncryption(masterKey: Array(0...31))
        #expect(
            encryption.sharedSecret(of: "private-encrypted-demo") == "EYp9Iw61We0SSO8i4YNMUxqo4TeGPjdBtcgzC9ocVl0=")
    }

    @Test("An event's data holds nonce and ciphertext in base64")
    func sealed() {
        let encryption = ChannelEncryption(masterKey: Array(0...31))
        let data = encryption.sealed(
            Array(#"{"price":"1.5"}"#.utf8), for: "private-encrypted-demo", nonce: Array(0..<24))
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"{"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX","ciphertext":"Q4fcrFrkNBIg9KCilHRrhGrQnEPaXaGnEAuco76XGg=="}"#
        )
        #expect(
            encryption.sealed([], for: "private-encrypted-demo") != encryption.sealed([], for: "private-encrypted-demo")
        )
    }

    @Test(
        "Base64 pads as it must",
        arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func base64(text: String, encoded: String) {
        #expect(Base64.text(Array(text.utf8)) == encoded)
    }
}

/// Bytes from hexadecimal digits.
private func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { JSONText.hexValue($0) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
