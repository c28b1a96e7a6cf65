import Alerts
import Market
import Notifications
import Testing

@Suite("Numbers in messages")
struct PriceFormatTests {
    private static func decimal(_ text: String) throws -> Decimal64 { try #require(Decimal64(text)) }

    @Test(
        "A locale decides on marks and groups",
        arguments: [
            ("en", "1,234,567.89", "1,234.5", "5%"), ("en-US", "1,234,567.89", "1,234.5", "5%"),
            ("de", "1.234.567,89", "1.234,5", "5\u{A0}%"), ("de_DE.UTF-8", "1.234.567,89", "1.234,5", "5\u{A0}%"),
            ("fr", "1\u{202F}234\u{202F}567,89", "1\u{202F}234,5", "5\u{202F}%"),
            ("ch", "1’234’567.89", "1’234.5", "5%"), ("de-CH", "1’234’567.89", "1’234.5", "5%"),
            ("in", "12,34,567.89", "1,234.5", "5%"), ("en-IN", "12,34,567.89", "1,234.5", "5%"),
            ("hi", "12,34,567.89", "1,234.5", "5%"), ("es", "1.234.567,89", "1234,5", "5\u{A0}%"),
            ("es-MX", "1,234,567.89", "1,234.5", "5%"), ("pl", "1\u{A0}234\u{A0}567,89", "1234,5", "5%"),
            ("sv-SE", "1\u{A0}234\u{A0}567,89", "1\u{A0}234,5", "5\u{A0}%"),
            ("zh-Hans-CN", "1,234,567.89", "1,234.5", "5%"),
            ("xx", "1,234,567.89", "1,234.5", "5%"), ("", "1,234,567.89", "1,234.5", "5%"),
        ])
    func locales(locale: String, long: String, short: String, percent: String) throws {
        let format = PriceFormat(locale: locale)
        #expect(format.text(try Self.decimal("1234567.89")) == long)
        #expect(format.text(try Self.decimal("1234.5")) == short)
        #expect(format.text(.percent(try Self.decimal("5"))) == percent)
        #expect(format.text(try Self.decimal("0.25")).dropFirst().first == long.dropLast(2).last)
        #expect(format.text(try Self.decimal("-1234567.89")) == "-" + long)
    }

    @Test(
        "A price has the decimals of its symbol",
        arguments: [
            (2, "70010.5", "70010.50"), (2, "70000", "70000.00"), (0, "70010", "70010"), (0, "70010.5", "70010"),
            (1, "0.25", "0.2"), (2, "0.0049", "0.00"), (8, "0.000000012", "0.00000001"),
            (99, "1", "1.000000000000000000"),
        ])
    func decimals(count: Int, price: String, text: String) throws {
        #expect(PriceFormat(decimals: count).text(try Self.decimal(price)) == text)
    }

    @Test(
        "A price shows enough decimals to be told from its threshold",
        arguments: [
            (2, "70000.004", "70000", "70000.004"), (2, "69999.9999", "70000", "69999.9999"),
            (2, "70000.01", "70000", "70000.01"),
            (0, "70000.4", "70000", "70000.4"), (0, "70001.4", "70000", "70001"), (2, "70000", "70000", "70000.00"),
            (1, "0.30000001", "0.3", "0.30000001"),
        ])
    func threshold(count: Int, price: String, threshold: String, text: String) throws {
        let format = PriceFormat(decimals: count)
        #expect(format.text(try Self.decimal(price), against: try Self.decimal(threshold)) == text)
    }

    @Test(
        "Percentages and multiples are short, but never zero by rounding",
        arguments: [("5.23481", "5.23"), ("5", "5"), ("0.00123", "0.001"), ("12.999", "13"), ("0", "0")])
    func short(value: String, text: String) throws {
        #expect(PriceFormat().text(.percent(try Self.decimal(value))) == text + "%")
        #expect(PriceFormat().text(.multiple(try Self.decimal(value))) == text + "x")
    }
}
