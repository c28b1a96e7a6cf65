import Alerts
import Market
import Testing

/// An index with the shortest way to say "these prices came, what fired?".
struct PriceTape {
    var index = AlertEvaluator()
    var second: Int64 = 0

    static func alert(
        _ text: String, id: Int64 = 1, symbol: String = "BTC-USD", venue: String? = nil,
        state: AlertState = AlertState()
    ) throws -> Alert {
        Alert(
            id: id, user: "ada", symbol: try Symbol(symbol), venue: try venue.map { try Venue($0) },
            expression: try AlertExpression(parsing: text), state: state)
    }

    init(_ alerts: Alert...) {
        for alert in alerts { self.index.insert(alert) }
    }

    /// Evaluates one price a second and gives each firing as "price:id#crossing".
    mutating func run(
        _ prices: String, venue: String = "coinbase", isPrimary: Bool = true, flags: TickFlags = []
    ) throws -> [String] {
        var fired: [FiredAlert] = []
        for price in prices.split(separator: " ") {
            self.second += 1
            let now = Timestamp(nanoseconds: self.second * 1_000_000_000)
            let trade = Trade(
                symbol: try Symbol("BTC-USD"), venue: try Venue(venue), price: try #require(Decimal64(String(price))),
                size: nil, side: .unknown, id: nil, eventTime: now, receivedTime: now, flags: flags)
            self.index.evaluate(trade, isPrimary: isPrimary, now: now, into: &fired)
        }
        return fired.map { "\($0.cause.price ?? .zero):\($0.alert.id)#\($0.crossing)" }
    }
}

@Suite("Alert evaluation")
struct AlertEvaluatorTests {
    @Test(
        "A condition fires on its edges only",
        arguments: [
            ("above 70", "69 71 72 70.5", ["71:1#1"]),
            ("above 70", "71 72", ["71:1#1"]),
            ("above 70", "69 71 70 71", ["71:1#1", "71:1#2"]),
            ("above 70", "70", []),
            ("below 70", "71 69 68 71 69", ["69:1#1", "69:1#2"]),
            ("below 70", "69", ["69:1#1"]),
            ("crosses above 70", "71 72", []),
            ("crosses above 70", "69 71 72 69 71", ["71:1#1", "71:1#2"]),
            ("crosses above 70", "69 70 71", ["71:1#1"]),
            ("crosses above 70", "69 71 70 71", ["71:1#1"]),
            ("crosses above 70", "70 71", ["71:1#1"]),
            ("crosses above 70", "71 69 68", []),
            ("crosses below 70", "71 70 69 68 71 69", ["69:1#1", "69:1#2"]),
            ("crosses 70", "69 71 69", ["71:1#1", "69:1#2"]),
            ("crosses 70", "71 70 70 71", []),
            ("crosses 70", "71 70 69", ["69:1#1"]),
            ("above 70 once", "69 71 69 71", ["71:1#1"]),
            ("crosses 70 once", "69 71 69 71", ["71:1#1"]),
            ("above 70 cooldown 3s", "71 69 71 69 71 69 71", ["71:1#1", "71:1#2"]),
            ("above 70.00", "69.99 70.0 70.01", ["70.01:1#1"]),
        ] as [(String, String, [String])])
    func edges(expression: String, prices: String, expected: [String]) throws {
        var market = PriceTape(try PriceTape.alert(expression))
        #expect(try market.run(prices) == expected)
    }

    @Test("It fires once although the price stays beyond for 100 ticks, and again only after it came back")
    func oneCrossingOneFiring() throws {
        for text in ["above 70000", "crosses above 70000"] {
            var market = PriceTape(try PriceTape.alert(text))
            let beyond = (0..<100).map { "7000\(1 + $0 % 9).\($0)" }.joined(separator: " ")
            #expect(try market.run("69999.9 " + beyond).count == 1)
            #expect(try market.run(beyond).isEmpty)
            #expect(try market.run("69999.99 70000.01 " + beyond) == ["70000.01:1#2"])
        }
    }

    @Test("A cooldown swallows the edge: the next firing needs a new one after it")
    func cooldown() throws {
        var market = PriceTape(try PriceTape.alert("above 70 cooldown 10s"))
        #expect(try market.run("71 69 71 71 71 71 71 71 71 71 71 71 71 71") == ["71:1#1"])
        #expect(market.index.suppressedCount == 1)
        #expect(try market.run("69 71") == ["71:1#2"])
    }

    @Test("A clock set back by more than the cooldown does not silence the alert")
    func clockSetBack() throws {
        var market = PriceTape(try PriceTape.alert("above 70 cooldown 10s"))
        market.second = 1_000_000
        #expect(try market.run("71 69").count == 1)
        market.second = 500
        #expect(try market.run("71") == ["71:1#2"])
    }

    @Test(
        "A snapshot or a backfilled trade neither fires nor becomes the last price",
        arguments: [TickFlags.snapshot, .backfilled, [.snapshot, .rounded]])
    func snapshots(flags: TickFlags) throws {
        var market = PriceTape(try PriceTape.alert("crosses above 70"), try PriceTape.alert("above 70", id: 2))
        #expect(try market.run("69 71", flags: flags).isEmpty)
        #expect(try market.run("71") == ["71:2#1"])
        #expect(try market.run("60", flags: flags).isEmpty)
        #expect(try market.run("72").isEmpty)
    }

