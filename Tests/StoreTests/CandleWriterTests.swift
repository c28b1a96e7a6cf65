import Logging
import Market
import Postgres
import Synchronization
import Testing

@testable import Store

@Suite("Candles", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct CandleWriterTests {
    @Test("Trades are in the candles of all intervals after a flush")
    func flush() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 1)
            let writer = rig.writer(CandleWriterSettings(flushInterval: .seconds(3600)))
            try await rig.running(writer) {
                let batch = try await rig.record(try Trade.awkward(count: 200, firstID: 1, seed: &random))
                await writer.add(batch.inserted, through: batch.position)
                try await writer.flush()
                #expect(try await rig.differences() == [])
                #expect(writer.counters.pendingBars == 0)
                // The first flush may have been made by mending, when the batch was committed before it.
                #expect(writer.counters.tradesWritten + writer.counters.tradesMended == 200)
            }
        }
    }

    @Test(
        "Whatever happens to writers and connections, candles are what SQL makes of the trades",
        arguments: UInt64(0)..<6)
    func oracle(seed: UInt64) async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: seed)
            var writer = rig.writer()
            var nextID = 1
            var recorded: [Trade] = []
            // Lives of the writer: each ends as a crash does, with what it has in memory lost.
            for _ in 0..<3 {
                let lives = writer
                try await rig.running(lives) {
                    for _ in 0..<Int.random(in: 5...12, using: &random) {
                        let count = Int.random(in: 1...60, using: &random)
                        var trades = try Trade.awkward(count: count, firstID: nextID, seed: &random)
                        nextID += count
                        // Some that are there already.
                        for _ in 0..<3 { if let old = recorded.randomElement(using: &random) { trades.append(old) } }
                        trades.shuffle(using: &random)
                        let batch = try await rig.record(trades.filter { $0.id != nil || !recorded.contains($0) })
                        recorded += batch.inserted
                        switch Int.random(in: 0..<12, using: &random) {
                        case 0: try await rig.killOthers()
                        case 1: try await Self.patiently { try await rig.builder.mend(olderThan: .zero) }
                        case 2, 3:
                            try await Self.patiently {
                                _ = try await rig.builder.rebuild(since: try time("2026-11-25T12:00:00Z"))
                            }
                        case 4:
                            lives.mendAnew()
                            continue
                        default: break
                        }
                        await lives.add(batch.inserted, through: batch.position)
                        if Bool.random(using: &random) { try await lives.flush() }
                    }
                }
                writer = rig.writer(CandleWriterSettings(flushInterval: .milliseconds(3), stopTimeout: .zero))
            }
            let last = rig.writer()
            try await rig.running(last) {
                let batch = try await rig.record(try Trade.awkward(count: 5, firstID: nextID, seed: &random))
                await last.add(batch.inserted, through: batch.position)
                try await last.flush()
            }
            let differences = try await rig.differences()
            #expect(differences == [])
            if let first = differences.first { Issue.record("\(differences.count) differences, the first is \(first)") }
        }
    }

    @Test("A batch whose candles nobody wrote is mended at the next start, and not added again")
    func mending() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 3)
            let lost = try await rig.record(try Trade.awkward(count: 100, firstID: 1, seed: &random))
            let writer = rig.writer()
            try await rig.running(writer) {
                await writer.add(lost.inserted, through: lost.position)
                try await writer.flush()
                #expect(writer.counters.tradesMended == 100)
                #expect(writer.counters.tradesWritten == 0)
                #expect(try await rig.differences() == [])
            }
        }
    }

    @Test("A long backlog is mended in several transactions")
    func backlog() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 4)
            for first in stride(from: 1, to: 300, by: 30) {
                _ = try await rig.record(try Trade.awkward(count: 30, firstID: first, seed: &random))
            }
            let writer = rig.writer(CandleWriterSettings(barsMax: 40))
            try await rig.running(writer) {
                await writer.add([], through: 300)
                try await writer.flush()
                #expect(writer.counters.tradesMended == 300)
                #expect(try await rig.differences() == [])
            }
        }
    }

    @Test("Who adds waits while more bars wait than there may")
    func backPressure() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 5)
            // The first batch is mended; the others find the table locked.
            let writer = rig.writer(CandleWriterSettings(flushInterval: .milliseconds(5), barsMax: 10))
            try await rig.running(writer) {
                await writer.add([], through: 0)
                try await rig.connection.execute("BEGIN; LOCK TABLE candles IN ACCESS EXCLUSIVE MODE")
                let trades = try Trade.awkward(count: 50, firstID: 1, seed: &random)
                let isOver = Mutex(false)
                async let adding: Void = {
                    await writer.add(trades, through: 50)
                    isOver.withLock { $0 = true }
                }()
                let deadline = ContinuousClock.now + .seconds(30)
                while writer.counters.pendingBars == 0, ContinuousClock.now < deadline { await Task.yield() }
                #expect(writer.counters.pendingBars > 10)
                // Nothing can be awaited that shows that something does not happen.
                try await Task.sleep(for: .milliseconds(50))
                #expect(!isOver.withLock { $0 })
                try await rig.connection.execute("ROLLBACK")
                await adding
                #expect(writer.counters.pendingBars <= 10)
            }
        }
    }

    @Test("A stopped writer writes what it has, and takes no more")
    func stop() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 6)
            let writer = rig.writer(CandleWriterSettings(flushInterval: .seconds(3600)))
            let first = try Trade.awkward(count: 20, firstID: 1, seed: &random)
            try await rig.running(writer) {
                await writer.add([], through: 0)
                let batch = try await rig.record(first)
                await writer.add(batch.inserted, through: batch.position)
            }
            #expect(try await rig.differences() == [])
            let late = try await rig.record(try Trade.awkward(count: 20, firstID: 21, seed: &random))
            await writer.add(late.inserted, through: late.position)
            await #expect(throws: StoreError.self) { try await writer.flush() }
            await #expect(throws: StoreError.self) { try await writer.run() }
            #expect(try await rig.differences() != [])
        }
    }

    @Test("Two writers of two journals add to the same bars without a deadlock")
    func twoWriters() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 7)
            let other = "0e8dd5f0-0000-4000-8000-000000000001"
            let (one, two) = (rig.writer(), rig.writer(journal: other))
            try await rig.running(one) {
                try await rig.running(two) {
                    for round in 0..<20 {
                        let trades = try Trade.awkward(count: 40, firstID: round * 40, seed: &random)
                        let (left, right) = (Array(trades[..<25]), Array(trades[15...]))
                        let first = try await rig.record(left)
                        let second = try await rig.record(right.filter { $0.id != nil }, journal: other)
                        async let adding: Void = one.add(first.inserted, through: first.position)
                        await two.add(second.inserted, through: second.position)
                        await adding
                    }
                    try await one.flush()
                    try await two.flush()
                    #expect(one.counters.lastError == nil && two.counters.lastError == nil)
                    #expect(try await rig.differences() == [])
                }
            }
        }
    }

    /// Repeats what fails because its connection was killed.
    private static func patiently(_ body: () async throws -> Void) async throws {
        for _ in 0..<10 {
            do { return try await body() } catch let error as PostgresError where error.isTransient { continue }
        }
        try await body()
    }
}
