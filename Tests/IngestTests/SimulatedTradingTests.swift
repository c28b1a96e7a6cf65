import FeedLanguage
import Foundation
import Market
import Testing

@testable import Ingest

@Suite("Simulated trading with faults")
struct SimulatedTradingTests {
    @Test("The same seed and the same times give the same frames, whatever the faults")
    func determinism() throws {
        let plan =
            "drop 2%, duplicate 2%, reorder 2%, garbage 2%, gap 5 every 1s, stall 100ms every 700ms, burst 3x for 1s every 2s"
        #expect(try run(plan, seed: 7).frames == run(plan, seed: 7).frames)
        #expect(try run(plan, seed: 7).frames != run(plan, seed: 8).frames)
    }

    @Test("Faults change what is sent, never what happens")
    func samePrices() throws {
        let faultless = try run("none").trades(of: 0)
        let faulty = try run("drop 5%, duplicate 5%, reorder 5%, stall 100ms every 700ms").trades(of: 0)
        #expect(Set(faulty).isSubset(of: Set(faultless)))
        #expect(faulty != faultless)
    }

    @Test("Without faults every message is sent once, in order")
    func faultless() throws {
        let result = try run("none")
        #expect(result.frames.count == result.messages)
        for index in result.trading.symbols.indices {
            let ids = result.ids(of: index)
            #expect(ids == Array(1...UInt64(ids.count)))
        }
    }

    @Test("A dropped trade is neither sent nor served, and the ledger names it")
    func drop() throws {
        let result = try run("drop 5%")
        var count = 0
        for (index, tape) in result.trading.tapes.enumerated() {
            let dropped = Set(tape.dropped.flatMap { $0.from...$0.to })
            let everything = try Set(#require(tape.firstID)...#require(tape.lastID))
            #expect(Set(result.ids(of: index)) == everything.subtracting(dropped))
            #expect(Set(result.served(index)) == everything.subtracting(dropped))
            #expect(tape.droppedCount == dropped.count)
            count += dropped.count
        }
        // 5 % of about two thirds of 40 000 messages.
        #expect((1_000...1_700).contains(count))
    }

    @Test("A gap takes so many trades of one symbol in a row, which are served")
    func gap() throws {
        let result = try run("gap 20 every 500ms")
        var gaps = 0
        for (index, tape) in result.trading.tapes.enumerated() {
            #expect(tape.withheld.allSatisfy { $0.to - $0.from + 1 == 20 })
            gaps += tape.withheld.count
            let ids = result.ids(of: index)
            let withheld = Set(tape.withheld.flatMap { $0.from...$0.to })
            #expect(withheld.isDisjoint(with: ids))
            #expect(Set(result.served(index)) == Set(ids).union(withheld))
        }
        #expect(gaps == 7)
    }

    @Test("A reordered trade comes right after the next one of its symbol, and none is lost")
    func reorder() throws {
        let result = try run("reorder 5%")
        var swaps = 0
        for (index, tape) in result.trading.tapes.enumerated() {
            let ids = result.ids(of: index)
            #expect(ids.sorted() == Array(1...UInt64(ids.count)))
            let late = zip(ids, ids.dropFirst()).filter { $0 > $1 }
            #expect(late.allSatisfy { $0 == $1 + 1 })
            #expect(tape.reorderedCount >= late.count)
            swaps += late.count
        }
        #expect(swaps > 500)
    }

    @Test("A duplicate is the same frame again")
    func duplicate() throws {
        let result = try run("duplicate 5%")
        let doubled = zip(result.frames, result.frames.dropFirst()).filter { $0 == $1 }.count
        let counted = result.trading.tapes.reduce(0) { $0 + $1.doubledCount }
        #expect(doubled > counted && counted > 1_000)
        #expect(result.frames.count == result.messages + doubled)
    }

    @Test("Nothing is sent during a stall; what happens then is served")
    func stall() throws {
        let result = try run("stall 1s every 2s")
        let times = result.frames.map { $0.time.nanoseconds / 1_000_000_000 }
        #expect(Set(times) == [0, 1, 3])
        #expect(result.trading.tapes.allSatisfy { $0.withheldCount > 0 })
    }

    @Test("Skew moves the times of the venue")
    func skew() throws {
        let ahead = try run("skew 2s").trades(of: 0)
        let exact = try run("none").trades(of: 0)
        #expect(ahead.count == exact.count)
        #expect(ahead.first?.contains("1970-01-01T00:00:02") == true)
    }

    @Test("Garbage never reads as a tick of its own")
    func garbage() throws {
        let folder = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let feed = try FeedLibrary.load(file: folder + "/Feeds/sim.yaml").get()
        let clean = try run("none")
        let result = try run("garbage 10%")
        #expect(result.frames.count > clean.frames.count + 3_000)
        var decoder = FrameDecoder(feed: feed, symbols: clean.trading.symbols)
        var ticks: [Tick] = []
        for frame in result.frames {
            _ = frame.bytes.withUnsafeBytes {
                decoder.decode($0, receivedTime: Timestamp(nanoseconds: 0), into: &ticks)
            }
        }
        #expect(ticks.count == clean.frames.count)
    }

    @Test("Bursts and cuts come when their time has passed, cuts once each")
    func spells() throws {
        var injector = FaultInjector(try FaultPlan("disconnect every 45s, burst 5x for 1s every 20s"), seed: 1)
        let second: Int64 = 1_000_000_000
        #expect([0, 19, 20, 21, 40].map { injector.rateFactor(elapsed: $0 * second) } == [1, 1, 5, 1, 5])
        #expect(
            [0, 44, 45, 45, 46, 90, 91].map { injector.cutsConnections(elapsed: $0 * second) }
                == [false, false, true, false, false, true, false])
    }

