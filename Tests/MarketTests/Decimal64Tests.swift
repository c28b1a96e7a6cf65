import Testing

@testable import Market

@Suite("Decimal64")
struct Decimal64Tests {
    @Test(
        "Text is read exactly and printed with the same value",
        arguments: [
            ("64250.12", "64250.12"), ("0.35210000", "0.3521"), ("-12.30", "-12.3"), ("1200", "1200"), ("0", "0"),
            ("-0.0", "0"), (".5", "0.5"), ("+3", "3"), ("1e-7", "0.0000001"), ("1.5E3", "1500"), ("12e0", "12"),
            ("0.00001305", "0.00001305"), ("999999999999999999", "999999999999999999"),
            ("1000000000000000000000", "1000000000000000000000"), ("0.0000000000000001", "0.0000000000000001"),
            ("007.10", "7.1"),
        ]
    )
    func roundTrip(text: String, printed: String) throws {
        #expect(try #require(Decimal64(text)).description == printed)
    }

    @Test(
        "What is not a number is refused",
        arguments: [
            "", "-", ".", "abc", "1.2.3", "1e", "1e+", "--1", "1,5", " 1", "1 ", "0x10", "NaN", "1e999", "e5", "1e-80",
        ]
    )
    func refuses(text: String) {
        #expect(Decimal64(text) == nil)
    }

    @Test(
        "More than 18 significant digits are rounded half-even and marked",
        arguments: [
            ("3651.3000000000002", "3651.3000000000002", false),
            ("0.1234567890123456785", "0.123456789012345678", true),
            ("0.1234567890123456775", "0.123456789012345678", true),
            ("0.12345678901234567850001", "0.123456789012345679", true),
            ("6929.82177568355847560000", "6929.82177568355848", true),
            ("9999999999999999995", "10000000000000000000", true),
            ("1234567890123456789012", "1234567890123456790000", true),
        ]
    )
    func rounding(text: String, printed: String, isRounded: Bool) throws {
        var text = text
        let parsed = try #require(text.withUTF8 { Decimal64.parse(UnsafeRawBufferPointer($0)) })
        #expect(parsed.value.description == printed)
        #expect(parsed.isRounded == isRounded)
    }

    @Test("Equal numbers are equal whatever their spelling")
    func equality() throws {
        #expect(Decimal64("1.50") == Decimal64("1.5"))
        #expect(Decimal64("100") == Decimal64("1e2"))
        #expect(try Decimal64(mantissa: 1500, exponent: -1).hashValue == Decimal64(150).hashValue)
    }

    @Test("Order agrees with a scaled integer comparison", arguments: UInt64(0)..<200)
    func order(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let left = try Decimal64.random(using: &random)
            let right = try Decimal64.random(using: &random)
            let wideLeft = Int128(left.mantissa) * powerOfTen(Int(left.exponent) + 8)
            let wideRight = Int128(right.mantissa) * powerOfTen(Int(right.exponent) + 8)
            #expect((left < right) == (wideLeft < wideRight))
            #expect((left == right) == (wideLeft == wideRight))
        }
    }

    @Test("Numbers with far exponents compare by magnitude")
    func farExponents() throws {
        let huge = try #require(Decimal64("1e60"))
        let tiny = try #require(Decimal64("999999999999999999e-60"))
        #expect(tiny < huge)
        #expect(try Decimal64(mantissa: -1, exponent: 60) < tiny)
        #expect(Decimal64.zero < tiny)
    }

    @Test("A sum minus one addend is the other addend", arguments: UInt64(0)..<200)
    func sums(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let left = try Decimal64.random(using: &random, exponents: -6...0)
        let right = try Decimal64.random(using: &random, exponents: -6...0)
        #expect(try left.adding(right).subtracting(right) == left)
        var sum = DecimalSum()
        sum.add(left)
        sum.add(right)
        sum.subtract(left)
        #expect(sum.value == right)
    }

    @Test("Arithmetic that does not fit reports overflow")
    func overflow() throws {
        let large = try #require(Decimal64("999999999999999999"))
        let tiny = try #require(Decimal64("0.1"))
        #expect(throws: MarketError.self) { try large.adding(tiny) }
        #expect(throws: MarketError.self) { try large.multiplied(by: large) }
        #expect(throws: MarketError.divisionByZero) { try large.divided(by: .zero, decimals: 2) }
    }

    @Test(
        "Division rounds half-even at the asked place",
        arguments: [
            ("1", "3", 4, "0.3333"), ("2", "3", 4, "0.6667"), ("1", "8", 2, "0.12"), ("3", "8", 2, "0.38"),
            ("-1", "8", 2, "-0.12"), ("-2", "3", 2, "-0.67"), ("0", "3", 2, "0"), ("100", "0.01", 0, "10000"),
        ]
    )
    func division(dividend: String, divisor: String, decimals: Int, quotient: String) throws {
        let result = try #require(Decimal64(dividend)).divided(by: try #require(Decimal64(divisor)), decimals: decimals)
        #expect(result.description == quotient)
    }
}

extension Decimal64 {
    static func random(using random: inout SplitMix64, exponents: ClosedRange<Int> = -8...4) throws -> Decimal64 {
        try Decimal64(
            mantissa: Int64.random(in: -99_999_999_999...99_999_999_999, using: &random),
            exponent: Int.random(in: exponents, using: &random)
        )
    }
}
