import Alerts
import Market
import Testing

@Suite("Alerts over restarts and holes")
struct AlertContinuityTests {
    private static let conditions: [(AlertCondition, AlertOptions)] = [
        (.level(.above, threshold: price("100")), AlertOptions(rearm: absolute("2"))),
        (.crossing(.either, threshold: price("100")), AlertOptions(rearm: absolute("1"))),
        (.crossing(.above, threshold: price("100")), AlertOptions(confirmation: .ticks(3))),
        (.crossing(.below, threshold: price("100")), AlertOptions(confirmation: .time(.seconds(4)))),
        (.move(.up, by: absolute("3"), over: .window(.seconds(20))), AlertOptions(again: absolute("1"))),
        (.newHigh(window: .seconds(15)), AlertOptions()),
        (.volume(above: absolute("12"), window: .seconds(10)), AlertOptions(cooldown: .seconds(5))),
        (.silence(.seconds(7)), AlertOptions()), (.level(.below, threshold: price("98")), AlertOptions(mode: .once)),
    ]

    @Test("An index made from states and history goes on as the old one does", arguments: UInt64(0)..<80)
    func restart(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var old = try AlertTape()
        for (number, (condition, options)) in Self.conditions.enumerated() {
            old.index.insert(try AlertTape.alert(condition, options, id: Int64(number + 1)), now: old.time)
        }
        var mantissa: Int64 = 100
        func steps(_ count: Int) -> [String] {
            (0..<count).map { _ in
                mantissa = min(max(mantissa + Int64.random(in: -2...2, using: &random), 94), 106)
                let pause =
                    Int.random(in: 0..<6, using: &random) == 0 ? "+\(Int.random(in: 1...9, using: &random))s " : ""
                return "\(pause)\(mantissa)x\(Int.random(in: 1...4, using: &random))"
            }
        }
        var bars: [AlertHistory.Bar] = []
        for step in steps(Int.random(in: 5...60, using: &random)) {
            _ = try old.run(step)
            let parts = step.split(separator: " ").last?.split(separator: "x").map(String.init) ?? []
            bars.append(
                AlertHistory.Bar(
                    start: old.time, length: .nanoseconds(1), open: price(parts[0]), high: price(parts[0]),
                    low: price(parts[0]),
                    close: price(parts[0]), volume: price(parts[1])))
        }
        var new = try AlertTape()
        new.now = old.now
        let alerts = old.index.alerts
        for alert in alerts { new.index.insert(alert) }
        #expect(new.index.historyNeeded(for: try Symbol("BTC-USD"), venue: nil) == .seconds(20))
        new.index.seed(
            AlertHistory(
                symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lastPrice: bars.last?.close,
                lastTime: bars.last?.start, bars: bars, completeSince: bars.first?.start))
        let rest = steps(60).joined(separator: " ")
        #expect(try new.run(rest) == old.run(rest), "seed \(seed)")
        #expect(new.index.alerts.map(\.state.crossingCount) == old.index.alerts.map(\.state.crossingCount))
    }

    private func missed(
        _ tape: inout AlertTape, _ prices: String, from second: Int64, _ lateness: AlertLateness
    ) throws -> [FiredAlert] {
        var fired: [FiredAlert] = []
        let trades = try prices.split(separator: " ").enumerated().map { number, text in
            let time = Timestamp(nanoseconds: (AlertTape.start + second + Int64(number)) * 1_000_000_000)
            var trade = try tape.trade(String(text), time: time)
            trade.flags = .backfilled
            return trade
        }
        tape.index.evaluateMissed(trades, lateness: lateness, now: tape.time, into: &fired)
        return fired
    }

