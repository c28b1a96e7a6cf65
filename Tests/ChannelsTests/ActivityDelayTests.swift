import Testing

@testable import Channels

@Suite("Activities that may be undone")
struct ActivityDelayTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { self.start + .seconds(seconds) }

    @Test("What cannot be undone is told at once")
    func passing() {
        var delay = ActivityDelay()
        let activities: [ChannelActivity] = [
            .occupied(channel: "a"), .memberAdded(channel: "presence-a", userID: "1"),
            .clientEvent(channel: "private-a", event: "client-x", data: "{}", socketID: "1.2", userID: nil),
            .subscriptionCount(channel: "a", count: 2), .cacheMiss(channel: "cache-a"),
        ]
        for activity in activities { #expect(delay.happened(activity, now: self.at(0)) == [activity]) }
    }

    @Test("A vacated channel is told three seconds later")
    func vacated() {
        var delay = ActivityDelay()
        #expect(delay.happened(.vacated(channel: "a"), now: self.at(0)) == [])
        #expect(delay.deadline == self.at(3))
        #expect(delay.timerFired(now: self.at(2.9)) == [])
        #expect(delay.timerFired(now: self.at(3)) == [.vacated(channel: "a")])
        #expect(delay.deadline == nil)
        #expect(delay.happened(.occupied(channel: "a"), now: self.at(4)) == [.occupied(channel: "a")])
    }

    @Test("A subscriber that is back in time silences both halves")
    func suppressed() {
        var delay = ActivityDelay()
        #expect(delay.happened(.vacated(channel: "a"), now: self.at(0)) == [])
        #expect(delay.happened(.occupied(channel: "a"), now: self.at(2.9)) == [])
        #expect(delay.timerFired(now: self.at(10)) == [])
        #expect(delay.happened(.memberRemoved(channel: "presence-a", userID: "1"), now: self.at(10)) == [])
        #expect(delay.happened(.memberAdded(channel: "presence-a", userID: "1"), now: self.at(11)) == [])
        #expect(delay.timerFired(now: self.at(20)) == [])
    }

    @Test("A channel and its members are told apart, in the order they went")
    func subjects() {
        var delay = ActivityDelay()
        let goings: [ChannelActivity] = [
            .memberRemoved(channel: "presence-a", userID: "1"), .memberRemoved(channel: "presence-a", userID: "2"),
            .vacated(channel: "presence-a"),
        ]
        for going in goings { #expect(delay.happened(going, now: self.at(0)) == []) }
        let coming = ChannelActivity.memberAdded(channel: "presence-b", userID: "1")
        #expect(delay.happened(coming, now: self.at(1)) == [coming])
        #expect(delay.timerFired(now: self.at(3)) == goings)
    }

    @Test("Each going waits its own three seconds")
    func again() {
        var delay = ActivityDelay()
        _ = delay.happened(.vacated(channel: "a"), now: self.at(0))
        _ = delay.happened(.occupied(channel: "a"), now: self.at(1))
        _ = delay.happened(.vacated(channel: "a"), now: self.at(2))
        #expect(delay.timerFired(now: self.at(3)) == [])
        #expect(delay.timerFired(now: self.at(5)) == [.vacated(channel: "a")])
    }

    @Test("A burst of joiners misses a cached event once")
    func cacheMisses() {
        var delay = ActivityDelay()
        let miss = ChannelActivity.cacheMiss(channel: "cache-a")
        #expect(delay.happened(miss, now: self.at(0)) == [miss])
        #expect(delay.happened(miss, now: self.at(1)) == [])
        #expect(delay.timerFired(now: self.at(3)) == [])
        #expect(delay.happened(miss, now: self.at(4)) == [miss])
    }

    @Test("At the end nothing is held back")
    func flush() {
        var delay = ActivityDelay()
        _ = delay.happened(.vacated(channel: "a"), now: self.at(0))
        _ = delay.happened(.vacated(channel: "b"), now: self.at(1))
        #expect(delay.flush() == [.vacated(channel: "a"), .vacated(channel: "b")])
        #expect(delay.deadline == nil)
    }

    @Test("Beyond the bound goings pass without waiting")
    func bound() {
        var delay = ActivityDelay(limits: .init(pendingMax: 1))
        #expect(delay.happened(.vacated(channel: "a"), now: self.at(0)) == [])
        #expect(delay.happened(.vacated(channel: "b"), now: self.at(0)) == [.vacated(channel: "b")])
    }

    @Test("What comes and goes all the time takes no room")
    func flapping() {
        var delay = ActivityDelay()
        for _ in 0..<100_000 {
            _ = delay.happened(.vacated(channel: "a"), now: self.at(0))
            _ = delay.happened(.occupied(channel: "a"), now: self.at(0))
        }
        #expect(delay.flush() == [])
    }
}
