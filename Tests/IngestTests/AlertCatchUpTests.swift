import Alerts
import Market
import NIOPosix
import Synchronization
import Testing

@testable import Ingest

@Suite("Alerts of a pipeline: cuts and catching up", .timeLimit(.minutes(5)))
struct AlertCatchUpTests {
    /// Outputs that keep firings, and count ticks as a journal does.
    private final class Journal: Sendable {
        struct State {
            var ticks: [Tick] = []
            var fired: [FiredAlert] = []
        }

        let state = Mutex(State())
        let seen = Seen()

        var outputs: PipelineOutputs {
            var outputs = PipelineOutputs(
                record: { ticks in self.state.withLock { $0.ticks += ticks } }, saveStates: { _ in },
                alertsFired: { fired in self.state.withLock { $0.fired += fired } }, publisher: self.seen)
            outputs.place = { TickPlace(trades: Int64(self.state.withLock { $0.ticks.count })) }
            return outputs
        }
    }

    /// What identifies a firing.
    private struct Event: Hashable {
        let alert: Int64
        let crossing: Int64
        let price: Decimal64?
        let at: Timestamp

        init(_ fired: FiredAlert) {
            self.alert = fired.alert.id
            self.crossing = fired.crossing
            self.price = fired.cause.price
            self.at = fired.firedAt
        }
    }

    private func decimal(_ value: Int64) -> Decimal64 { Decimal64(String(value)) ?? .zero }

    private static let start: Int64 = 1_795_000_000_000_000_000

    private func pipeline(_ journal: Journal, venues: [String] = ["a"]) throws -> MarketPipeline {
        MarketPipeline(
            eventLoops: [MultiThreadedEventLoopGroup.singleton.next()], venuePriority: try venues.map { try Venue($0) },
            sequenceStart: 1, outputs: journal.outputs)
    }

    private func trade(
        _ price: Decimal64, _ number: Int, venue: String = "a", flags: TickFlags = []
    ) throws -> Tick {
        let time = Timestamp(nanoseconds: Self.start + Int64(number) * 400_000_000)
        return .trade(
            Trade(
                symbol: try Symbol("BTC-USD"), venue: try Venue(venue), price: price, size: decimal(1), side: .buy,
                id: "\(number)", eventTime: time, receivedTime: time, flags: flags))
    }

    private func alerts(_ expressions: [String]) throws -> [Alert] {
        try expressions.enumerated().map { index, text in
            Alert(
                id: Int64(index + 1), user: "ann", symbol: try Symbol("BTC-USD"),
                expression: try AlertExpression(parsing: text))
        }
    }

    /// Some of each kind that needs no history.
    private func manyAlerts() throws -> [Alert] {
        let low = [
            "above 10010", "below 9990", "crosses 10000", "crosses above 10005 cooldown 20s", "above 10020 once",
            "crosses below 9995", "crosses 9980", "above 10001 once", "below 9999 cooldown 1m",
        ]
        var alerts = try alerts(low)
        let extra: [(AlertCondition, AlertOptions)] = [
            (.level(.above, threshold: decimal(10_003)), AlertOptions(confirmation: .ticks(3))),
            (.level(.above, threshold: decimal(10_006)), AlertOptions(rearm: .absolute(decimal(9)))),
            (.level(.below, threshold: decimal(9_997)), AlertOptions(again: .absolute(decimal(4)))),
            (.crossing(.either, threshold: decimal(10_002)), AlertOptions(confirmation: .ticks(2))),
            (.crossing(.above, threshold: decimal(9_998)), AlertOptions(confirmation: .time(.seconds(2)))),
        ]
        for (condition, options) in extra {
            alerts.append(
                Alert(
                    id: Int64(alerts.count + 1), user: "ann", symbol: try Symbol("BTC-USD"),
                    expression: AlertExpression(condition: condition, options: options)))
        }
        return alerts
    }

    private func walk(_ count: Int, seed: UInt64) throws -> [Tick] {
        var random = SplitMix64(seed: seed)
        var price: Int64 = 10_000
        return try (0..<count).map { number in
            price += Int64.random(in: -6...6, using: &random)
            return try self.trade(decimal(price), number)
        }
    }

