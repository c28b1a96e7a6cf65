import Alerts
import Market
import Testing

@Suite("Alert expressions")
struct AlertParsingTests {
    @Test(
        "An expression prints in its canonical form, which reads back as the same expression",
        arguments: [
            ("above 70000", "above 70000"), ("  BELOW\t0.2500 ", "below 0.25"), ("crosses 70000.50", "crosses 70000.5"),
            ("crosses above 70000", "crosses above 70000"), ("Crosses Below 7e4", "crosses below 70000"),
            ("above 1 repeat", "above 1"), ("above 1 once", "above 1 once"),
            ("above 1 cooldown 90s", "above 1 cooldown 90s"),
            ("above 1 cooldown 900s once", "above 1 once cooldown 15m"),
            ("above 1 once cooldown 120m", "above 1 once cooldown 2h"), ("above 1 cooldown 48h", "above 1 cooldown 2d"),
            ("above 0.000000012345", "above 0.000000012345"),
        ])
    func canonicalForm(text: String, canonical: String) throws {
        let expression = try AlertExpression(parsing: text)
        #expect(expression.description == canonical)
        #expect(try AlertExpression(parsing: canonical) == expression)
    }

    @Test("The parts of an expression are read")
    func parts() throws {
        let expression = try AlertExpression(parsing: "crosses above 70000 once cooldown 15m")
        #expect(expression.condition == .crossing(.above, threshold: try #require(Decimal64("70000"))))
        #expect(expression.options == AlertOptions(mode: .once, cooldown: .seconds(900)))
        let short = try AlertExpression(parsing: "crosses 1")
        #expect(short.options == AlertOptions())
    }

    @Test(
        "A message points at the column and says what fits there",
        arguments: [
            ("", "column 1: expected 'above', 'below' or 'crosses', found the end"),
            ("over 70000", "column 1: expected 'above', 'below' or 'crosses', found 'over'"),
            ("above", "column 7: expected a price, found the end"),
            ("above seventy", "column 7: expected a price, found 'seventy'"),
            ("above 70,000", "column 7: expected a price, found '70,000'"),
            ("above -5", "column 7: expected a price above zero, found '-5'"),
            ("above 0", "column 7: expected a price above zero, found '0'"),
            (
                "above 1.2345678901234567891",
                "column 7: expected a price of at most 18 digits, found '1.2345678901234567891'"
            ),
            ("crosses seventy", "column 9: expected a price, 'above' or 'below', found 'seventy'"),
            ("crosses above", "column 15: expected a price, found the end"),
            ("crosses above x", "column 15: expected a price, found 'x'"),
            ("above 1 twice", "column 9: expected 'once', 'repeat', 'cooldown' or the end, found 'twice'"),
            ("above 1 once repeat", "column 14: 'repeat' is given twice; keep one"),
            ("above 1 cooldown 1m cooldown 2m", "column 21: 'cooldown' is given twice; keep one"),
            ("above 1 cooldown", "column 18: expected a duration such as 30s, 15m, 2h or 1d, found the end"),
            (
                "above 1 cooldown 15",
                "column 18: expected a duration such as 30s, 15m, 2h or 1d, at most 365d, found '15'"
            ),
            (
                "above 1 cooldown 366d",
                "column 18: expected a duration such as 30s, 15m, 2h or 1d, at most 365d, found '366d'"
            ),
            (
                "moves ±5% in 10m",
                "column 1: 'moves' is not supported yet; supported: above P, below P, crosses [above|below] P"
            ),
            (
                " enters 1..2",
                "column 2: 'enters' is not supported yet; supported: above P, below P, crosses [above|below] P"
            ),
            ("above 1 rearm 0.5%", "column 9: 'rearm' is not supported yet; supported: once, repeat, cooldown 15m"),
            ("ab¬ve 1", "column 1: expected 'above', 'below' or 'crosses', found 'ab¬ve'"),
        ])
    func errors(text: String, message: String) {
        let error = #expect(throws: AlertSyntaxError.self) { try AlertExpression(parsing: text) }
        #expect(error?.description == message)
    }

    @Test("A condition alone takes no options")
    func conditionAlone() throws {
        #expect(try AlertCondition(parsing: "below 3").description == "below 3")
        let error = #expect(throws: AlertSyntaxError.self) { try AlertCondition(parsing: "below 3 once") }
        #expect(error?.description == "column 9: expected the end, found 'once'")
        #expect(error?.column == 9)
    }

    @Test("No text crashes the parser", arguments: UInt64(0)..<200)
    func garbage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "above", "below", "crosses", "once", "cooldown", "15m", "9d", "1", "-", "±", " ", "\n", "🙂", "1e99", ".",
        ]
        let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in
            (pieces.randomElement(using: &random) ?? "") + (Bool.random(using: &random) ? " " : "")
        }.joined()
        do {
            let expression = try AlertExpression(parsing: text)
            #expect((try? AlertExpression(parsing: expression.description)) == expression)
        } catch {
            #expect((1...text.count + 2).contains(error.column))
        }
    }
}
