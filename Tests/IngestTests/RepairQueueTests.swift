import FeedLanguage
import Market
import Testing

@testable import Ingest

/// A queue whose calls may stand in expectations.
private final class TestQueue {
    private var queue = RepairQueue()

    var count: Int { self.queue.count }
    func add(_ gap: FeedGap) -> Bool { self.queue.add(gap) }
    func narrow(_ id: UInt64, repaired: Int64) { self.queue.narrow(id, repaired: repaired) }
    func close(_ id: UInt64) { self.queue.close(id) }
    func next(of venue: Venue, now: Int64 = .max) -> RepairQueue.Job? {
        self.queue.next(of: venue, now: Timestamp(nanoseconds: now))
    }
    func nextTime(of venue: Venue) -> Int64? { self.queue.nextTime(of: venue)?.nanoseconds }
    func putBack(_ job: RepairQueue.Job) { self.queue.putBack(job) }
    func finish(
        _ job: RepairQueue.Job, trades: [Trade], failure: String?, now: Int64? = nil
    ) -> [RepairQueue.Ending] {
        self.queue.finish(job, trades: trades, failure: failure, now: now.map { Timestamp(nanoseconds: $0) })
    }
}

@Suite("Gaps that wait to be repaired")
struct RepairQueueTests {
    private let venue: Venue
    private let btc: Symbol
    private let eth: Symbol

    init() throws {
        self.venue = try Venue("a")
        self.btc = try Symbol("BTC-USD")
        self.eth = try Symbol("ETH-USD")
    }

    /// A hole in the numbers of a symbol's trades: those between `from` and `to` are missing.
    private func hole(_ id: UInt64, _ from: Int64, _ to: Int64, of symbol: Symbol? = nil) -> FeedGap {
        FeedGap(
            id: id, venue: self.venue, symbols: [symbol ?? self.btc],
            bounds: TickBounds(
                fromID: "\(from)", toID: "\(to)", fromSequence: from, toSequence: to,
                fromTime: Timestamp(nanoseconds: from), toTime: Timestamp(nanoseconds: to)),
            reason: .sequence, missing: to - from - 1, openedAt: Timestamp(nanoseconds: to))
    }

    private func trades(_ numbers: [Int64]) throws -> [Trade] {
        try numbers.map { try makeTrade(id: "\($0)", sequence: $0) }
    }

