import Market
import Testing

@testable import Store

/// Reads segments that lie on the memory disk, without a journal's thread.
@Suite("Reading a journal that is cut or damaged")
struct JournalReadingTests {
    private static let path = "/journal/trades-00000000000000000007.journal"

    /// A segment with records of `counts` random trades, from number 7 on.
    private func segment(
        _ counts: [Int], using random: inout SplitMix64
    ) -> (bytes: [UInt8], trades: [Trade], ends: [Int]) {
        var bytes = SegmentHeader(stream: .trades, first: 7, journalID: JournalID.random()).bytes
        var trades: [Trade] = []
        var ends: [Int] = []
        for count in counts {
            var record = JournalRecord(first: 7 + Int64(trades.count))
            for _ in 0..<count {
                let trade = Trade.random(using: &random)
                record.append(trade)
                trades.append(trade)
            }
            record.seal()
            bytes += record.bytes
            ends.append(bytes.count)
        }
        return (bytes, trades, ends)
    }

    /// Opens a folder that holds just this segment, and reads all of it from number 7 on.
    private func open(_ bytes: [UInt8]) throws -> (opened: OpenedStream, trades: [Trade], lost: [JournalLoss]) {
        let disk = MemoryDisk()
        disk[Self.path] = bytes
        disk["/journal/id"] = Array(JournalID.random().utf8)
        let opened = try JournalFolder(directory: "/journal", disk: disk, logger: JournalRig.logger).open()
        let shared = JournalShared(
            settings: JournalSettings(directory: "/journal"), timing: JournalTiming(), disk: disk,
            logger: JournalRig.logger, signal: try JournalSignal(),
            state: JournalState(id: opened.id, trades: .init(opened.trades), quotes: .init(opened.quotes)))
        let read = try readAll(JournalReader(shared, .trades, position: 7, isSafe: true), ticksMax: 3)
        return (opened.trades, read.trades, read.lost)
    }

    @Test(
        "Cut at any byte, the newest segment gives exactly the whole records before the cut", arguments: UInt64(0)..<3)
    func cut(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let counts = [2, 1, 4, 3]
        let whole = self.segment(counts, using: &random)
        for count in 0...whole.bytes.count {
            let records = whole.ends.filter { $0 <= count }.count
            let ticks = counts.prefix(records).reduce(0, +)
            let read = try self.open(Array(whole.bytes[..<count]))
            #expect(read.trades == Array(whole.trades.prefix(ticks)) && read.lost == [], "cut at \(count)")
            #expect(read.opened.end == 7 + Int64(ticks))
            let last = try #require(read.opened.segments.last)
            #expect(last.bytes == Int64(records == 0 ? SegmentHeader.bytesCount : whole.ends[records - 1]))
        }
    }

    @Test("Any changed byte costs no more than its record, and never gives a wrong tick", arguments: UInt64(0)..<3)
    func flip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let counts = [2, 1, 4, 3]
        let whole = self.segment(counts, using: &random)
        for index in whole.bytes.indices {
            var bytes = whole.bytes
            bytes[index] ^= UInt8.random(in: 1...255, using: &random)
            let read = try self.open(bytes)
            // The record that the byte belongs to; none for the header.
            guard index >= SegmentHeader.bytesCount, let hit = whole.ends.firstIndex(where: { $0 > index }) else {
                #expect(read.trades == whole.trades && read.lost == [], "byte \(index)")
                continue
            }
            let first = counts.prefix(hit).reduce(0, +)
            let rest = whole.trades[..<first] + whole.trades[(first + counts[hit])...]
            #expect(read.trades == Array(rest), "byte \(index)")
            if hit == counts.count - 1 {
                // At the end it looks like a torn record, and is cut.
                #expect(read.lost == [])
            } else {
                let loss = try #require(read.lost.first)
                #expect(read.lost.count == 1 && loss.first == 7 + Int64(first) && loss.count == Int64(counts[hit]))
                #expect(loss.reason == .damaged)
                #expect(loss.before == (first == 0 ? nil : whole.trades[first - 1].receivedTime))
                #expect(loss.after == whole.trades[first + counts[hit]].receivedTime)
            }
        }
    }

    @Test("Bytes put in or taken out cost no more than the record they are in", arguments: UInt64(0)..<40)
    func shift(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let whole = self.segment([3, 3, 3], using: &random)
        let place = Int.random(in: whole.ends[0]..<whole.ends[1], using: &random)
        var bytes = whole.bytes
        if Bool.random(using: &random) {
            bytes.insert(contentsOf: (0..<Int.random(in: 1...300, using: &random)).map { UInt8($0 & 0xFF) }, at: place)
        } else {
            bytes.removeSubrange(place..<Int.random(in: place + 1...whole.ends[1], using: &random))
        }
        let read = try self.open(bytes)
        let isBetween = place == whole.ends[0] && read.trades.count == 9
        #expect(isBetween || read.trades == Array(whole.trades[..<3] + whole.trades[6...]))
        #expect(read.lost.map(\.count) == (isBetween ? [] : [3]))
    }

    @Test("Random bytes in place of records give no tick and no crash", arguments: UInt64(0)..<50)
    func garbage(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let header = SegmentHeader(stream: .trades, first: 7, journalID: JournalID.random()).bytes
        let bytes = (0..<Int.random(in: 1...3_000, using: &random)).map { _ in
            UInt8.random(in: 0...(seed.isMultiple(of: 2) ? 255 : 3), using: &random)
        }
        let read = try self.open(header + bytes)
        #expect(read.trades == [] && read.lost == [] && read.opened.end == 7)
    }

    @Test("Damage larger than the read window is stepped over")
    func largeDamage() throws {
        var random = SplitMix64(seed: 1)
        let whole = self.segment([3, 3, 3], using: &random)
        var bytes = whole.bytes
        bytes.replaceSubrange(
            whole.ends[0]..<whole.ends[1], with: [UInt8](repeating: 0x40, count: 3 << 20))
        let read = try self.open(bytes)
        #expect(read.trades == Array(whole.trades[..<3] + whole.trades[6...]))
        #expect(read.lost.map(\.first) == [10])
    }
}
