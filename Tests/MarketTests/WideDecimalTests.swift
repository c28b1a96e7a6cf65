import Market
import Testing

@Suite("Exact decimals of any length")
struct WideDecimalTests {
    @Test(
        "Text is read and written with the same value",
        arguments: [
            ("0", "0"), ("-0.000", "0"), ("1", "1"), ("+10", "10"), ("0.10", "0.1"), (".5", "0.5"), ("5.", "5"),
            ("123456789012345678901234567890.000000000000000000000000001", nil), ("-0.00001234", nil), ("10000", nil),
            ("100000000", nil), ("0.0001", nil), ("0.00000001", nil), ("99999999.99999999", nil),
        ])
    func text(text: String, written: String?) throws {
        #expect(try #require(WideDecimal(text)).description == written ?? text)
    }

    @Test("Other text is refused", arguments: ["", "-", ".", "1e5", "1.2.3", "abc", "1 ", "--1", "NaN"])
    func refused(text: String) { #expect(WideDecimal(text) == nil) }

    @Test(
        "Sums are exact",
        arguments: [
            ("1", "2", "3"), ("9999", "1", "10000"), ("0.0001", "9999", "9999.0001"), ("5", "-5", "0"),
            ("1", "-10000", "-9999"), ("-1.5", "-2.5", "-4"), ("10000", "-0.0001", "9999.9999"),
            ("999999999999999999999999", "1", "1000000000000000000000000"), ("0", "-7", "-7"),
            ("-100000000", "100000001", "1"),
        ])
    func sum(left: String, right: String, sum: String) throws {
        let (left, right) = (try #require(WideDecimal(left)), try #require(WideDecimal(right)))
        #expect((left + right).description == sum)
        #expect(left + right == right + left)
    }

    @Test("Sums agree with those of short numbers, and the order with theirs", arguments: UInt64(0)..<200)
    func agreesWithShort(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        func number() throws -> Decimal64 {
            try Decimal64(
                mantissa: Int64.random(in: -1_000_000...1_000_000, using: &random),
                exponent: Int.random(in: -6...2, using: &random))
        }
        let (left, right) = (try number(), try number())
        #expect((WideDecimal(left) + WideDecimal(right)).description == (try left.adding(right)).description)
        #expect((WideDecimal(left) < WideDecimal(right)) == (left < right))
        #expect(WideDecimal(left).description == left.description)
        #expect(try WideDecimal(left).rounded() == left)
        guard !right.isZero else { return }
        let quotient = WideDecimal(left).divided(by: WideDecimal(right), significantDigits: 18)
        #expect(quotient == left.dividedKeepingDigits(by: right)?.value)
    }

    @Test(
        "Quotients are rounded half-even once, whatever the lengths",
        arguments: [
            ("1", "3", 5, "0.33333"), ("2", "3", 5, "0.66667"), ("10", "4", 1, "2"), ("14", "4", 1, "4"),
            ("-10", "4", 1, "-2"), ("10", "4", 2, "2.5"), ("999999", "1", 3, "1000000"), ("0", "7", 4, "0"),
            // 2.5 and a little more than that, beyond the words' room.
            ("25000000000000000000000000000000000000000000", "10000000000000000000000000000000000000000000", 1, "2"),
            ("25000000000000000000000000000000000000000001", "10000000000000000000000000000000000000000000", 1, "3"),
            ("35", "1000000000000000000000000000000000000000000", 1, "0.00000000000000000000000000000000000000004"),
        ])
    func quotient(left: String, right: String, digits: Int, quotient: String) throws {
        let (left, right) = (try #require(WideDecimal(left)), try #require(WideDecimal(right)))
        let found = try #require(left.divided(by: right, significantDigits: digits))
        #expect(found.description == quotient)
    }

    @Test("A division by zero has no quotient")
    func byZero() throws { #expect(try #require(WideDecimal("1")).divided(by: .zero, significantDigits: 5) == nil) }
}
