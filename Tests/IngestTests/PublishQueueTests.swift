import Channels
import Market
import Testing

@testable import Ingest

@Suite("The queue of a publisher")
struct PublishQueueTests {
    private let start = ContinuousClock.now

    private func event(_ channel: String, _ name: String, _ data: String = "{}") -> Channels.ChannelEvent {
        Channels.ChannelEvent(channel: channel, name: name, data: Array(data.utf8))
    }

    private func tick(_ symbol: String, _ price: Int) -> Channels.ChannelEvent {
        self.event("ticker-\(symbol)", "tick", #"{"price":"\#(price)"}"#)
    }

    private func filled(
        _ events: [Channels.ChannelEvent], bound: Int = 100, isRationed: Bool = false, mayMerge: Bool = true
    ) -> PublishQueue {
        var queue = PublishQueue(bound: bound, isRationed: isRationed)
        for event in events { queue.append(event, mayMerge: mayMerge, now: self.start) }
        return queue
    }

    private func texts(_ queue: inout PublishQueue, _ count: Int = .max, at seconds: Int = 0) -> [String] {
        queue.take(count, before: queue.nextNumber, now: self.start + .seconds(seconds)).map {
            "\($0.channel) \($0.name) \(String(decoding: $0.data, as: UTF8.self))"
        }
    }

    @Test("Without a budget events leave in the order they came, each of them")
    func order() {
        var queue = self.filled(
            [self.tick("A", 1), self.event("trades-A", "trade"), self.event("status", "feed"), self.tick("A", 2)],
            mayMerge: false)
        #expect(self.texts(&queue, 3) == [#"ticker-A tick {"price":"1"}"#, "trades-A trade {}", "status feed {}"])
        #expect(self.texts(&queue) == [#"ticker-A tick {"price":"2"}"#])
    }

    @Test("Ticks of a channel collapse to the newest, in the place of the oldest, and are added up")
    func merging() {
        var queue = self.filled([self.tick("A", 1), self.tick("B", 1), self.tick("A", 2), self.tick("A", 3)])
        #expect(
            self.texts(&queue) == [#"ticker-A tick {"price":"3","merged":3}"#, #"ticker-B tick {"price":"1"}"#])
        #expect(queue.losses.merged == 2)
    }

    @Test("What already stands for several counts as several")
    func weights() {
        var queue = self.filled([
            self.event("ticker-A", "tick", #"{"price":"1","merged":4}"#),
            self.event("ticker-A", "tick", #"{"price":"2","merged":3}"#),
        ])
        #expect(self.texts(&queue) == [#"ticker-A tick {"price":"2","merged":7}"#])
    }

    @Test("A tick does not overtake what came after it on its channel")
    func stale() {
        var queue = self.filled([self.tick("A", 1), self.event("ticker-A", "stale"), self.tick("A", 2)])
        #expect(
            self.texts(&queue) == [
                #"ticker-A tick {"price":"1"}"#, "ticker-A stale {}", #"ticker-A tick {"price":"2"}"#,
            ])
    }

    @Test("Trades are never merged")
    func trades() {
        var queue = self.filled([self.event("trades-A", "trade"), self.event("trades-A", "trade")])
        #expect(self.texts(&queue).count == 2)
    }

    @Test("With a budget the others go first, then ticks and trades take turns")
    func lanes() {
        var events = [self.tick("A", 1), self.tick("B", 1)]
        events += [self.event("trades-A", "trade", "1"), self.event("trades-A", "trade", "2")]
        events.append(self.event("private-alerts-me", "alert"))
        var queue = self.filled(events, isRationed: true)
        #expect(
            self.texts(&queue).map { $0.prefix { $0 != " " } } == [
                "private-alerts-me", "trades-A", "ticker-A", "trades-A", "ticker-B",
            ])
    }

    @Test("Encrypted and private variants go the way of their market channel")
    func variants() {
        var queue = self.filled(
            [
                self.event("private-encrypted-ticker-A", "tick", #"{"n":1}"#),
                self.event("private-encrypted-ticker-A", "tick", #"{"n":2}"#),
            ])
        #expect(self.texts(&queue) == [#"private-encrypted-ticker-A tick {"n":2,"merged":2}"#])
    }

    @Test("At the bound ticks go first, then trades, then the rest")
    func bound() {
        var queue = self.filled(
            [self.event("status", "feed"), self.event("trades-A", "trade"), self.tick("A", 1), self.tick("B", 1)],
            bound: 3)
        #expect(queue.losses.ticks == 1)
        for _ in 0..<2 { queue.append(self.event("status", "feed"), mayMerge: true, now: self.start) }
        #expect(queue.losses.ticks == 2)
        #expect(queue.losses.trades == 1)
        queue.append(self.event("status", "feed"), mayMerge: true, now: self.start)
        #expect(queue.losses.others == 1)
        #expect(queue.count == 3)
        // The place of the dropped tick is forgotten.
        queue.append(self.tick("A", 5), mayMerge: true, now: self.start)
        #expect(queue.losses.merged == 0)
    }

    @Test("With a budget a trade that is too old is dropped and counted; a tick never is")
    func age() {
        var queue = self.filled([self.event("trades-A", "trade"), self.tick("A", 1)], isRationed: true)
        #expect(self.texts(&queue, at: 31) == [#"ticker-A tick {"price":"1"}"#])
        #expect(queue.losses.trades == 1)
    }

    @Test("A round takes only what was there when it began")
    func rounds() {
        var queue = self.filled([self.tick("A", 1)])
        let end = queue.nextNumber
        queue.append(self.tick("B", 1), mayMerge: true, now: self.start)
        #expect(queue.take(9, before: end, now: self.start).map(\.channel) == ["ticker-A"])
        #expect(queue.take(9, before: end, now: self.start).isEmpty)
    }
}

@Suite("A publisher's budget")
struct MessageBudgetTests {
    private let start = ContinuousClock.now
    /// Noon of some day.
    private static let noon: Int64 = 20_000 * 86_400 + 43_200

    @Test("Without a limit everything may go")
    func unlimited() {
        var budget = MessageBudget(perSecond: nil, perDay: nil)
        #expect(budget.allowance(now: self.start, unixSeconds: Self.noon) == .messages(.max))
    }

    @Test("So many a second, and no more in any second after a rest", arguments: [1, 7, 100])
    func perSecond(rate: Int) {
        var budget = MessageBudget(perSecond: rate, perDay: nil)
        var sent = 0
        for step in 0..<10_000 {
            let now = self.start + .milliseconds(step)
            while case .messages(let count) = budget.allowance(now: now, unixSeconds: Self.noon) {
                sent += count
                budget.spend(count)
            }
        }
        #expect((rate * 10 - 1...rate * 11).contains(sent))
        _ = budget.allowance(now: self.start + .seconds(1000), unixSeconds: Self.noon)
        #expect(
            budget.allowance(now: self.start + .seconds(1000), unixSeconds: Self.noon) == .messages(rate))
    }

    @Test("A day's worth is spread over what is left of the day, and not exceeded")
    func perDay() {
        var budget = MessageBudget(perSecond: nil, perDay: 43_200)
        var sent = 0
        for second in 0..<Int64(43_200) {
            if case .messages(let count) = budget.allowance(
                now: self.start + .seconds(second), unixSeconds: Self.noon + second)
            {
                sent += count
                budget.spend(count)
            }
            if second == 21_600 { #expect((21_500...21_700).contains(sent)) }
        }
        #expect((43_000...43_200).contains(sent))
    }

    @Test("When the day's worth is spent, nothing goes before midnight")
    func spent() {
        var budget = MessageBudget(perSecond: 100, perDay: 1000)
        budget.spend(0)
        _ = budget.allowance(now: self.start, unixSeconds: Self.noon)
        budget.spend(1000)
        #expect(budget.allowance(now: self.start, unixSeconds: Self.noon) == .pause(.seconds(43_200)))
        #expect(
            budget.allowance(now: self.start + .seconds(43_200), unixSeconds: Self.noon + 43_200) == .messages(1))
    }

    @Test("Deliveries that were not foreseen are paid back by a pause")
    func debt() {
        var budget = MessageBudget(perSecond: 10, perDay: nil)
        #expect(budget.allowance(now: self.start, unixSeconds: Self.noon) == .messages(1))
        budget.spend(101)
        #expect(budget.allowance(now: self.start, unixSeconds: Self.noon) == .pause(.seconds(10.1)))
    }
}

@Suite("Publishing over HTTP")
struct PublishBodyTests {
    @Test(
        "A status says what becomes of the events",
        arguments: [
            (200, .accepted), (202, .accepted), (400, .refused), (413, .refused), (401, .blocked), (403, .blocked),
            (404, .blocked), (429, .failed), (500, .failed), (301, .failed),
        ] as [(Int, PublishVerdict)])
    func verdict(status: Int, verdict: PublishVerdict) { #expect(PublishVerdict(status: status) == verdict) }

    @Test("The cost of a batch counts what was delivered")
    func cost() {
        let answer = #"{"batch":[{"subscription_count":5},{},{"subscription_count":2}]}"#
        #expect(PublishBody.messages(of: 3, answer: Array(answer.utf8)) == 13)
        #expect(PublishBody.messages(of: 3, answer: Array("{}".utf8)) == 6)
    }

    @Test(
        "Hosted Pusher is known by its host",
        arguments: [
            ("https://api-eu.pusher.com", true), ("http://api.pusherapp.com:80/x", true),
            ("https://notpusher.com", false),
            ("http://localhost:6001", false),
        ])
    func hosted(url: String, isHosted: Bool) { #expect(PublisherSettings.isHosted(url) == isHosted) }
}
