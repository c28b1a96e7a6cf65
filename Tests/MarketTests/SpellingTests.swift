import Testing

@testable import Market

@Suite("Misspelt names among many")
struct SpellingTests {
    /// More than are compared one by one.
    private static let many = ["BTC-USD", "ETH-USD", "AAPL"] + (0..<1000).map { "Z\($0)-EUR" }

    @Test(
        "The distance counts insertions, deletions, replacements and swaps of neighbours",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("ca", "ac", 1), ("ca", "abc", 3), ("kitten", "sitting", 3),
            ("BTC-UDS", "BTC-USD", 1), ("same", "same", 0),
        ])
    func distance(left: String, right: String, expected: Int) {
        #expect(Spelling.distance(left, right) == expected)
        #expect(Spelling.distance(right, left) == expected)
    }

    @Test(
        "Ordinary typing errors are found among a thousand names",
        arguments: [
            ("BTC-UDS", ["BTC-USD"]), ("BTCUSD", ["BTC-USD"]), ("BTC-USDD", ["BTC-USD"]), ("btc-usd", ["BTC-USD"]),
            ("BTC", ["BTC-USD"]), ("APPL", ["AAPL"]), ("", []), ("XYZ", []),
        ])
    func many(name: String, expected: [String]) {
        #expect(Spelling.nearest(to: name, among: Self.many) == expected)
    }

    @Test("Of many names that begin alike the first three are given")
    func three() {
        #expect(Spelling.nearest(to: "Z", among: Self.many) == ["Z0-EUR", "Z1-EUR", "Z10-EUR"])
    }
}
