import Testing

@testable import Channels

@Suite("The queue of a webhook endpoint")
struct WebhookQueueTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { self.start + .seconds(seconds) }
    private func occupied(_ channel: String) -> WebhookEvent { WebhookEvent(.occupied(channel: channel)) }

    private func body(_ channels: String...) -> WebhookQueue.Step {
        let events = channels.map { #"{"name":"channel_occupied","channel":"\#($0)"}"# }
        return .send(Array(#"{"time_ms":7,"events":[\#(events.joined(separator: ","))]}"#.utf8))
    }

    @Test("Unbatched, each request carries one event, one at a time, in order")
    func unbatched() {
        var queue = WebhookQueue(isBatched: false)
        #expect(queue.next(now: self.at(0), milliseconds: 7) == .doNothing)
        queue.append(self.occupied("a"), now: self.at(0))
        queue.append(self.occupied("b"), now: self.at(0))
        #expect(queue.next(now: self.at(0), milliseconds: 7) == self.body("a"))
        #expect(queue.next(now: self.at(0), milliseconds: 7) == .doNothing)
        queue.finished(.delivered, now: self.at(1), random: 0)
        #expect(queue.next(now: self.at(1), milliseconds: 7) == self.body("b"))
        queue.finished(.delivered, now: self.at(1), random: 0)
        #expect(queue.next(now: self.at(1), milliseconds: 7) == .doNothing)
        #expect(queue.counters.delivered == 2)
    }

    @Test("Batched, a request waits a moment for company")
    func batched() {
        var queue = WebhookQueue(isBatched: true)
        queue.append(self.occupied("a"), now: self.at(0))
        #expect(queue.next(now: self.at(0), milliseconds: 7) == .wait(until: self.at(0.1)))
        queue.append(self.occupied("b"), now: self.at(0.05))
        #expect(queue.next(now: self.at(0.1), milliseconds: 7) == self.body("a", "b"))
    }

    @Test("A full batch does not wait")
    func fullBatch() {
        var limits = WebhookQueue.Limits()
        limits.batchMax = 2
        var queue = WebhookQueue(isBatched: true, limits: limits)
        for name in ["a", "b", "c"] { queue.append(self.occupied(name), now: self.at(0)) }
        #expect(queue.next(now: self.at(0), milliseconds: 7) == self.body("a", "b"))
        queue.finished(.delivered, now: self.at(0), random: 0)
        #expect(queue.next(now: self.at(0), milliseconds: 7) == .wait(until: self.at(0.1)))
    }

    @Test("A request that fails is repeated unchanged, after pauses that double up to a minute")
    func pauses() {
        var queue = WebhookQueue(isBatched: false)
        queue.append(self.occupied("a"), now: self.at(0))
        var now = self.at(0)
        var pauses: [Duration] = []
        while case .send = queue.next(now: now, milliseconds: 7) {
            #expect(queue.isFailing == !pauses.isEmpty)
            queue.finished(.failed, now: now, random: .max)
            guard case .wait(let until) = queue.next(now: now, milliseconds: 8) else { break }
            pauses.append(until - now)
            now = until
        }
        let seconds = pauses.map { Int(($0 / .seconds(1)).rounded()) }
        #expect(seconds == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60])
        // The tenth pause would have ended after five minutes: the event is given up, the pause stays.
        #expect(queue.counters.droppedExpired == 1)
        #expect(queue.counters.retries == 9)
        #expect(queue.counters.waiting == 0)
    }

    @Test("Half of a pause is left to chance")
    func jitter() {
        for (random, seconds) in [(UInt64.min, 0.5), (.max / 2, 0.75)] {
            var queue = WebhookQueue(isBatched: false)
            queue.append(self.occupied("a"), now: self.at(0))
            _ = queue.next(now: self.at(0), milliseconds: 7)
            queue.finished(.failed, now: self.at(0), random: random)
            guard case .wait(let until) = queue.next(now: self.at(0), milliseconds: 7) else {
                Issue.record("no pause")
                return
            }
            #expect(abs((until - self.start) / .seconds(1) - seconds) < 0.001)
        }
    }

    @Test("An endpoint that stays away is not asked more often because events were given up")
    func resting() {
        var queue = WebhookQueue(isBatched: false)
        var requests = 0
        var now = self.start
        for second in 0..<3600 {
            now = self.at(Double(second))
            queue.append(self.occupied("a"), now: now)
            if case .send = queue.next(now: now, milliseconds: 7) {
                requests += 1
                queue.finished(.failed, now: now, random: .max)
            }
        }
        #expect(requests < 70)
        // Five minutes' worth, and what came since the last request; older events are given up before the next.
        #expect((300...361).contains(queue.counters.waiting))
    }

    @Test("After it has answered again the pauses begin anew")
    func recovery() {
        var queue = WebhookQueue(isBatched: false)
        queue.append(self.occupied("a"), now: self.at(0))
        queue.append(self.occupied("b"), now: self.at(0))
        _ = queue.next(now: self.at(0), milliseconds: 7)
        queue.finished(.failed, now: self.at(0), random: .max)
        #expect(queue.next(now: self.at(1), milliseconds: 7) == self.body("a"))
        queue.finished(.delivered, now: self.at(1), random: .max)
        #expect(!queue.isFailing)
        #expect(queue.next(now: self.at(1), milliseconds: 7) == self.body("b"))
    }

    @Test("Beyond the bound the oldest events go, and are counted")
    func bound() {
        var limits = WebhookQueue.Limits()
        limits.eventsMax = 32
        var queue = WebhookQueue(isBatched: false, limits: limits)
        for number in 1...33 { queue.append(self.occupied("c\(number)"), now: self.at(0)) }
        #expect(queue.counters.droppedFull == 3)
        #expect(queue.next(now: self.at(0), milliseconds: 7) == self.body("c4"))
    }

    @Test("Large events count by their bytes")
    func byteBound() {
        var limits = WebhookQueue.Limits()
        limits.bytesMax = 100
        var queue = WebhookQueue(isBatched: false, limits: limits)
        for number in 1...9 { queue.append(self.occupied("channel-\(number)"), now: self.at(0)) }
        // Each event has 49 bytes.
        #expect(queue.counters.waiting == 2)
        #expect(queue.counters.droppedFull == 7)
    }

    @Test("What was interrupted is sent again, and at the end nothing waits")
    func ending() {
        var queue = WebhookQueue(isBatched: true)
        queue.append(self.occupied("a"), now: self.at(0))
        #expect(queue.next(now: self.at(0), milliseconds: 7, isLast: true) == self.body("a"))
        queue.finished(.interrupted, now: self.at(0), random: 0)
        #expect(queue.counters.retries == 0)
        #expect(queue.next(now: self.at(0), milliseconds: 9, isLast: true) == self.body("a"))
        queue.finished(.failed, now: self.at(0), random: .max)
        #expect(queue.next(now: self.at(0), milliseconds: 9, isLast: true) == self.body("a"))
    }
}

@Suite("What a webhook says")
struct WebhookEventTests {
    private static let app = App(id: "3", key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8")

    @Test("The body of the documented example has the documented signature")
    func signature() {
        let body = #"{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}"#
        let made = WebhookEvent.body(
            of: [WebhookEvent(.occupied(channel: "my-channel"))], milliseconds: 1_327_078_148_132)
        #expect(String(decoding: made, as: UTF8.self) == body)
        let request = WebhookRequest(url: "https://x", body: made, app: Self.app)
        #expect(request.key == "278d425bdf160c739803")
        #expect(request.signature == "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf")
    }

    @Test("The oldest key signs")
    func oldestKey() {
        let app = App(id: "3", credentials: Self.app.credentials + [.init(key: "new", secret: "new")])
        #expect(WebhookRequest(url: "https://x", body: [], app: app).key == "278d425bdf160c739803")
    }

    @Test(
        "Each kind has its members",
        arguments: [
            (.vacated(channel: "a"), #"{"name":"channel_vacated","channel":"a"}"#),
            (
                .memberAdded(channel: "presence-a", userID: "7"),
                #"{"name":"member_added","channel":"presence-a","user_id":"7"}"#
            ),
            (
                .memberRemoved(channel: "presence-a", userID: "7"),
                #"{"name":"member_removed","channel":"presence-a","user_id":"7"}"#
            ),
            (
                .clientEvent(
                    channel: "presence-a", event: "client-x", data: #"{"a":1}"#, socketID: "1.2", userID: "7"),
                #"{"name":"client_event","channel":"presence-a","event":"client-x","data":"{\"a\":1}","socket_id":"1.2","user_id":"7"}"#
            ),
            (
                .clientEvent(channel: "private-a", event: "client-x", data: "5", socketID: "1.2", userID: nil),
                #"{"name":"client_event","channel":"private-a","event":"client-x","data":"5","socket_id":"1.2"}"#
            ),
            (.cacheMiss(channel: "cache-a"), #"{"name":"cache_miss","channel":"cache-a"}"#),
            (
                .subscriptionCount(channel: "a", count: 3),
                #"{"name":"subscription_count","channel":"a","subscription_count":3}"#
            ),
        ] as [(ChannelActivity, String)]
    )
    func members(activity: ChannelActivity, json: String) {
        #expect(String(decoding: WebhookEvent(activity).json, as: UTF8.self) == json)
    }

    @Test("An endpoint gets the kinds and channels it wants")
    func filter() {
        let endpoint = WebhookEndpoint(url: "https://x", kinds: [.channelOccupied], channelPrefix: "private-")
        #expect(endpoint.wants(.occupied(channel: "private-a")))
        #expect(!endpoint.wants(.occupied(channel: "a")))
        #expect(!endpoint.wants(.vacated(channel: "private-a")))
    }
}
