import Glibc
import Market
import Testing

@testable import Store

@Suite("A journal whose disk fails", .timeLimit(.minutes(2)))
struct JournalFailureTests {
    private let rig = JournalRig()

    private func trades(_ numbers: Range<Int64>) throws -> [Tick] { try numbers.map { .trade(try .numbered($0)) } }

    private func expectAll(_ journal: Journal, _ count: Int64) throws {
        let read = try readAll(journal.reader(of: .trades, from: 0))
        #expect(read.trades.map(\.id) == (0..<count).map { "\($0)" } && read.lost == [])
        #expect(journal.counters.lostTrades == 0)
    }

    @Test("Writes that take a part of the bytes are completed")
    func shortWrites() async throws {
        let journal = try self.rig.journal()
        self.rig.disk.faults.writeBytesMax = 7
        journal.append(try self.trades(0..<200))
        #expect(await journal.sync())
        try self.expectAll(journal, 200)
        #expect(!journal.counters.isAlarmed)
    }

    @Test(
        "A refused call loses nothing: the ticks wait and are written later",
        arguments: ["write", "fdatasync", "open", "fsync"], [EIO, ENOSPC])
    func refusedCall(call: String, code: Int32) async throws {
        let journal = try self.rig.journal(segmentBytesMax: 4 << 10)
        journal.append(try self.trades(0..<50))
        #expect(await journal.sync())
        self.rig.disk.faults.codes[call] = code
        var appended: Int64 = 50
        // New files are made only when a segment is full.
        repeat {
            journal.append(try self.trades(appended..<appended + 50))
            appended += 50
        } while await journal.sync() && appended < 1_000
        #expect(appended < 1_000 && journal.counters.isAlarmed)
        let lastError = try #require(journal.counters.lastError)
        #expect(lastError.hasPrefix(call))
        if code == ENOSPC {
            // Segments that nobody had read were given up to make room.
            let lost = journal.counters.lostTrades
            self.rig.disk.faults.codes = [:]
            try await untilSynced(journal)
            let read = try readAll(journal.reader(of: .trades, from: 0))
            #expect(Int64(read.trades.count) + lost == appended && read.lost.reduce(0) { $0 + $1.count } == lost)
        } else {
            self.rig.disk.faults.codes = [:]
            try await untilSynced(journal)
            try self.expectAll(journal, appended)
        }
        try await eventually { !journal.counters.isAlarmed }
        #expect(journal.counters.lastError == nil)
        let before = try readAll(journal.reader(of: .trades, from: 0))
        journal.close()
        let again = try self.rig.journal()
        #expect(again.end(of: .trades) == appended)
        #expect(try readAll(again.reader(of: .trades, from: 0)) == before)
    }

    @Test("A write torn by a full disk is cut away, or left behind where nobody reads", arguments: [false, true])
    func tornWrite(isTruncationRefused: Bool) async throws {
        let journal = try self.rig.journal()
        journal.append(try self.trades(0..<10))
        #expect(await journal.sync())
        self.rig.disk.faults.isTruncationRefused = isTruncationRefused
        self.rig.disk.faults.capacity = self.rig.disk.bytesUsed + 100
        journal.append(try self.trades(10..<100))
        #expect(await journal.sync() == false)
        self.rig.disk.faults = MemoryDisk.Faults()
        try await untilSynced(journal)
        try self.expectAll(journal, 100)
        #expect(self.rig.segments(.trades).count == (isTruncationRefused ? 2 : 1))
        journal.close()
        try self.expectAll(try self.rig.journal(), 100)
    }

    @Test("After a failed sync what was not synced is written again, elsewhere", arguments: [false, true])
    func failedSync(isTruncationRefused: Bool) async throws {
        let journal = try self.rig.journal()
        journal.append(try self.trades(0..<10))
        #expect(await journal.sync())
        self.rig.disk.faults.codes["fdatasync"] = EIO
        self.rig.disk.faults.isTruncationRefused = isTruncationRefused
        journal.append(try self.trades(10..<20))
        #expect(await journal.sync() == false)
        journal.append(try self.trades(20..<30))
        #expect(await journal.sync() == false)
        self.rig.disk.faults = MemoryDisk.Faults()
        try await untilSynced(journal)
        try self.expectAll(journal, 30)
        journal.close()
        try self.expectAll(try self.rig.journal(), 30)
    }

    @Test("A disk that fails for good is given up at closing, with the count of what is lost")
    func closingOnFailedDisk() async throws {
        let journal = try self.rig.journal()
        journal.append(try self.trades(0..<10))
        #expect(await journal.sync())
        self.rig.disk.faults.codes = ["write": EIO]
        journal.append(try self.trades(10..<15))
        journal.close()
        #expect(journal.counters.lostTrades == 5 && journal.end(of: .trades) == 10)
    }

    @Test("What cannot be read counts as damaged, and reading goes on when it can be read again")
    func unreadable() async throws {
        let journal = try self.rig.journal()
        journal.append(try self.trades(0..<10))
        #expect(await journal.sync())
        self.rig.disk.faults.codes["read"] = EIO
        let batch = try #require(try journal.reader(of: .trades, from: 0).batch(ticksMax: 100))
        #expect(batch.trades == [] && batch.end == 10)
        #expect(batch.lost.map(\.reason) == [.damaged] && batch.lost.map(\.count) == [10])
        self.rig.disk.faults.codes = [:]
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.count == 10)
    }
}

/// Results of ``readAll(_:ticksMax:)`` are compared member by member.
private func == (
    left: (trades: [Trade], quotes: [Quote], lost: [JournalLoss]),
    right: (trades: [Trade], quotes: [Quote], lost: [JournalLoss])
) -> Bool {
    left.trades == right.trades && left.quotes == right.quotes && left.lost.map(\.count) == right.lost.map(\.count)
}
