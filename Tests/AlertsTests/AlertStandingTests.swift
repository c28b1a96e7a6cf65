import Alerts
import Market
import Testing

@Suite("The state of an alert, in words")
struct AlertStandingTests {
    private static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    private static func alert(_ expression: String) throws -> Alert {
        Alert(id: 1, user: "ada", symbol: try Symbol("BTC-USD"), expression: try AlertExpression(parsing: expression))
    }

    @Test("What ends an alert for good goes before what holds it back")
    func order() throws {
        var alert = try Self.alert("above 1 once until 2026-11-23T12:00Z")
        #expect(alert.standing(at: Self.now.advanced(byNanoseconds: -1)) == .armed)
        #expect(alert.standing(at: Self.now) == .expired)
        alert.pause = .user
        alert.snoozedUntil = Self.now
        #expect(alert.standing(at: Self.now.advanced(byNanoseconds: -1)) == .paused)
        #expect(alert.standing(at: Self.now) == .expired)
        alert.state.isArmed = false
        alert.state.crossingCount = 1
        #expect(alert.standing(at: Self.now) == .done)
    }

    @Test("A pause goes before a snooze, and a snooze ends by itself")
    func holding() throws {
        var alert = try Self.alert("above 1")
        alert.snoozedUntil = Self.now
        #expect(alert.standing(at: Self.now.advanced(byNanoseconds: -1)) == .snoozed)
        #expect(alert.standing(at: Self.now) == .armed)
        alert.state.isArmed = false
        #expect(alert.standing(at: Self.now) == .fired)
        alert.pause = .storm
        #expect(alert.standing(at: Self.now.advanced(byNanoseconds: -1)) == .storm)
    }

    @Test(
        "An expression says in sentences what it will do",
        arguments: [
            (
                "crosses above 70000 rearm 0.5%",
                [
                    "Fires when the price of BTC-USD on its primary venue goes from below 70000 to above it.",
                    "Fires again only after the price came back by 0.5% behind 70000.",
                ]
            ),
            (
                "moves 5% in 10m once confirm 2 ticks",
                [
                    "Fires when the price of BTC-USD on its primary venue is at least 5% away from the lowest or the highest "
                        + "price of the last 10m.",
                    "It must be true at 2 ticks in a row; the last of them fires.", "Fires a single time.",
                ]
            ),
            (
                "silent for 60s cooldown 1h hours extended priority urgent until 2030-01-01",
                [
                    "Fires when no trade and no quote of BTC-USD on its primary venue comes for 1m while the market is open.",
                    "Fires again only after a tick has come.",
                    "Stays silent for 1h after firing; what happens then is lost.",
                    "Only in the regular, pre-market and post-market sessions.",
                    "Delivered through focus modes where the device allows it.", "Ends at 2030-01-01T00:00Z.",
                ]
            ),
        ] as [(String, [String])])
    func explanation(text: String, sentences: [String]) throws {
        let expression = try AlertExpression(parsing: text)
        #expect(expression.explanation(symbol: try Symbol("BTC-USD"), venue: nil) == sentences)
    }
}