    @Test("Killed at any moment and caught up from the last cut, exactly the same fires", arguments: UInt64(1)...40)
    func killedAnywhere(seed: UInt64) async throws {
        let ticks = try walk(400, seed: seed)
        let alerts = try manyAlerts()
        let whole = Journal()
        let undisturbed = try pipeline(whole)
        undisturbed.reload(alerts)
        undisturbed.ingest(ticks)
        try await undisturbed.flush()
        let expected = whole.state.withLock { $0.fired.map { Event($0) } }

        var random = SplitMix64(seed: seed &+ 1000)
        let cutAt = Int.random(in: 1..<350, using: &random)
        let killedAt = Int.random(in: cutAt...350, using: &random)
        let caughtUpAt = Int.random(in: killedAt...400, using: &random)
        let journal = Journal()
        let first = try pipeline(journal)
        first.reload(alerts)
        for tick in ticks[..<cutAt] { first.ingest([tick]) }
        let cuts = try await first.takeAlertCuts()
        let cut = try #require(cuts.cuts.first)
        #expect(cuts.isWhole && cut.place.trades == Int64(cutAt))
        // Found after the cut: lost.
        first.ingest(Array(ticks[cutAt..<killedAt]))
        try await first.flush()

        var stored = alerts
        for change in cut.changes {
            let index = try #require(stored.firstIndex { $0.id == change.id })
            stored[index].state = change.state
            if change.isStorm { stored[index].pause = .storm }
        }
        journal.state.withLock { $0.fired = [] }
        let second = try pipeline(journal)
        second.holdAlerts()
        second.ingest(Array(ticks[killedAt..<caughtUpAt]))
        try await second.flush()
        try await second.beginAlerts(cut.streams)
        try await second.loadAlerts(stored.filter { !$0.isSpent && $0.pause == nil })
        func replay(_ range: Range<Int>) async throws {
            try await second.replay(range.map { NumberedTick(ticks[$0], number: Int64($0)) })
        }
        try await replay(cutAt..<killedAt)
        let (_, end) = try await second.beginBuffering()
        #expect(end.trades == Int64(caughtUpAt))
        // Comes while the rest is read: waits, and is not evaluated a second time although it is read too.
        second.ingest(Array(ticks[caughtUpAt...]))
        try await second.flush()
        try await replay(killedAt..<ticks.count)
        #expect(try await second.goLive())
        let after = try await second.takeAlertCuts()
        let found = cut.fired + (after.cuts.first?.fired ?? [])
        let events = found.map { Event($0) }
        let differing = Set(events).symmetricDifference(expected).map { "\($0.alert) \($0.crossing) \($0.at)" }.sorted()
        #expect(differing.isEmpty && events.count == expected.count, "cut at \(cutAt), \(killedAt), \(caughtUpAt)")
    }

    @Test("While alerts wait nothing fires, and what was too much to be kept is read again")
    func overflow() async throws {
        let journal = Journal()
        let pipeline = try pipeline(journal)
        pipeline.holdAlerts()
        try await pipeline.beginAlerts([])
        try await pipeline.loadAlerts(try alerts(["crosses above 100"]))
        pipeline.ingest([try trade(decimal(99), 0), try trade(decimal(101), 1)])
        try await pipeline.flush()
        #expect(journal.state.withLock { $0.fired.isEmpty })
        #expect(try await pipeline.takeAlertCuts().isWhole == false)
        #expect(pipeline.alertStatus.isLive == false)
        let (first, _) = try await pipeline.beginBuffering()
        #expect(first.trades == 2)
        pipeline.shards[0].onLoop { pipeline.shards[0].alerts.bufferMax = 20 }
        let many = try (2...30).map { try trade(decimal(99), $0) }
        pipeline.ingest(many)
        try await pipeline.flush()
        #expect(try await !pipeline.goLive())
        try await pipeline.replay([
            NumberedTick(try trade(decimal(99), 0), number: 0), NumberedTick(try trade(decimal(101), 1), number: 1),
        ])
        // Those before the first place were read in the first round.
        #expect(journal.state.withLock { $0.fired.isEmpty })
        try await pipeline.replay([
            NumberedTick(try trade(decimal(99), 2), number: 2), NumberedTick(try trade(decimal(101), 3), number: 3),
        ])
        _ = try await pipeline.beginBuffering()
        #expect(try await pipeline.goLive())
        #expect(journal.state.withLock { $0.fired.count } == 1)
        #expect(pipeline.alertStatus.isLive)
    }