    @Test("An alert bound to a venue sees that venue only; one without a venue sees the primary venue only")
    func venues() throws {
        var market = PriceTape(
            try PriceTape.alert("above 70", id: 1, venue: "kraken"), try PriceTape.alert("above 70", id: 2))
        #expect(try market.run("71", venue: "coinbase") == ["71:2#1"])
        #expect(try market.run("69", venue: "kraken", isPrimary: false).isEmpty)
        #expect(try market.run("71", venue: "kraken", isPrimary: false) == ["71:1#1"])
        #expect(try market.run("72", venue: "coinbase").isEmpty)
    }

    @Test("An alert set while the price is known is judged against it")
    func insertedLater() throws {
        var market = PriceTape()
        #expect(try market.run("69").isEmpty)
        market.index.insert(try PriceTape.alert("crosses above 70"))
        market.index.insert(try PriceTape.alert("above 60", id: 2))
        market.index.insert(try PriceTape.alert("above 60", id: 3, state: AlertState(isArmed: false, crossingCount: 4)))
        #expect(try market.run("71 72") == ["71:1#1", "71:2#1"])
        #expect(try market.run("59 61") == ["61:2#2", "61:3#5"])
    }

    @Test("After a restart the remembered price decides, so a crossing fires once")
    func restart() throws {
        let state = AlertState(
            isArmed: false, lastPrice: Decimal64("71"), lastFiredAt: Timestamp(nanoseconds: 1), crossingCount: 7)
        var still = PriceTape(try PriceTape.alert("above 70", state: state))
        #expect(try still.run("72 73").isEmpty)
        var back = PriceTape(try PriceTape.alert("above 70", state: state))
        #expect(try back.run("69 73") == ["73:1#8"])
        var seeded = PriceTape()
        seeded.index.seed(
            lastPrice: try #require(Decimal64("69")), symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"))
        seeded.index.insert(try PriceTape.alert("above 70", state: state))
        seeded.index.insert(try PriceTape.alert("crosses 70", id: 2, state: state))
        #expect(try seeded.run("73") == ["73:1#8", "73:2#8"])
    }

    @Test("Saved alerts go on in a new index as they would have in the old one", arguments: ["69", "70", "71"])
    func saved(last: String) throws {
        let kinds = ["above 70", "below 70", "crosses 70", "crosses above 70", "crosses below 70", "above 70 once"]
        var old = PriceTape()
        for (id, text) in kinds.enumerated() { old.index.insert(try PriceTape.alert(text, id: Int64(id))) }
        _ = try old.run("69 71 69 \(last == "70" ? "71 70" : last)")
        var new = PriceTape()
        for alert in old.index.alerts { new.index.insert(alert) }
        #expect(new.index.count == 5)
        // A price on the threshold itself does not say from where it came: only the levels can be compared then.
        let isLevel: (String) -> Bool = { last != "70" || $0.contains(":0#") || $0.contains(":1#") }
        let prices = "69 71 70 69"
        #expect(try new.run(prices).filter(isLevel) == old.run(prices).filter(isLevel))
    }

    @Test("A reload keeps what running alerts remember, and never revives a spent one")
    func reload() throws {
        let kept = try PriceTape.alert("above 70")
        let once = try PriceTape.alert("above 70 once", id: 2)
        let gone = try PriceTape.alert("above 70", id: 3)
        var market = PriceTape(kept, once, gone)
        #expect(try market.run("71").count == 3)
        market.index.reload([kept, once])
        #expect(market.index.count == 1)
        #expect(try market.run("72").isEmpty)
        #expect(try market.run("69 71") == ["71:1#2"])
        var spent = once
        spent.state = AlertState(isArmed: false, crossingCount: 1)
        #expect(spent.isSpent)
        market.index.reload([kept, spent])
        #expect(try market.run("69 71") == ["71:1#3"])
        spent.state.isArmed = true
        market.index.reload([kept, spent])
        #expect(try market.run("69 71") == ["71:1#4", "71:2#2"])
    }

    @Test("A changed condition starts afresh and goes on counting")
    func changedCondition() throws {
        var market = PriceTape(try PriceTape.alert("above 70"))
        #expect(try market.run("71") == ["71:1#1"])
        market.index.insert(try PriceTape.alert("above 60"))
        #expect(try market.run("72") == ["72:1#2"])
    }

    @Test("What a firing says is enough to explain it")
    func firing() throws {
        var index = AlertEvaluator()
        index.insert(try PriceTape.alert("crosses above 70"))
        var fired: [FiredAlert] = []
        for (second, price) in [(1, "69"), (2, "71")] as [(Int64, String)] {
            let time = Timestamp(nanoseconds: second)
            let trade = Trade(
                symbol: try Symbol("BTC-USD"), venue: try Venue("sim"), price: try #require(Decimal64(price)),
                size: nil,
                side: .buy, id: "x", eventTime: time, receivedTime: time)
            index.evaluate(trade, now: Timestamp(nanoseconds: second + 100), into: &fired)
        }
        let firing = try #require(fired.first)
        #expect(fired.count == 1)
        #expect(firing.previousPrice == Decimal64("69"))
        #expect(firing.cause.price == Decimal64("71") && firing.cause.tradeID == "x")
        #expect(firing.crossing == 1 && firing.firedAt == Timestamp(nanoseconds: 102))
        #expect(firing.alert.state.lastFiredAt == firing.firedAt && firing.alert.state.crossingCount == 1)
        #expect(firing.alert.state.isArmed == false)
        #expect(index.state(of: 1)?.isArmed == false)
    }
}
