import Alerts
import Market
import Testing

@Suite("Alert expressions")
struct AlertParsingTests {
    /// 2026-11-23T12:00:00Z.
    static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    @Test(
        "An expression prints in its canonical form, which reads back as the same expression",
        arguments: [
            ("above 70000", "above 70000"), ("  BELOW\t0.2500 ", "below 0.25"), ("crosses 70000.50", "crosses 70000.5"),
            ("crosses above 70000", "crosses above 70000"), ("Crosses Below 7e4", "crosses below 70000"),
            ("above 0.000000012345", "above 0.000000012345"), ("between 1 AND 2", "between 1 and 2"),
            ("enters 60000..70000", "enters 60000..70000"), ("leaves 1.5 .. 2.5", "leaves 1.5..2.5"),
            ("enters 1.. 2", "enters 1..2"), ("enters 1 ..2", "enters 1..2"),
            ("moves 5% in 10m", "moves 5% in 10m"), ("moves ±5% in 10m", "moves 5% in 10m"),
            ("moves +-5% in 600s", "moves 5% in 10m"), ("moves ± 500 in 1h", "moves 500 in 1h"),
            ("up 5 % in 1h", "up 5% in 1h"), ("down 3% TODAY", "down 3% today"), ("up 500 today", "up 500 today"),
            ("new high of 24h", "new high of 1d"), ("new low of 30d", "new low of 30d"),
            ("volume above 5x in 5m", "volume above 5x in 5m"),
            ("volume above 1200 in 300s", "volume above 1200 in 5m"),
            ("volume above 5 X in 5m", "volume above 5x in 5m"), ("spread above 0.5%", "spread above 0.5%"),
            ("spread above 12", "spread above 12"), ("silent for 60s", "silent for 1m"),
            ("diverges 1% between Coinbase and kraken", "diverges 1% between coinbase and kraken"),
        ])
    func conditions(text: String, canonical: String) throws {
        let expression = try AlertExpression(parsing: text)
        #expect(expression.description == canonical)
        #expect(try AlertExpression(parsing: canonical) == expression)
    }

    @Test(
        "Options come in any order and print in one",
        arguments: [
            ("repeat", ""), ("once", " once"), ("cooldown 90s", " cooldown 90s"),
            ("cooldown 900s once", " once cooldown 15m"), ("ONCE Cooldown 120m", " once cooldown 2h"),
            ("cooldown 48h", " cooldown 2d"), ("rearm 0.5%", " rearm 0.5%"), ("rearm 0.5", " rearm 0.5"),
            ("confirm 2 ticks", " confirm 2 ticks"), ("confirm 3ticks", " confirm 3 ticks"),
            ("confirm 5s", " confirm 5s"), ("again 2%", " again 2%"), ("again 500", " again 500"),
            ("priority urgent", " priority urgent"), ("priority active", ""), ("hours REGULAR", " hours regular"),
            ("hours extended", " hours extended"), ("hours all", ""), ("until 2026-12-31", " until 2026-12-31T00:00Z"),
            ("until 2026-12-31T15:00Z", " until 2026-12-31T15:00Z"),
            ("until 2026-12-31t15:00z", " until 2026-12-31T15:00Z"),
            ("until 2026-12-31T15:00", " until 2026-12-31T15:00Z"),
            ("until 2026-12-31 15:00", " until 2026-12-31T15:00Z"),
            ("until 2026-12-31T15:00:30", " until 2026-12-31T15:00:30Z"),
            ("until 2026-12-31T15:00:30.25Z", " until 2026-12-31T15:00:30.250000Z"),
            ("until 2026-12-31T15:00+02:00", " until 2026-12-31T13:00Z"),
            (
                "hours regular priority passive until 2027-01-01 again 3% confirm 2 ticks rearm 1% cooldown 1m repeat",
                " cooldown 1m rearm 1% confirm 2 ticks again 3% until 2027-01-01T00:00Z priority passive hours regular"
            ),
        ])
    func options(text: String, canonical: String) throws {
        let expression = try AlertExpression(parsing: "above 1 " + text)
        #expect(expression.description == "above 1" + canonical)
        #expect(try AlertExpression(parsing: expression.description) == expression)
    }

    @Test("The parts of an expression are read")
    func parts() throws {
        let expression = try AlertExpression(parsing: "crosses above 70000 once cooldown 15m")
        #expect(expression.condition == .crossing(.above, threshold: try #require(Decimal64("70000"))))
        #expect(expression.options == AlertOptions(mode: .once, cooldown: .seconds(900)))
        let short = try AlertExpression(parsing: "crosses 1")
        #expect(short.options == AlertOptions())
        let move = try AlertExpression(parsing: "down 3.5% in 1h confirm 5s rearm 1%")
        #expect(
            move.condition == .move(.down, by: .percent(try #require(Decimal64("3.5"))), over: .window(.seconds(3_600)))
        )
        #expect(move.options.confirmation == .time(.seconds(5)))
        #expect(move.options.rearm == .percent(try #require(Decimal64("1"))))
    }

    @Test("A relative end is counted from now and printed as the instant it is")
    func relativeUntil() throws {
        let expression = try AlertExpression(parsing: "above 1 until 7d", now: Self.now)
        #expect(expression.description == "above 1 until 2026-11-30T12:00Z")
        // A stored expression has no now, so a relative end cannot be meant.
        #expect(throws: AlertSyntaxError.self) { try AlertExpression(parsing: "above 1 until 7d") }
    }

    @Test("An end in the past is refused for a new alert only")
    func pastUntil() throws {
        let text = "above 1 until 2026-11-23"
        let error = #expect(throws: AlertSyntaxError.self) { try AlertExpression(parsing: text, now: Self.now) }
        #expect(error?.description == "column 15: 'until 2026-11-23T00:00Z' is past; it is 2026-11-23T12:00Z now")
        #expect(try AlertExpression(parsing: text).options.until != nil)
    }

    @Test("A condition alone takes no options")
    func conditionAlone() throws {
        #expect(try AlertCondition(parsing: "below 3").description == "below 3")
        let error = #expect(throws: AlertSyntaxError.self) { try AlertCondition(parsing: "below 3 once") }
        #expect(
            error?.description == "column 9: expected the end, found 'once'; a condition alone has no options here")
        #expect(error?.column == 9)
    }
}
