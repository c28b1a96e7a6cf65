import Market
import Testing

@testable import Store

@Suite("A journal that is full", .timeLimit(.minutes(2)))
struct JournalBoundTests {
    private let rig = JournalRig()
    private static let bytesMax: Int64 = 16 << 20

    /// Ticks whose records are large, so that a test need not write many.
    private func trades(_ numbers: Range<Int64>) throws -> [Tick] {
        let long = String(repeating: "x", count: 20_000)
        return try numbers.map { number in
            var trade = try Trade.numbered(number)
            trade.id = "\(number)-" + long
            return .trade(trade)
        }
    }

    private func number(_ trade: Trade) -> Int64? { trade.id.flatMap { Int64($0.prefix { $0 != "-" }) } }

    /// Quotes that take as much: a quote has no id, so there are many.
    private func quotes(_ numbers: Range<Int64>) throws -> [Tick] { try numbers.map { .quote(try .numbered($0)) } }

    @Test("At the bound the oldest quotes go first, then the oldest trades; what is lost is counted and met by readers")
    func sheddingOrder() async throws {
        let journal = try self.rig.journal(bytesMax: Self.bytesMax)
        // About 5 MB of quotes in five or more segments.
        for start in stride(from: Int64(0), to: 80_000, by: 5_000) {
            journal.append(try self.quotes(start..<start + 5_000))
            await journal.sync()
        }
        let quoteSegments = self.rig.segments(.quotes).count
        #expect(quoteSegments > 3 && !journal.counters.isAlarmed && journal.counters.lostQuotes == 0)
        var written: Int64 = 0
        var isAlarmedBeforeLoss = false
        while journal.counters.lostTrades == 0 {
            journal.append(try self.trades(written..<written + 40))
            await journal.sync()
            written += 40
            let counters = journal.counters
            #expect(counters.bytesOnDisk <= Self.bytesMax && self.rig.disk.bytesUsed <= Int(Self.bytesMax) + 100)
            if counters.isAlarmed, counters.lostQuotes == 0 { isAlarmedBeforeLoss = true }
            // Not one trade goes as long as there are quotes that can.
            if self.rig.segments(.quotes).count > 1 { #expect(counters.lostTrades == 0) }
            try #require(written < 2_000)
        }
        #expect(isAlarmedBeforeLoss && self.rig.segments(.quotes).count == 1)
        let counters = journal.counters
        let quotes = try readAll(journal.reader(of: .quotes, from: 0))
        #expect(quotes.lost.map(\.first) == [0] && quotes.lost.map(\.count) == [counters.lostQuotes])
        #expect(quotes.lost.map(\.reason) == [.full] && quotes.lost.map(\.before) == [nil])
        #expect(quotes.lost.first?.after == quotes.quotes.first?.receivedTime)
        #expect(Int64(quotes.quotes.count) + counters.lostQuotes == 80_000)
        #expect(quotes.quotes.first?.venueSequence == counters.lostQuotes)
        let trades = try readAll(journal.reader(of: .trades, from: 0))
        #expect(trades.lost.map(\.count) == [counters.lostTrades])
        #expect(trades.trades.map(self.number) == (counters.lostTrades..<written).map { $0 })
    }

    @Test("The alarm ends below 60 % of the bound, and what was read is not lost")
    func alarmEnds() async throws {
        let journal = try self.rig.journal(bytesMax: Self.bytesMax)
        var written: Int64 = 0
        while !journal.counters.isAlarmed {
            journal.append(try self.trades(written..<written + 40))
            written += 40
            await journal.sync()
            try #require(written < 2_000)
        }
        #expect(journal.counters.bytesOnDisk >= Self.bytesMax / 5 * 4 && journal.counters.lostTrades == 0)
        let reader = journal.reader(of: .trades, from: 0)
        #expect(try readAll(reader).lost == [])
        journal.release(.trades, before: 100)
        try await eventually { journal.counters.bytesOnDisk < Self.bytesMax / 5 * 4 }
        #expect(journal.counters.isAlarmed)
        journal.release(.trades, before: written)
        try await eventually { !journal.counters.isAlarmed }
        #expect(journal.counters.bytesOnDisk < Self.bytesMax / 5 * 3)
    }

    @Test("A reader that holds a shed segment open does not give what counts as lost, and its room is free at once")
    func sheddingUnderReader() async throws {
        let journal = try self.rig.journal(bytesMax: Self.bytesMax)
        let reader = journal.reader(of: .trades, from: 0)
        journal.append(try self.trades(0..<80))
        await journal.sync()
        let first = try #require(try reader.batch(ticksMax: 10))
        #expect(first.trades.compactMap(self.number) == Array(0..<10))
        var written: Int64 = 80
        while journal.counters.lostTrades == 0 {
            journal.append(try self.trades(written..<written + 40))
            written += 40
            await journal.sync()
            #expect(self.rig.disk.bytesUsed <= Int(Self.bytesMax) + 100)
            try #require(written < 2_000)
        }
        let rest = try readAll(reader)
        #expect(rest.lost.map(\.first) == [10] && rest.lost.map(\.count) == [journal.counters.lostTrades])
        #expect(rest.lost.first?.before == Timestamp(nanoseconds: 9))
        #expect(Int64(rest.trades.count) + journal.counters.lostTrades + 10 == written)
    }

    @Test("A full disk sheds to make room, and the alarm ends some time after the last refusal")
    func fullDisk() async throws {
        let journal = try self.rig.journal(bytesMax: Self.bytesMax, alarmHold: .seconds(2))
        for start in stride(from: Int64(0), to: 40_000, by: 5_000) {
            journal.append(try self.quotes(start..<start + 5_000))
            await journal.sync()
        }
        // No more than what is there.
        self.rig.disk.faults.capacity = self.rig.disk.bytesUsed + 10_000
        journal.append(try self.trades(0..<40))
        #expect(await journal.sync())
        let counters = journal.counters
        #expect(counters.lostQuotes > 0 && counters.lostTrades == 0 && counters.isAlarmed)
        let quotes = try readAll(journal.reader(of: .quotes, from: 0))
        #expect(quotes.lost.map(\.count) == [counters.lostQuotes])
        #expect(Int64(quotes.quotes.count) + counters.lostQuotes == 40_000)
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.count == 40)
        try await eventually { !journal.counters.isAlarmed }
        #expect(journal.counters.lastError == nil)
    }

