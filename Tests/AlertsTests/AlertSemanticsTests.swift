import Alerts
import Market
import Testing

/// The table of docs/alerts.md, one rule a test.
@Suite("What alerts mean")
struct AlertSemanticsTests {
    private func fired(_ condition: AlertCondition, _ options: AlertOptions = AlertOptions(), _ line: String) throws
        -> [String]
    {
        var tape = try AlertTape((condition, options))
        return try tape.run(line)
    }

    @Test("between fires at the first price inside, bounds included, and again only after it was outside")
    func between() throws {
        #expect(
            try self.fired(.inside(range("10", "20")), AlertOptions(), "10 15 21 20 9 15") == ["10@1", "20@4", "15@6"])
    }

    @Test("enters and leaves need a price on the other side first")
    func entersAndLeaves() throws {
        #expect(try self.fired(.enters(range("10", "20")), AlertOptions(), "15 16 25 20 9 15") == ["20@4", "15@6"])
        #expect(try self.fired(.leaves(range("10", "20")), AlertOptions(), "25 15 20 21 15 9") == ["21@4", "9@6"])
    }

    @Test("With rearm a flapping price fires once, until it has come back by the margin")
    func rearm() throws {
        let above = AlertCondition.level(.above, threshold: price("100"))
        #expect(
            try self.fired(above, AlertOptions(rearm: percent("0.5")), "101 99.9 101 99.6 101 99.5 101") == [
                "101@1", "101@7",
            ])
        #expect(try self.fired(above, AlertOptions(rearm: absolute("2")), "101 98.1 101 98 101") == ["101@1", "101@5"])
    }

    @Test("crosses P rearm X turns round only when the price is X on the other side")
    func crossesRearm() throws {
        let crosses = AlertCondition.crossing(.either, threshold: price("100"))
        #expect(
            try self.fired(crosses, AlertOptions(rearm: absolute("2")), "99 101 99 101 98.5 98 99 101 102") == [
                "101@2", "98@6", "102@9",
            ])
    }

    @Test("again fires when the price has moved on by the amount since the last firing, in the condition's direction")
    func again() throws {
        let above = AlertCondition.level(.above, threshold: price("100"))
        #expect(
            try self.fired(above, AlertOptions(again: absolute("5")), "101 105 106 107 101.5 111 99 101") == [
                "101@1", "106@3", "111@6", "101@8",
            ])
    }

    @Test("again held back by a cooldown fires with the first tick after it")
    func againAfterCooldown() throws {
        let above = AlertCondition.level(.above, threshold: price("100"))
        let options = AlertOptions(cooldown: .seconds(5), again: absolute("5"))
        #expect(try self.fired(above, options, "101 107 107 107 107 107 107") == ["101@1", "107@6"])
    }

    @Test("again of a new low goes on until the price has come back; then only the next new low fires")
    func againOfExtremes() throws {
        let low = AlertCondition.newLow(window: .seconds(5))
        let options = AlertOptions(again: absolute("1"))
        #expect(
            try self.fired(low, options, "100 100 100 100 100 100 99 98.5 98 100.5 +20s 97 96 95.5") == [
                "99@7", "98@9", "96@32",
            ])
    }

    @Test("A new low that is to be confirmed disarms with its firing, also where again was reached before")
    func againOfConfirmedExtremes() throws {
        let low = AlertCondition.newLow(window: .seconds(5))
        let options = AlertOptions(confirmation: .time(.seconds(1)), again: absolute("0.1"))
        var tape = try AlertTape((low, options))
        #expect(try tape.run("101 101 101 101 101 101 100 +2s") == ["100@8"])
        // Nothing was traded for longer than the window: there is nothing that 98.9 is a new low of.
        #expect(try tape.run("102 +30s 98.9 +3s").isEmpty)
        #expect(try tape.run("98.8 +3s").map { $0.prefix(5) } == ["98.8@"])
        #expect(tape.index.state(of: 1)?.isArmed == false)
    }

    @Test("confirm n ticks: a spike of one bad tick fires nothing, and says so")
    func confirmTicks() throws {
        var tape = try AlertTape((.level(.above, threshold: price("100")), AlertOptions(confirmation: .ticks(2))))
        #expect(try tape.run("99 200 99").isEmpty)
        #expect(tape.index.state(of: 1)?.evaluations.map(\.outcome) == [.unconfirmed])
        #expect(try tape.run("101 102 103") == ["102@5"])
    }

    @Test("A crossing counts as the first of its ticks and must stay on the far side")
    func confirmCrossing() throws {
        let crosses = AlertCondition.crossing(.above, threshold: price("100"))
        #expect(
            try self.fired(crosses, AlertOptions(confirmation: .ticks(2)), "99 101 100 101 99 101 101") == ["101@7"])
    }

    @Test("confirm 5s fires when the time is over, also without a tick")
    func confirmTime() throws {
        let above = AlertCondition.level(.above, threshold: price("100"))
        let options = AlertOptions(confirmation: .time(.seconds(5)))
        #expect(try self.fired(above, options, "101 +3s 99 101 +20s") == ["101@11"])
        #expect(try self.fired(above, options, "101 +3s 99 101 102 +20s 103") == ["102@11"])
    }

    @Test("once is spent with its firing, until T ends it whatever it is")
    func onceAndUntil() throws {
        let above = AlertCondition.level(.above, threshold: price("100"))
        #expect(try self.fired(above, AlertOptions(mode: .once), "101 99 101") == ["101@1"])
        let until = Timestamp(nanoseconds: (AlertTape.start + 3) * 1_000_000_000)
        var tape = try AlertTape((above, AlertOptions(until: until)))
        #expect(try tape.run("99 99 101").isEmpty)
        #expect(tape.index.count == 0 && tape.index.takeExpired() == [1])
    }

    @Test("A snooze uses the edge up")
    func snooze() throws {
        var tape = try AlertTape()
        var alert = try AlertTape.alert(.level(.above, threshold: price("100")))
        alert.snoozedUntil = Timestamp(nanoseconds: (AlertTape.start + 4) * 1_000_000_000)
        tape.index.insert(alert)
        #expect(try tape.run("101 101 101 101 101 99 101") == ["101@7"])
        #expect(tape.index.state(of: 1)?.evaluations.map(\.outcome) == [.snoozed, .fired])
    }

    @Test("More firings than the storm guard allows: a last one says so, and the alert is out")
    func storm() throws {
        var tape = try AlertTape()
        tape.index.stormGuard = StormGuard(firingsMax: 2, window: .seconds(60))
        let alert = try AlertTape.alert(.level(.above, threshold: price("100")))
        tape.index.insert(alert)
        #expect(try tape.run("101 99 101 99 101 99 101") == ["101@1", "101@3", "101@5!"])
        tape.index.reload([alert])
        #expect(tape.index.count == 0)
        var resumed = alert
        resumed.state = AlertState(isArmed: true, crossingCount: 3)
        tape.index.reload([resumed])
        #expect(try tape.run("99 101") == ["101@9"])
    }

    @Test("moves are measured from the window's extreme, exact to a step")
    func moves() throws {
        let up = AlertCondition.move(.up, by: percent("5"), over: .window(.seconds(10)))
        #expect(try self.fired(up, AlertOptions(), "100 104.99 105") == ["105@3"])
        // The low of second 1 leaves when its step, which ends with second 2, is ten seconds old.
        #expect(try self.fired(up, AlertOptions(), "100 102 +8s 105") == ["105@11"])
        #expect(try self.fired(up, AlertOptions(), "100 102 +9s 105").isEmpty)
        let either = AlertCondition.move(.either, by: absolute("3"), over: .window(.seconds(60)))
        #expect(try self.fired(either, AlertOptions(), "100 102 103 101 100 99") == ["103@3", "100@5"])
    }

    @Test("A firing says from where it measured")
    func measurement() throws {
        var tape = try AlertTape((.move(.down, by: percent("3"), over: .window(.seconds(60))), AlertOptions()))
        var fired: [FiredAlert] = []
        for text in ["100", "104", "100"] {
            tape.now += 1_000_000_000
            tape.index.evaluate(try tape.trade(text), now: tape.time, into: &fired)
        }
        #expect(fired.first?.measurement?.amount == percent("3.8462"))
        #expect(fired.first?.measurement?.reference == price("104"))
        #expect(
            fired.first?.measurement?.referenceTime == Timestamp(nanoseconds: (AlertTape.start + 2) * 1_000_000_000))
    }

    @Test("today is measured from the first price after midnight")
    func today() throws {
        let down = AlertCondition.move(.down, by: percent("3"), over: .today)
        #expect(try self.fired(down, AlertOptions(), "100 98 97 +36000s 97 94.1 94") == ["97@3", "94@36006"])
    }

    @Test("A new high needs the whole window known, and re-arms 0.1 % below the newest extreme")
    func newHigh() throws {
        let high = AlertCondition.newHigh(window: .seconds(10))
        #expect(
            try self.fired(high, AlertOptions(), "100 101 102 +8s 100 102.5 103 102.9 103.1 102.8 103.2") == [
                "102.5@13", "103.2@18",
            ])
    }

    @Test("volume counts the window's sizes; a multiple waits for twenty windows")
    func volume() throws {
        let above = AlertCondition.volume(above: absolute("10"), window: .seconds(10))
        #expect(try self.fired(above, AlertOptions(), "1x6 1x4 1x1 +20s 1x10.5") == ["1@3", "1@24"])
        var tape = try AlertTape((.volume(above: .multiple(price("5")), window: .seconds(10)), AlertOptions()))
        #expect(try tape.run("1x1 1x50 " + String(repeating: "+9s 1x1 ", count: 20)).isEmpty)
        #expect(try tape.run("+9s 1x1 1x60 1x60").count == 1)
    }

    @Test("spread needs both sides and is compared with the middle")
    func spread() throws {
        let above = AlertCondition.spread(above: percent("1"))
        #expect(
            try self.fired(above, AlertOptions(), "100 q99.5/100.5 q99.4/100.5 q99/101 q100/100 q99/101") == [
                "100@3", "100@6",
            ])
    }

    @Test("silent fires when it is due, once, and again after the next tick")
    func silence() throws {
        #expect(
            try self.fired(.silence(.seconds(10)), AlertOptions(), "100 +60s 101 q1/2 +11s") == ["100@11", "101@73"])
        #expect(try self.fired(.silence(.seconds(10)), AlertOptions(), "+60s") == ["-@10"])
    }

    @Test("Silence of a stock counts inside the regular session only")
    func silenceOfStock() throws {
        var tape = try AlertTape()
        tape.index.setCalendar(.xnys, of: try Symbol("BTC-USD"))
        tape.index.insert(try AlertTape.alert(.silence(.seconds(60))), now: tape.time)
        // Half an hour before the opening.
        #expect(try tape.run("100 +1798s").isEmpty)
        #expect(try tape.run("+62s") == ["100@1860"])
    }

    @Test("diverges compares the venues' last prices while both are young")
    func divergence() throws {
        let diverges = AlertCondition.divergence(percent("1"), try Venue("coinbase"), try Venue("kraken"))
        #expect(try self.fired(diverges, AlertOptions(), "100 @kraken 100.9 101 100 101") == ["101@3", "101@5"])
        #expect(try self.fired(diverges, AlertOptions(), "100 @kraken +60s 101").isEmpty)
    }

    @Test("hours: outside them the edge is used up")
    func hours() throws {
        var tape = try AlertTape()
        tape.index.setCalendar(.xnys, of: try Symbol("BTC-USD"))
        tape.index.insert(try AlertTape.alert(.level(.above, threshold: price("100")), AlertOptions(hours: .regular)))
        #expect(try tape.run("101 +1800s 101 99 101") == ["101@1804"])
        #expect(tape.index.state(of: 1)?.evaluations.map(\.outcome) == [.closed, .fired])
    }
}
