import Alerts
import HTTPTypes
import Market
import Store
import Testing

@testable import Tickwire

@Suite("How far an alert is from firing")
struct AlertDistanceTests {
    private static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    private static func tick(_ venue: String, _ price: String?, bid: String? = nil, ask: String? = nil) throws
        -> LastTick
    {
        LastTick(
            symbol: try Symbol("BTC-USD"), venue: try Venue(venue), lastPrice: price.flatMap { Decimal64($0) },
            bid: bid.flatMap { Decimal64($0) }, ask: ask.flatMap { Decimal64($0) }, reference: Decimal64("68000"),
            eventTime: Self.now, receivedTime: Self.now.advanced(byNanoseconds: -30_000_000_000), sequence: 1)
    }

    private static func distance(_ expression: String, venue: String? = nil, _ ticks: [LastTick]) throws
        -> AlertDistance
    {
        let alert = Alert(
            id: 1, user: "ada", symbol: try Symbol("BTC-USD"), venue: try venue.map { try Venue($0) },
            expression: try AlertExpression(parsing: expression))
        return AlertDistance(alert, ticks: ticks, venues: [try Venue("kraken"), try Venue("coinbase")], now: Self.now)
    }

    @Test(
        "It is measured in the unit of the condition",
        arguments: [
            ("above 70000", "500", "500 (0.72%) up from 69500"), ("below 69000", "500", "500 (0.72%) down from 69500"),
            ("above 69000", "0", "true now, at 69500"), ("crosses 69500", "0", "at 69500, on the threshold"),
            ("between 70000 and 71000", "500", "500 (0.72%) up from 69500"),
            ("between 69000 and 71000", "0", "true now, at 69500"),
            ("enters 68000..69000", "500", "500 (0.72%) down from 69500"),
            ("leaves 69000..71000", "500", "500 (0.72%) down from 69500"),
            ("up 3% today", "0.79%", "moved 2.21% of 3%, at 69500"),
            ("down 3% today", "5.21%", "moved -2.21% of 3%, at 69500"),
            ("moves 2000 today", "500", "moved 1500 of 2000, at 69500"),
            ("spread above 20", "10", "spread 10 of 20, at 69500"),
            ("diverges 1% between kraken and coinbase", "0.86%", "apart 0.14% of 1%, at 69500"),
        ])
    func units(expression: String, missing: String, text: String) throws {
        let ticks = [try Self.tick("coinbase", "69600"), try Self.tick("kraken", "69500", bid: "69495", ask: "69505")]
        let distance = try Self.distance(expression, ticks)
        #expect(distance.missing?.description == missing)
        #expect(distance.text == text)
    }

    @Test("What last prices do not tell is not guessed")
    func unknown() throws {
        #expect(try Self.distance("above 1", []).text == "no price yet")
        #expect(try Self.distance("spread above 1", [Self.tick("kraken", "1")]).text == "no quote yet")
        let window = try Self.distance("moves 5% in 10m", [Self.tick("kraken", "69500")])
        #expect(window.missing == nil && window.price == Decimal64("69500"))
        #expect(try Self.distance("diverges 1% between kraken and bitstamp", [Self.tick("kraken", "1")]).missing == nil)
    }

    @Test("A bound alert looks at its venue, a free one at the best venue that has a price")
    func venues() throws {
        let ticks = [try Self.tick("coinbase", "69600"), try Self.tick("kraken", nil)]
        #expect(try Self.distance("above 70000", ticks).price == Decimal64("69600"))
        #expect(try Self.distance("above 70000", venue: "kraken", ticks).text == "no price yet")
        #expect(try Self.distance("above 70000", [Self.tick("sim", "5")]).price == Decimal64("5"))
    }
}

@Suite("Trials of an expression")
struct AlertTrialTests {
    private static func steps(_ expression: String, _ inputs: [String], every: Duration = .seconds(1)) throws
        -> [String]
    {
        let trial = AlertTrial(
            expression: try AlertExpression(parsing: expression), symbol: try Symbol("TEST"), venue: try Venue("test"),
            interval: every)
        return try trial.run(inputs).map(\.reason)
    }

    @Test("Each price says whether it fires, and why not")
    func reasons() throws {
        #expect(
            try Self.steps(
                "crosses above 70000 rearm 0.5%", ["69990", "70000", "70001", "69999", "70002", "69600", "70003"])
                == [
                    "does not fire: a crossing needs a price on the other side first",
                    "does not fire: 70000 touches 70000, which is on neither side", "fires",
                    "does not fire: it has fired, and must come back by 0.5% first",
                    "does not fire: it has fired, and must come back by 0.5% first",
                    "does not fire: it crosses in the other direction", "fires",
                ])
    }

    @Test("Windows, quotes and two venues are tried with the evaluator of the service")
    func kinds() throws {
        #expect(try Self.steps("moves 5% in 10m", ["100", "103", "105.5"]).last == "fires")
        #expect(try Self.steps("moves 5% in 10m", ["100", "103"]).last == "does not fire: 3% of 5%")
        #expect(try Self.steps("moves 5% in 10m", ["100", "105"], every: .seconds(1_200)).last != "fires")
        #expect(try Self.steps("spread above 0.5%", ["99.9/100.1", "99/101"]).last == "fires")
        #expect(
            try Self.steps("diverges 1% between coinbase and kraken", ["100@coinbase", "100.5@kraken", "102@coinbase"])
                .last
                == "fires")
        #expect(try Self.steps("silent for 1m", ["1", "1"], every: .seconds(90)).last == "fires")
        #expect(
            try Self.steps("above 10 confirm 3 ticks", ["9", "11", "12", "13"]).suffix(3)
                == [
                    "is true; waits for 2 more ticks to confirm it", "is true; waits for 1 more tick to confirm it",
                    "fires",
                ])
        #expect(
            try Self.steps("above 10 once", ["11", "9", "11"]).last
                == "does not fire: it has fired, and never fires again")
    }

    @Test("An input that is none is refused", arguments: ["", "x", "-1", "0", "1@", "1@Kraken", "2/1", "1/", "1/2/3"])
    func badInput(text: String) {
        #expect(throws: AlertTrialError.badInput(text)) { try AlertTrial.Input(text) }
    }
}

@Suite("Bodies of alert requests")
struct AlertRequestBodyTests {
    @Test(
        "A body that is not as documented is refused with the member",
        arguments: [
            ("{", nil), ("[]", nil), ("1", nil), (#"{"a":1}"#, "a"), (#"{"a":null}"#, "a"), (#"{"b":"x"}"#, "b"),
            (#"{"list":"x"}"#, "list"), (#"{"list":[1]}"#, "list"), (#"{"c":"x"}"#, "c"),
        ] as [(String, String?)])
    func refused(json: String, member: String?) {
        let error = #expect(throws: AlertAPIError.self) {
            try AlertRequestBody(Array(json.utf8), members: ["a", "none", "list"], lists: ["list"], nullable: ["none"])
        }
        #expect(error?.status == .badRequest)
        #expect(error?.member == member)
    }

    @Test("A missing member, a null and a text are three things")
    func kinds() throws {
        let body = try AlertRequestBody(
            Array(#"{"a":"x","none":null,"list":["1","2"]}"#.utf8), members: ["a", "none", "list", "other"],
            lists: ["list"], nullable: ["none"])
        #expect(body.text("a") == "x" && body.has("none") && body.text("none") == nil)
        #expect(!body.has("other") && body.texts("list") == ["1", "2"])
        #expect(try AlertRequestBody([], members: []).isEmpty)
    }
}
