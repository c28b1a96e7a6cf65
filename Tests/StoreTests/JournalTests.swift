import Market
import Testing

@testable import Store

@Suite("The journal", .timeLimit(.minutes(2)))
struct JournalTests {
    private let rig = JournalRig()

    private func trades(_ numbers: Range<Int64>) throws -> [Tick] { try numbers.map { .trade(try .numbered($0)) } }
    private func quotes(_ numbers: Range<Int64>) throws -> [Tick] { try numbers.map { .quote(try .numbered($0)) } }

    @Test("What is appended comes back in order, each stream with numbers of its own", arguments: UInt64(0)..<10)
    func roundTrip(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let journal = try Journal(self.rig.settings(segmentBytesMax: 5_000), logger: JournalRig.logger)
        var trades: [Trade] = []
        var quotes: [Quote] = []
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            var ticks: [Tick] = []
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                if Bool.random(using: &random) {
                    trades.append(.random(using: &random))
                    ticks += trades.suffix(1).map(Tick.trade)
                } else {
                    quotes.append(.random(using: &random))
                    ticks += quotes.suffix(1).map(Tick.quote)
                }
            }
            journal.append(ticks)
            if Bool.random(using: &random) { #expect(await journal.sync()) }
        }
        #expect(await journal.sync())
        #expect(journal.end(of: .trades) == Int64(trades.count) && journal.end(of: .quotes) == Int64(quotes.count))
        let read = try readAll(journal.reader(of: .trades, from: 0), ticksMax: .random(in: 1...50, using: &random))
        #expect(read.trades == trades && read.quotes == [] && read.lost == [])
        #expect(try readAll(journal.reader(of: .quotes, from: 0)).quotes == quotes)
        let counters = journal.counters
        #expect(counters.appended == Int64(trades.count + quotes.count) && counters.written == counters.appended)
        #expect(counters.pendingBytes == 0 && !counters.isAlarmed && counters.lastError == nil)
    }

    @Test("A position may lie anywhere, within a record and beyond the end")
    func positions() async throws {
        let journal = try self.rig.journal(segmentBytesMax: 4 << 10)
        for start in stride(from: Int64(0), to: 300, by: 60) {
            journal.append(try self.trades(start..<start + 60))
            await journal.sync()
        }
        #expect(self.rig.segments(.trades).count > 2)
        for position in Int64(0)..<300 {
            let batch = try #require(try journal.reader(of: .trades, from: position).batch(ticksMax: 1_000))
            #expect(batch.first == position && batch.end == 300 && batch.lost == [])
            #expect(batch.trades.map(\.id) == (position..<300).map { "\($0)" })
        }
        #expect(try journal.reader(of: .trades, from: -5).batch(ticksMax: 0)?.end == 1)
        let beyond = journal.reader(of: .trades, from: 310)
        #expect(try beyond.batch(ticksMax: 10) == nil)
        journal.append(try self.trades(300..<312))
        await journal.sync()
        #expect(try beyond.batch(ticksMax: 10)?.trades.map(\.id) == ["310", "311"])
    }

    @Test("Readers and a writer do not disturb each other")
    func concurrent() async throws {
        let journal = try Journal(self.rig.settings(segmentBytesMax: 16 << 10), logger: JournalRig.logger)
        let count: Int64 = 20_000
        let signals = journal.signals()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    for start in stride(from: Int64(0), to: count / 2, by: 50) {
                        // Two writers: the streams have one order each, the writers' own numbers only grow.
                        journal.append(
                            try (start..<start + 50).flatMap { [.trade(try .numbered($0)), .quote(try .numbered($0))] })
                        await Task.yield()
                    }
                }
            }
            group.addTask {
                let reader = journal.reader(of: .trades, from: 0)
                var seen: [String: Int] = [:]
                var iterator = signals.makeAsyncIterator()
                while reader.position < count {
                    while let batch = try reader.batch(ticksMax: 777) {
                        #expect(batch.lost == [])
                        for trade in batch.trades { seen[trade.id ?? "", default: 0] += 1 }
                        journal.release(.trades, before: batch.end)
                    }
                    if reader.position < count { _ = await iterator.next() }
                }
                #expect(seen.count == Int(count / 2) && seen.values.allSatisfy { $0 == 2 })
            }
            try await group.waitForAll()
        }
        #expect(await journal.sync())
        #expect(try readAll(journal.reader(of: .quotes, from: 0)).quotes.count == Int(count))
        try await eventually { journal.counters.segments < 200 }
    }

    @Test("Readers see nothing that is not synced")
    func syncedOnly() async throws {
        let journal = try self.rig.journal()
        journal.append(try self.trades(0..<10))
        await journal.sync()
        self.rig.disk.faults.codes["fdatasync"] = 5
        journal.append(try self.trades(10..<20))
        #expect(await journal.sync() == false)
        #expect(journal.end(of: .trades) == 10)
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.count == 10)
        self.rig.disk.faults.codes = [:]
        try await eventually { journal.end(of: .trades) == 20 }
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.map(\.id) == (0..<20).map { "\($0)" })
    }

    @Test("Released segments are deleted, the newest never")
    func release() async throws {
        let journal = try self.rig.journal(segmentBytesMax: 4 << 10)
        for start in stride(from: Int64(0), to: 500, by: 50) {
            journal.append(try self.trades(start..<start + 50))
            await journal.sync()
        }
        let before = self.rig.segments(.trades)
        let firsts = before.compactMap { SegmentName(String($0.split(separator: "/").last ?? ""))?.first }
        #expect(firsts.count >= 4)
        journal.release(.trades, before: firsts[2] - 1)
        try await eventually { self.rig.segments(.trades) == Array(before.dropFirst(1)) }
        journal.release(.trades, before: firsts[2])
        try await eventually { self.rig.segments(.trades) == Array(before.dropFirst(2)) }
        journal.release(.trades, before: 500)
        try await eventually { self.rig.segments(.trades) == before.suffix(1) }
        #expect(journal.counters.lostTrades == 0)
        journal.close()
        let again = try self.rig.journal()
        #expect(again.end(of: .trades) == 500 && again.endAtOpening(of: .trades) == 500)
        again.append(try self.trades(500..<501))
        await again.sync()
        #expect(try readAll(again.reader(of: .trades, from: 500)).trades.map(\.id) == ["500"])
        // Whoever comes for what was released learns what is missing.
        let late = try readAll(again.reader(of: .trades, from: 10))
        #expect(late.lost.map(\.first) == [10] && late.lost.map(\.reason) == [.full])
        #expect(Int64(late.trades.count) + (late.lost.first?.count ?? 0) == 491)
    }

    @Test("After closing, a journal takes nothing, and can be opened again and goes on")
    func closing() async throws {
        let signals: AsyncStream<Void>
        do {
            let journal = try Journal(self.rig.settings(), logger: JournalRig.logger)
            signals = journal.signals()
            journal.append(try self.trades(0..<100) + self.quotes(0..<3))
            journal.close()
            journal.close()
            #expect(journal.end(of: .trades) == 100)
            journal.append(try self.trades(100..<101))
            #expect(journal.counters.lostTrades == 1)
            #expect(await journal.sync())
            #expect(try readAll(journal.reader(of: .trades, from: 50)).trades.count == 50)
            #expect(throws: JournalError.self) { try journal.renew() }
        }
        for await _ in signals {}
        let journal = try Journal(self.rig.settings(), logger: JournalRig.logger)
        #expect(journal.endAtOpening(of: .trades) == 100 && journal.end(of: .quotes) == 3)
        journal.append(try self.trades(100..<110))
        await journal.sync()
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.map(\.id) == (0..<110).map { "\($0)" })
        #expect(journal.counters.segments == 2)
    }

    @Test("A restored copy gets a new id, and what came since it was opened is still there to be recorded")
    func renewing() async throws {
        let journal = try self.rig.journal()
        let oldID = journal.id
        journal.append(try self.trades(0..<10))
        await journal.sync()
        let newID = try journal.renew()
        #expect(newID != oldID && journal.id == newID)
        journal.append(try self.trades(10..<20))
        await journal.sync()
        #expect(try readAll(journal.reader(of: .trades, from: journal.endAtOpening(of: .trades))).trades.count == 20)
        journal.close()
        // The newest segment knows the new id, should the file get lost.
        self.rig.disk[self.rig.directory + "/id"] = nil
        let again = try self.rig.journal()
        #expect(again.id == newID && again.end(of: .trades) == 20)
    }

    @Test("A wait for the sync ends when its task is cancelled")
    func cancelledSync() async throws {
        let journal = try Journal(
            self.rig.settings(), disk: self.rig.disk, timing: JournalTiming(retry: .seconds(600)),
            logger: JournalRig.logger)
        self.rig.disk.faults.codes["write"] = 28
        journal.append(try self.trades(0..<1))
        try await eventually { journal.counters.lastError != nil }
        let waiting = Task { await journal.sync() }
        waiting.cancel()
        #expect(await waiting.value == false)
        self.rig.disk.faults.codes = [:]
    }
}
