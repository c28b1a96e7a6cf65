import Testing

@testable import Market

@Suite("Reading digits eight at a time")
struct ShortDecimalTests {
    private static func parse(_ text: String, followedBy rest: String) -> Decimal64.Parsed? {
        let bytes = [UInt8]((text + rest).utf8)
        return bytes.withUnsafeBytes { bytes in
            Decimal64.parse(UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count]), readable: bytes.count)
        }
    }

    private static func plain(_ text: String) -> Decimal64.Parsed? {
        [UInt8](text.utf8).withUnsafeBytes { Decimal64.parse($0) }
    }

    @Test(
        "It says what the plain way says",
        arguments: [
            "0", "00", "1", "10", "0.5", ".5", "5.", ".", "", "-1", "+1", "1.50", "12345678", "123456789", "1234567.8",
            "1234567890123456", "123456789.123456", "0.00000001", "0.000000000000001", "100000000", "1e5", "1.2.3",
            "1,2",
            "12a", "0.0", "0000.0000", "99999999", "9999999999999999", "12345678901234567", "1.0000000", "10000000.",
            "1/2", "1:2", " 1", "1 ", "\u{7F}", "é", "-", "--1", "-+1", "-.5", "-0", "-0.0", "-1.50", "-12345678",
            "-123456789.123456", "-1234567890123456", "-12345678901234567", "-1e5", "-1-", "-1.2.3",
        ]
    )
    func cases(text: String) {
        for rest in [
            "", "\",\"a\":1}", "........................", "99999999999999999999", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            #expect(Self.parse(text, followedBy: rest) == Self.plain(text), "\(text) followed by \(rest)")
        }
    }

    @Test("It says what the plain way says, for texts of chance", arguments: UInt64(0)..<50)
    func chance(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("00123456789.-")
        for _ in 0..<400 {
            let length = Int.random(in: 1...17, using: &random)
            let text = String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
            #expect(Self.parse(text, followedBy: "0123456789abcdefghi") == Self.plain(text), "\(text)")
        }
    }
}
