import Crypto
import Testing

@testable import Channels

@Suite("Signing with a key made ready")
struct SigningKeyTests {
    @Test(
        "The vectors of RFC 4231",
        arguments: [
            (
                Array(repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                Array(repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ] as [([UInt8], [UInt8], String)]
    )
    func vectors(secret: [UInt8], message: [UInt8], expected: String) {
        #expect(String(decoding: HexDigest.hmac(message, key: SigningKey(secret)), as: UTF8.self) == expected)
    }

    @Test("Any secret and message give the code of the library", arguments: UInt64(0)..<100)
    func random(seed: UInt64) {
        var state = seed &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let secret = (0..<next(140)).map { _ in UInt8(next(256)) }
        let key = SigningKey(secret)
        // The key is used again and again.
        for _ in 0..<3 {
            let message = (0..<next(300)).map { _ in UInt8(next(256)) }
            let expected = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: secret))
            #expect(message.withUnsafeBytes { Array(key.code(of: $0)) } == Array(expected))
        }
    }
}