    @Test("Gaps of one symbol that lie close together are asked for at once, others in turns of their own")
    func joined() throws {
        let queue = TestQueue()
        for gap in [hole(2, 300, 302), hole(1, 10, 20), hole(3, 9000, 9002), hole(4, 5, 7, of: self.eth)] {
            #expect(queue.add(gap))
        }
        let first = try #require(queue.next(of: self.venue))
        #expect(
            first.range
                == TradeRange(
                    symbol: self.btc,
                    bounds: TickBounds(
                        fromID: "10", toID: "302", fromSequence: 10, toSequence: 302,
                        fromTime: Timestamp(nanoseconds: 10), toTime: Timestamp(nanoseconds: 302))))
        #expect(queue.next(of: self.venue)?.range?.symbol == self.eth)
        #expect(queue.next(of: self.venue)?.range?.bounds.fromSequence == 9000)
        #expect(queue.next(of: self.venue) == nil)
        #expect(queue.next(of: try Venue("b")) == nil)
    }

    @Test("A history may be behind the stream: what is missing is asked for again after a pause, but not for long")
    func late() throws {
        let queue = TestQueue()
        let second: Int64 = 1_000_000_000
        for gap in [hole(1, 10, 13), hole(2, 20, 24)] { #expect(queue.add(gap)) }
        let first = try #require(queue.next(of: self.venue, now: second))
        let endings = queue.finish(first, trades: try self.trades([11, 12, 21]), failure: nil, now: second)
        #expect(endings.map(\.gap.id) == [1] && endings.map(\.isRepaired) == [true])
        #expect(queue.next(of: self.venue, now: second) == nil)
        let time = try #require(queue.nextTime(of: self.venue))
        #expect(time == second + RepairQueue.pause)
        let again = try #require(queue.next(of: self.venue, now: time))
        #expect(again.range?.bounds.fromSequence == 20 && queue.nextTime(of: self.venue) == nil)
        let all = try self.trades([21, 22, 23])
        #expect(queue.finish(again, trades: all, failure: nil, now: time).map(\.isRepaired) == [true])

        #expect(queue.add(hole(3, 30, 33)) && queue.add(hole(4, 5, 7, of: self.eth)))
        let tooLate = try #require(queue.next(of: self.venue))
        let old = 33 + RepairQueue.lateness
        #expect(queue.finish(tooLate, trades: [], failure: nil, now: old).map(\.isRepaired) == [false])
        let refused = try #require(queue.next(of: self.venue))
        #expect(queue.finish(refused, trades: [], failure: "no", now: nil).map(\.failure) == ["no"])
        #expect(queue.count == 0)
    }

    @Test("Of joined gaps each ends by what came of it: repaired, or not with a count and a reason")
    func endings() throws {
        let queue = TestQueue()
        for gap in [hole(1, 10, 13), hole(2, 20, 24), hole(3, 30, 32)] { #expect(queue.add(gap)) }
        queue.narrow(2, repaired: 2)
        let job = try #require(queue.next(of: self.venue))
        let endings = queue.finish(job, trades: try self.trades([11, 12, 12, 14, 22]), failure: nil)
        #expect(endings.map(\.gap.id) == [1, 2, 3])
        #expect(endings.map(\.isRepaired) == [true, false, false])
        #expect(endings.map(\.repaired) == [2, 2, 0])
        #expect(
            endings.map(\.failure) == [nil, "the venue does not have all of it", "the venue does not have all of it"])
        #expect(queue.count == 0)
    }

    @Test("A gap that the feed itself has closed is neither asked for nor ended again")
    func closedByFeed() throws {
        let queue = TestQueue()
        #expect(queue.add(hole(1, 10, 13)))
        #expect(queue.add(hole(2, 20, 23)))
        queue.close(1)
        let job = try #require(queue.next(of: self.venue))
        #expect(job.range?.bounds.fromSequence == 20)
        queue.close(2)
        #expect(queue.finish(job, trades: [], failure: "no answer").isEmpty)
    }

    @Test("A connection's gap is asked for symbol by symbol, by time with a margin, and ends with the last of them")
    func connectionGap() throws {
        let second: Int64 = 1_000_000_000
        let gap = FeedGap(
            id: 1, venue: self.venue, symbols: [self.btc, self.eth],
            bounds: TickBounds(
                fromSequence: 4, toSequence: 7, fromTime: Timestamp(nanoseconds: 100 * second),
                toTime: Timestamp(nanoseconds: 101 * second)),
            reason: .connection, missing: 2, openedAt: Timestamp(nanoseconds: 101 * second))
        for failure in [nil, "no answer"] {
            let queue = TestQueue()
            #expect(queue.add(gap))
            let first = try #require(queue.next(of: self.venue))
            #expect(
                first.range
                    == TradeRange(
                        symbol: self.btc,
                        bounds: TickBounds(
                            fromTime: Timestamp(nanoseconds: 90 * second), toTime: Timestamp(nanoseconds: 111 * second))
                    ))
            #expect(queue.finish(first, trades: [], failure: failure).isEmpty)
            let second = try #require(queue.next(of: self.venue))
            #expect(second.range?.symbol == self.eth)
            let endings = queue.finish(second, trades: [], failure: nil)
            #expect(endings.map(\.isRepaired) == [failure == nil])
            #expect(endings.map(\.failure) == [failure])
        }
    }

    @Test("Lost quotes end together, without a request")
    func quotes() throws {
        let queue = TestQueue()
        for id in 1...3 as ClosedRange<UInt64> {
            var gap = hole(id, Int64(id) * 10, Int64(id) * 10 + 2)
            gap.stream = .quotes
            #expect(queue.add(gap))
        }
        #expect(queue.add(hole(4, 1, 3)))
        let job = try #require(queue.next(of: self.venue))
        #expect(job.range == nil)
        let endings = queue.finish(job, trades: [], failure: "quotes are not kept")
        #expect(endings.map(\.gap.id) == [1, 2, 3] && endings.allSatisfy { !$0.isRepaired })
        #expect(queue.next(of: self.venue)?.range?.bounds.fromSequence == 1)
    }

    @Test("A turn that came to nothing is taken again, with what has been found meanwhile")
    func putBack() throws {
        let queue = TestQueue()
        #expect(queue.add(hole(1, 10, 13)))
        let job = try #require(queue.next(of: self.venue))
        #expect(queue.add(hole(2, 20, 23)))
        queue.putBack(job)
        let again = try #require(queue.next(of: self.venue))
        #expect(again.range?.bounds.fromSequence == 10 && again.range?.bounds.toSequence == 23)
        #expect(again.openedAt == Timestamp(nanoseconds: 13))
        #expect(queue.next(of: self.venue) == nil)
    }

    @Test("Any gaps, asked for in any order, all end once, and no trade of them is left out")
    func everyGapEnds() throws {
        var generator = SplitMix64(seed: 11)
        for _ in 0..<50 {
            let queue = TestQueue()
            var missing: [UInt64: Range<Int64>] = [:]
            var number: Int64 = 0
            for id in 0..<UInt64.random(in: 1...40, using: &generator) {
                number += .random(in: 1...3000, using: &generator)
                let length = Int64.random(in: 1...50, using: &generator)
                missing[id] = number + 1..<number + 1 + length
                #expect(queue.add(hole(id, number, number + length + 1)))
                number += length + 1
            }
            var ended: [UInt64] = []
            var isFirst = true
            while let job = queue.next(of: self.venue) {
                if isFirst || Bool.random(using: &generator) {
                    isFirst = false
                    queue.putBack(job)
                    continue
                }
                let bounds = try #require(job.range?.bounds)
                let from = try #require(bounds.fromSequence), to = try #require(bounds.toSequence)
                let endings = queue.finish(job, trades: try self.trades(Array(from + 1..<to)), failure: nil)
                for ending in endings {
                    #expect(ending.isRepaired && ending.repaired == ending.gap.missing)
                    ended.append(ending.gap.id)
                }
            }
            #expect(ended.sorted() == missing.keys.sorted())
        }
    }
}