    @Test("Alerts that are added while others catch up see only what comes afterwards; removed ones fire no more")
    func changesMeanwhile() async throws {
        let journal = Journal()
        let pipeline = try pipeline(journal)
        pipeline.holdAlerts()
        try await pipeline.beginAlerts([])
        let all = try alerts(["above 100", "above 100", "above 100"])
        try await pipeline.loadAlerts([all[0], all[1]])
        pipeline.changeAlerts([all[2]], removed: [2])
        try await pipeline.replay([NumberedTick(try trade(decimal(101), 0), number: 0)])
        #expect(journal.state.withLock { $0.fired.map(\.alert.id) } == [1])
        try await pipeline.replay([NumberedTick(try trade(decimal(99), 1), number: 1)])
        _ = try await pipeline.beginBuffering()
        #expect(try await pipeline.goLive())
        #expect(pipeline.alertStatus.armed == 2)
        pipeline.ingest([try trade(decimal(102), 2)])
        try await pipeline.flush()
        #expect(journal.state.withLock { $0.fired.map(\.alert.id) } == [1, 1, 3])
        pipeline.keepAlerts(only: [3])
        try await pipeline.flush()
        #expect(pipeline.alertStatus.armed == 1)
    }

    @Test("What a paused or removed alert remembered is in the next cut, with the revision of its condition")
    func finalStates() async throws {
        let journal = Journal()
        let pipeline = try pipeline(journal)
        var alert = try alerts(["crosses above 100"])[0]
        alert.revision = 3
        pipeline.changeAlerts([alert])
        pipeline.ingest([try trade(decimal(99), 0), try trade(decimal(101), 1)])
        alert.pause = .user
        pipeline.changeAlerts([alert])
        let cut = try #require(try await pipeline.takeAlertCuts().cuts.first)
        #expect(cut.fired.count == 1)
        #expect(cut.changes.last?.revision == 3 && cut.changes.last?.state.crossingCount == 1)
        #expect(cut.streams.map(\.lastPrice) == [decimal(101)])
        let next = try #require(try await pipeline.takeAlertCuts().cuts.first)
        #expect(next.fired.isEmpty && next.changes.isEmpty && next.streams.isEmpty)
    }

    @Test("What new windows lack is asked for once, of the venue that drives the symbol or the one that is named")
    func historyNeeds() async throws {
        let pipeline = try pipeline(Journal(), venues: ["a", "b"])
        pipeline.ingest([try trade(decimal(100), 1, venue: "b"), try trade(decimal(100), 2, venue: "a")])
        var alerts = try alerts(["moves 5% in 10m", "up 3% in 2h", "above 7"])
        alerts.append(
            Alert(
                id: 9, user: "ann", symbol: try Symbol("BTC-USD"), venue: try Venue("b"),
                expression: try AlertExpression(parsing: "new high of 1h")))
        pipeline.reload(alerts)
        let needs = try await pipeline.takeHistoryNeeds()
        #expect(
            needs.map { "\($0.venue) \($0.isPrimary) \($0.length)" } == [
                "a true 7200.0 seconds", "b false 3600.0 seconds",
            ])
        #expect(try await pipeline.takeHistoryNeeds().isEmpty)
    }

    @Test("Of ticks that are read back, an old trade is no news, and the best venue that speaks drives the symbol")
    func replayedStreams() throws {
        let (a, b) = (try Venue("a"), try Venue("b"))
        let symbol = try Symbol("BTC-USD")
        let time = Timestamp(nanoseconds: Self.start)
        var streams = ReplayedStreams(
            [
                EvaluatedStream(
                    symbol: symbol, venue: b, isPrimary: true, lastPrice: nil, eventTime: time, receivedTime: time)
            ], ranks: [a: 0, b: 1])
        func isPrimary(_ tick: Tick) -> Bool? {
            guard case .trade(let trade) = tick, case .trade(_, let isPrimary)? = streams.input(trade) else {
                return nil
            }
            return isPrimary
        }
        #expect(try isPrimary(trade(decimal(1), -1, venue: "b")) == nil)
        #expect(try isPrimary(trade(decimal(1), 1, venue: "b")) == true)
        #expect(try isPrimary(trade(decimal(1), 2, venue: "a")) == true)
        #expect(try isPrimary(trade(decimal(1), 3, venue: "b")) == false)
        #expect(try isPrimary(trade(decimal(1), 4, venue: "b", flags: .snapshot)) == nil)
        // The better one is silent for more than 30 s.
        #expect(try isPrimary(trade(decimal(1), 100, venue: "b")) == true)
    }
}