    @Test("While nobody is subscribed trades go on and are served")
    func unwanted() throws {
        let result = try run("none", isWanted: { $0 != 3 })
        #expect(result.ids(of: 3).isEmpty)
        #expect(result.served(3).count == result.trading.tapes[3].withheldCount)
        #expect(result.trading.tapes[3].withheld.count == 1)
    }

    @Test("Only the newest trades are kept, by age and by number")
    func memory() {
        var tape = SimulatedTape()
        for id in UInt64(1)...100 {
            tape.append(
                SimulatedTrade(
                    symbolIndex: 0, id: id, price: 1, size: 1, isBuy: true, time: Timestamp(nanoseconds: Int64(id))),
                .sent, isDoubled: false, isReordered: false)
        }
        tape.forget(before: Timestamp(nanoseconds: 11), keeping: 100)
        #expect(tape.trades(from: 0, to: .max, limit: 1000).map(\.id) == Array(11...100))
        tape.forget(before: Timestamp(nanoseconds: 0), keeping: 10)
        #expect(tape.trades(from: 93, to: 95, limit: 1000).map(\.id) == [93, 94, 95])
        #expect(tape.trades(from: 0, to: .max, limit: 2).map(\.id) == [91, 92])
    }

    @Test("The ledger is JSON with every symbol's account")
    func ledger() throws {
        struct Ledger: Decodable {
            struct Account: Decodable {
                var first, last: UInt64
                var sent, doubled, reordered, withheld, dropped: Int
                var withheldIds, droppedIds: [[UInt64]]
            }
            var faults: String
            var symbols: [String: Account]
        }
        let result = try run("drop 5%, gap 20 every 500ms")
        let ledger = try JSONDecoder().decode(Ledger.self, from: Data(result.trading.ledgerJSON()))
        #expect(ledger.faults == "drop 5%, gap 20 every 500ms")
        #expect(ledger.symbols.count == 16)
        for account in ledger.symbols.values {
            #expect(UInt64(account.sent + account.withheld + account.dropped) == account.last - account.first + 1)
            #expect(account.droppedIds.reduce(0) { $0 + $1[1] - $1[0] + 1 } == UInt64(account.dropped))
            #expect(account.withheldIds.reduce(0) { $0 + $1[1] - $1[0] + 1 } == UInt64(account.withheld))
        }
    }
}

/// What came out of a run of 40 000 messages, one every 0.1 ms.
private struct TradingRun {
    struct Frame: Equatable {
        var symbolIndex: Int
        var bytes: [UInt8]
        var time: Timestamp
    }

    var trading: SimulatedTrading
    var frames: [Frame] = []
    let messages = 40_000

    /// The trade frames of a symbol.
    func trades(of index: Int) -> [String] {
        self.frames.filter { $0.symbolIndex == index }.map { String(decoding: $0.bytes, as: UTF8.self) }
            .filter { $0.hasPrefix(#"{"type":"trade""#) }
    }

    /// The ids of a symbol's trade frames, in the order in which they were sent.
    func ids(of index: Int) -> [UInt64] {
        self.trades(of: index).compactMap { text in
            text.split(separator: #""id":""#).dropFirst().first?.split(separator: "\"").first.flatMap { UInt64($0) }
        }
    }

    func served(_ index: Int) -> [UInt64] {
        self.trading.tapes[index].trades(from: 0, to: .max, limit: .max).map(\.id)
    }
}

private func run(_ plan: String, seed: UInt64 = 1, isWanted: (Int) -> Bool = { _ in true }) throws -> TradingRun {
    var run = TradingRun(trading: SimulatedTrading(seed: seed, firstTradeID: 1, plan: try FaultPlan(plan)))
    var frames: [TradingRun.Frame] = []
    for step in 0..<run.messages {
        let time = Timestamp(nanoseconds: Int64(step) * 100_000)
        run.trading.next(at: time, now: time.nanoseconds, isWanted: isWanted) { index, frame in
            frames.append(.init(symbolIndex: index, bytes: frame, time: time))
        }
    }
    run.trading.release { index, frame in
        frames.append(
            .init(symbolIndex: index, bytes: frame, time: Timestamp(nanoseconds: Int64(run.messages) * 100_000)))
    }
    run.frames = frames
    return run
}