    @Test("After a restart what was missed fires once, late, with the time at which it is found")
    func missedByRestart() throws {
        var tape = try AlertTape((.crossing(.above, threshold: price("100")), AlertOptions()))
        #expect(try tape.run("99").isEmpty)
        tape.now += 600_000_000_000
        let lateness = AlertLateness(
            reason: .restart, since: Timestamp(nanoseconds: (AlertTape.start + 1) * 1_000_000_000))
        let fired = try self.missed(&tape, "101 99 101 99", from: 100, lateness)
        #expect(fired.map(AlertTape.text) == ["101@601"])
        #expect(fired.first?.lateness == lateness)
        #expect(fired.first?.cause.eventTime == Timestamp(nanoseconds: (AlertTape.start + 100) * 1_000_000_000))
        #expect(try tape.run("101") == ["101@602"])
    }

    @Test("Only what turns true with the first trade behind a hole is late")
    func hole() throws {
        var tape = try AlertTape((.level(.above, threshold: price("100")), AlertOptions()))
        _ = try tape.run("99")
        let lateness = AlertLateness(reason: .gap, since: tape.time)
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: lateness)
        var fired: [FiredAlert] = []
        for text in ["101", "99", "101"] {
            tape.now += 1_000_000_000
            tape.index.evaluate(try tape.trade(text), now: tape.time, into: &fired)
        }
        #expect(fired.map(\.lateness) == [lateness, nil])
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: lateness)
        for text in ["98", "101"] {
            tape.now += 1_000_000_000
            tape.index.evaluate(try tape.trade(text), now: tape.time, into: &fired)
        }
        #expect(fired.map(\.lateness) == [lateness, nil, nil])
    }

    @Test(
        "What turned true behind a hole is late however it is confirmed",
        arguments: [AlertConfirmation.ticks(3), .time(.seconds(2))])
    func confirmedHole(confirmation: AlertConfirmation) throws {
        var tape = try AlertTape(
            (.level(.above, threshold: price("100")), AlertOptions(confirmation: confirmation)),
            (.level(.above, threshold: price("101")), AlertOptions(confirmation: confirmation)))
        _ = try tape.run("99")
        let lateness = AlertLateness(reason: .gap, since: tape.time)
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: lateness)
        var fired: [FiredAlert] = []
        for text in ["101", "102", "102", "102", "102"] {
            tape.now += 1_000_000_000
            tape.index.evaluate(try tape.trade(text), now: tape.time, into: &fired)
        }
        #expect(fired.map(\.alert.id) == [1, 2])
        #expect(fired.map(\.lateness) == [lateness, nil])
    }

    @Test("A spread is late with the first quote behind a hole, whatever was traded before it")
    func spreadHole() throws {
        var tape = try AlertTape((.spread(above: absolute("1")), AlertOptions()))
        _ = try tape.run("99")
        let lateness = AlertLateness(reason: .gap, since: tape.time)
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: lateness)
        _ = try tape.run("99 100")
        var fired: [FiredAlert] = []
        for ask in ["102", "100.5", "102"] {
            tape.now += 1_000_000_000
            let quote = Quote(
                symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), bid: price("100"), ask: price(ask),
                eventTime: tape.time, receivedTime: tape.time)
            tape.index.evaluate(quote, now: tape.time, into: &fired)
        }
        #expect(fired.map(\.lateness) == [lateness, nil])
    }

    @Test("Trades that fill a hole are judged against the price before that hole, not before a later one")
    func twoHoles() throws {
        var tape = try AlertTape((.crossing(.above, threshold: price("100")), AlertOptions()))
        _ = try tape.run("99")
        let first = AlertLateness(reason: .gap, since: tape.time)
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: first)
        _ = try tape.run("+20s 98 100")
        let second = AlertLateness(reason: .gap, since: tape.time)
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: second)
        _ = try tape.run("+20s 99")
        #expect(try self.missed(&tape, "99 101 99", from: 5, first).map(\.lateness) == [first])
    }

    @Test("Trades that fill a hole afterwards fire what nobody has told since it began, once")
    func filledHole() throws {
        var tape = try AlertTape(
            (.level(.above, threshold: price("100")), AlertOptions()),
            (.level(.above, threshold: price("105")), AlertOptions()),
            (.crossing(.either, threshold: price("103")), AlertOptions(mode: .once)),
            (.move(.up, by: percent("10"), over: .window(.seconds(60))), AlertOptions()))
        _ = try tape.run("99")
        let lateness = AlertLateness(reason: .gap, since: tape.time)
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: lateness)
        #expect(try tape.run("+20s 101") == ["101@22"])
        let fired = try self.missed(&tape, "104 98 106 104 110", from: 5, lateness)
        #expect(fired.map(AlertTape.text) == ["3:104@22", "2:106@22", "4:110@22"])
        #expect(fired.allSatisfy { $0.lateness == lateness })
        #expect(try self.missed(&tape, "106", from: 10, lateness).isEmpty)
        #expect(tape.index.takeChanges()[2]?.crossingCount == 1)
        // The live price was above 100 and below 105 all the time.
        #expect(try tape.run("106") == ["2:106@23"])
    }

    @Test("A re-arm after the hole does not count as armed when it began")
    func disarmedHole() throws {
        var tape = try AlertTape((.level(.above, threshold: price("100")), AlertOptions()))
        #expect(try tape.run("101").count == 1)
        let lateness = AlertLateness(reason: .gap, since: Timestamp(nanoseconds: tape.now + 1))
        tape.index.noteHole(symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lateness: lateness)
        _ = try tape.run("+20s 99")
        #expect(try self.missed(&tape, "102 103", from: 5, lateness).isEmpty)
        #expect(try self.missed(&tape, "99 103", from: 7, lateness).map(AlertTape.text) == ["103@22"])
    }

    @Test("An alert explains where it stands")
    func explanation() throws {
        var tape = try AlertTape(
            (.level(.above, threshold: price("100")), AlertOptions()),
            (.newHigh(window: .seconds(60)), AlertOptions()), (.silence(.seconds(30)), AlertOptions()))
        #expect(tape.index.explain(id: 1, now: tape.time)?.waiting == [.firstTick])
        _ = try tape.run("80")
        let level = try #require(tape.index.explain(id: 1, now: tape.time))
        #expect(
            level.threshold == price("100") && level.distance == price("20") && level.distancePercent == price("25"))
        #expect(level.waiting == [.condition])
        #expect(
            tape.index.explain(id: 2, now: tape.time)?.waiting == [
                .history(known: .zero, needed: .seconds(60)), .condition,
            ])
        #expect(
            tape.index.explain(id: 3, now: tape.time)?.waiting == [
                .silence(until: Timestamp(nanoseconds: tape.now + 30_000_000_000))
            ])
        _ = try tape.run("101")
        #expect(tape.index.explain(id: 1, now: tape.time)?.waiting == [.rearm(nil)])
        #expect(tape.index.explain(id: 4, now: tape.time) == nil)
    }

    @Test("A window holds at most one price or sum a step, however many ticks come", arguments: [1, -1, 0] as [Int64])
    func memory(drift: Int64) throws {
        // A steadily falling price makes every step's highest one count, a rising one every lowest.
        var tape = try AlertTape(
            (.move(.either, by: percent("90"), over: .window(.seconds(3_600))), AlertOptions()),
            (.volume(above: absolute("1000000"), window: .seconds(3_600)), AlertOptions()),
            (.volume(above: .multiple(price("1000")), window: .seconds(3_600)), AlertOptions()))
        var fired: [FiredAlert] = []
        for number in 0..<20_000 as Range<Int64> {
            tape.now += 500_000_000
            var trade = try tape.trade("1x1")
            trade.price = try Decimal64(mantissa: 10_000_000 + drift * number, exponent: -2)
            tape.index.evaluate(trade, now: tape.time, into: &fired)
        }
        #expect(tape.index.heldCount <= 4 * 602)
        #expect(tape.index.heldCount > 602)
        for id in 1...3 as ClosedRange<Int64> { tape.index.remove(id: id) }
        #expect(tape.index.heldCount == 0 && tape.index.count == 0)
    }
}
