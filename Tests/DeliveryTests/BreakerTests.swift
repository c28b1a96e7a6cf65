import Delivery
import Testing

@Suite("A lane's breaker")
struct BreakerTests {
    private static let start = ContinuousClock.now

    private static func at(_ seconds: Double) -> ContinuousClock.Instant { self.start.advanced(by: .seconds(seconds)) }

    private static func opened() -> Breaker {
        var breaker = Breaker()
        for count in 1...Breaker.failuresMax { _ = breaker.failed("down", now: Self.at(Double(count - 5)), random: 0) }
        return breaker
    }

    @Test("Closed, it lets through what there is room for")
    func closed() {
        #expect(Breaker().allowance(room: 7, now: Self.start) == 7)
        #expect(Breaker().condition == .closed && Breaker().reason == nil)
    }

    @Test("Five failures in a row open it; an answer in between starts the count again")
    func opens() {
        var breaker = Breaker()
        for second in 0..<4 { #expect(breaker.failed("down", now: Self.at(Double(second)), random: 0) == .none) }
        #expect(breaker.answered() == .none)
        for second in 4..<8 { #expect(breaker.failed("down", now: Self.at(Double(second)), random: 0) == .none) }
        #expect(breaker.failed("down", now: Self.at(8), random: 0) == .opened(until: Self.at(10), reason: "down"))
        #expect(breaker.condition == .open && breaker.reason == "down")
        #expect(breaker.allowance(room: 7, now: Self.at(9.9)) == 0)
    }

    @Test("What one broken connection takes with it counts as one failure")
    func together() {
        var breaker = Breaker()
        for _ in 0..<500 { #expect(breaker.failed("down", now: Self.start, random: 0) == .none) }
        for second in 1...3 { #expect(breaker.failed("down", now: Self.at(Double(second)), random: 0) == .none) }
        #expect(breaker.condition == .closed)
        #expect(breaker.failed("down", now: Self.at(4), random: 0) != .none)
    }

    @Test("After its pause one delivery goes alone, and its answer closes it")
    func halfOpen() {
        var breaker = Self.opened()
        #expect(breaker.allowance(room: 7, now: Self.at(2)) == 1)
        breaker.began(1, now: Self.at(2))
        #expect(breaker.condition == .halfOpen && breaker.allowance(room: 7, now: Self.at(100)) == 0)
        #expect(breaker.answered() == .closed)
        #expect(breaker.allowance(room: 7, now: Self.at(2)) == 7)
    }

    @Test("A failure of that one opens it for twice as long, up to five minutes")
    func doubles() {
        var breaker = Self.opened()
        var time = 2.0
        for pause in [4.0, 8, 16, 32, 64, 128, 256, 300, 300] {
            breaker.began(1, now: Self.at(time))
            let change = breaker.failed("down", now: Self.at(time), random: 0)
            #expect(change == .opened(until: Self.at(time + pause), reason: "down"))
            time += pause
        }
    }

    @Test("With a credential that nothing was sent with yet, the first delivery goes alone")
    func untried() {
        var breaker = Breaker.untried(now: Self.start)
        #expect(breaker.reason == nil && breaker.allowance(room: 7, now: Self.start) == 1)
        breaker.began(1, now: Self.start)
        #expect(breaker.allowance(room: 7, now: Self.start) == 0)
        var refused = breaker
        let change = refused.suspended("bad key", now: Self.start, random: 0)
        #expect(change == .opened(until: Self.at(60), reason: "bad key"))
        #expect(breaker.failed("down", now: Self.start, random: 0) == .opened(until: Self.at(2), reason: "down"))
        #expect(breaker.answered() == .closed)
    }

    @Test("Chance takes up to a quarter off the pause")
    func jitter() {
        var breaker = Breaker()
        var change = Breaker.Change.none
        for count in 1...5 { change = breaker.failed("down", now: Self.at(Double(count - 5)), random: 999) }
        guard case .opened(let until, _) = change else {
            Issue.record("not opened")
            return
        }
        #expect(until >= Self.at(1.5) && until < Self.at(1.51))
    }

    @Test("One that was to go alone and was never sent leaves the turn to another")
    func released() {
        var breaker = Self.opened()
        breaker.began(1, now: Self.at(2))
        breaker.releasedProbe(now: Self.at(3))
        #expect(breaker.allowance(room: 7, now: Self.at(3)) == 1)
        var closed = Breaker()
        closed.releasedProbe(now: Self.start)
        #expect(closed.condition == .closed)
    }

    @Test("Failures of what was sent before it opened count for nothing, their answers close it")
    func stragglers() {
        var breaker = Self.opened()
        #expect(breaker.failed("down", now: Self.start, random: 0) == .none)
        #expect(breaker.answered() == .closed)
    }

    @Test("A refused credential opens it at once for a minute, and longer each time")
    func suspended() {
        var breaker = Breaker()
        let first = breaker.suspended("InvalidProviderToken", now: Self.start, random: 0)
        #expect(first == .opened(until: Self.at(60), reason: "InvalidProviderToken"))
        // Of several at once the first counts.
        #expect(breaker.suspended("InvalidProviderToken", now: Self.at(1), random: 0) == .none)
        breaker.began(1, now: Self.at(60))
        let second = breaker.suspended("InvalidProviderToken", now: Self.at(60), random: 0)
        #expect(second == .opened(until: Self.at(180), reason: "InvalidProviderToken"))
    }

    @Test("A service that asks for a pause gets it, and the longest one counts")
    func throttled() {
        var breaker = Breaker()
        breaker.throttled(for: .seconds(30), now: Self.start)
        breaker.throttled(for: .seconds(10), now: Self.start)
        #expect(breaker.allowance(room: 7, now: Self.at(29)) == 0)
        #expect(breaker.condition == .closed)
        #expect(breaker.allowance(room: 7, now: Self.at(30)) == 7)
    }
}