    @Test("When nothing can be shed ticks wait in memory; beyond its bound the oldest quotes go first")
    func memoryBound() async throws {
        let journal = try self.rig.journal(bufferBytesMax: 1 << 20)
        journal.append(try self.trades(0..<1) + self.quotes(0..<1))
        #expect(await journal.sync())
        self.rig.disk.faults.codes["write"] = 28
        for start in stride(from: Int64(1), to: 9_001, by: 1_000) {
            journal.append(try self.quotes(start..<start + 1_000))
            #expect(await journal.sync() == false)
        }
        #expect(journal.counters.lostQuotes == 0 && journal.counters.isAlarmed && journal.counters.lastError != nil)
        journal.append(try self.trades(1..<41))
        try await eventually { journal.counters.lostQuotes > 0 }
        #expect(journal.counters.lostTrades == 0)
        journal.append(try self.trades(41..<81))
        try await eventually { journal.counters.lostTrades > 0 && journal.counters.pendingBytes <= 1 << 20 }
        let counters = journal.counters
        #expect(counters.lostQuotes == 9_000 && journal.end(of: .trades) == 1)
        self.rig.disk.faults.codes = [:]
        try await untilSynced(journal)
        let trades = try readAll(journal.reader(of: .trades, from: 0))
        #expect(trades.lost.map(\.count) == [counters.lostTrades] && trades.lost.map(\.first) == [1])
        #expect(trades.lost.first?.before == Timestamp(nanoseconds: 0))
        #expect(trades.lost.first?.after == trades.trades.dropFirst().first?.receivedTime)
        #expect(Int64(trades.trades.count) + counters.lostTrades == 81)
        #expect(try readAll(journal.reader(of: .quotes, from: 0)).quotes.count == 1)
        // The lost quotes have had their numbers: the next opening does not give them again.
        journal.close()
        let again = try self.rig.journal()
        #expect(again.end(of: .quotes) == 9_001)
        let quotes = try readAll(again.reader(of: .quotes, from: 0))
        #expect(quotes.quotes.count == 1 && quotes.lost.map(\.count) == [9_000])
    }

    @Test("An id that is too long for a record costs its trade alone")
    func hugeID() async throws {
        let journal = try self.rig.journal()
        var huge = try Trade.numbered(1)
        huge.id = String(repeating: "x", count: (2 << 20) + 1)
        var large = huge
        large.id?.removeLast()
        journal.append([.trade(try .numbered(0)), .trade(huge), .trade(large)])
        #expect(await journal.sync())
        let read = try readAll(journal.reader(of: .trades, from: 0))
        #expect(read.trades.map(\.id) == ["0", large.id] && read.lost.map(\.first) == [1])
        #expect(journal.counters.lostTrades == 1)
    }
}
