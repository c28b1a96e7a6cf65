import Testing

@testable import Market

@Suite("An exact sum")
struct ExactSumTests {
    @Test(
        "Adds decimals without losing a digit",
        arguments: [
            (["1.5", "2.25"], "3.75"),
            (["0.1", "0.2", "-0.3"], "0"),
            (["-5", "2"], "-3"),
            (["0.00000001", "-1"], "-0.99999999"),
            (["9999", "1"], "10000"),
            (
                ["123456789012345678e40", "123456789012345678e-40"],
                "1234567890123456780000000000000000000000000000000000000000.0000000000000000000000123456789012345678"
            ),
            (["1e40", "-1e-40"], "9999999999999999999999999999999999999999.9999999999999999999999999999999999999999"),
            ([], "0"),
        ] as [([String], String)])
    func sum(terms: [String], expected: String) throws {
        var sum = ExactSum()
        for term in terms { sum.add(try number(term)) }
        #expect(sum.description == expected)
    }

    @Test("Adds products of 36 digits by the thousand")
    func products() throws {
        var sum = ExactSum()
        let long = try number("999999999999999999")
        for _ in 0..<1000 { sum.addProduct(long, long) }
        // (10^18 − 1)² × 1000
        #expect(sum.description == "999999999999999998000000000000000001000")
    }

    @Test("Any order and any grouping gives the same digits", arguments: UInt64(0)..<100)
    func order(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let terms = try (0..<60).map { _ in
            try Decimal64(
                mantissa: Int64.random(in: -999_999_999_999_999_999...999_999_999_999_999_999, using: &random),
                exponent: Int.random(in: -40...40, using: &random))
        }
        var straight = ExactSum()
        for term in terms { straight.add(term) }
        var shuffled = ExactSum()
        for term in terms.shuffled(using: &random) { shuffled.add(term) }
        var halves = (ExactSum(), ExactSum())
        for (index, term) in terms.enumerated() {
            if index % 2 == 0 { halves.0.add(term) } else { halves.1.add(term) }
        }
        halves.0.add(halves.1)
        #expect(straight.description == shuffled.description)
        #expect(straight.description == halves.0.description)
        for term in terms { straight.add(try Decimal64(mantissa: -term.mantissa, exponent: Int(term.exponent))) }
        #expect(straight.description == "0")
        #expect(straight.groups.digits.isEmpty)
    }

    private func number(_ text: String) throws -> Decimal64 {
        let parts = text.split(separator: "e")
        let mantissa = try #require(Decimal64(String(parts[0])))
        let exponent = parts.count == 2 ? try #require(Int(parts[1])) : 0
        return try Decimal64(mantissa: mantissa.mantissa, exponent: Int(mantissa.exponent) + exponent)
    }
}
