import Glibc
import Market
import Testing

@testable import Store

@Suite("Opening a journal again", .timeLimit(.minutes(2)))
struct JournalRecoveryTests {
    private let rig = JournalRig()

    private func fill(_ count: Int64, segmentBytesMax: Int64 = 64 << 20) async throws -> String {
        let journal = try self.rig.journal(segmentBytesMax: segmentBytesMax)
        for number in 0..<count {
            journal.append([.trade(try .numbered(number))])
            await journal.sync()
        }
        journal.close()
        return journal.id
    }

    private var newest: String { self.rig.segments(.trades).last ?? "" }

    @Test("A second opening is refused, and names the folder and the process")
    func lock() throws {
        let journal = try Journal(self.rig.settings(), logger: JournalRig.logger)
        #expect(throws: JournalError.inUse(directory: self.rig.directory, process: getpid())) {
            try Journal(self.rig.settings(), logger: JournalRig.logger)
        }
        journal.close()
        _ = try Journal(self.rig.settings(), logger: JournalRig.logger)
        let error = JournalError.inUse(directory: "/data/journal", process: 42)
        #expect(error.description.contains("/data/journal") && error.description.contains("process 42"))
    }

    @Test("What was torn is cut off, and numbering goes on behind what is whole")
    func tornTail() async throws {
        let id = try await self.fill(5)
        let whole = try #require(self.rig.disk[self.newest])
        self.rig.disk[self.newest] = Array(whole.dropLast(3))
        let journal = try self.rig.journal()
        #expect(journal.id == id && journal.endAtOpening(of: .trades) == 4)
        journal.append([.trade(try .numbered(4)), .trade(try .numbered(5))])
        await journal.sync()
        let read = try readAll(journal.reader(of: .trades, from: 0))
        #expect(read.trades.map(\.id) == (0..<6).map { "\($0)" } && read.lost == [])
    }

    @Test("Damage within the newest segment is reported, not cut off")
    func damagedMiddle() async throws {
        _ = try await self.fill(5)
        var bytes = try #require(self.rig.disk[self.newest])
        let recordBytes = (bytes.count - SegmentHeader.bytesCount) / 5
        bytes[SegmentHeader.bytesCount + recordBytes * 2 + 30] ^= 1
        self.rig.disk[self.newest] = bytes
        let journal = try self.rig.journal()
        #expect(journal.endAtOpening(of: .trades) == 5)
        for _ in 0..<2 {
            let read = try readAll(journal.reader(of: .trades, from: 0))
            #expect(read.trades.map(\.id) == ["0", "1", "3", "4"])
            let loss = JournalLoss(
                stream: .trades, first: 2, count: 1, reason: .damaged, before: Timestamp(nanoseconds: 1),
                after: Timestamp(nanoseconds: 3))
            #expect(read.lost == [loss])
            // Counted once, however often it is met.
            #expect(journal.counters.lostTrades == 1)
        }
    }

    @Test("A segment that is gone or unreadable costs its own ticks, and reading goes on behind it")
    func goneSegment() async throws {
        _ = try await self.fill(200, segmentBytesMax: 4 << 10)
        let segments = self.rig.segments(.trades)
        let firsts = segments.compactMap { SegmentName(String($0.split(separator: "/").last ?? ""))?.first }
        try #require(firsts.count >= 3)
        let journal = try self.rig.journal()
        self.rig.disk[segments[1]] = nil
        let read = try readAll(journal.reader(of: .trades, from: 0))
        #expect(read.lost.map(\.first) == [firsts[1]] && read.lost.map(\.count) == [firsts[2] - firsts[1]])
        #expect(read.lost.map(\.reason) == [.damaged] && read.trades.count == 200 - Int(firsts[2] - firsts[1]))
    }

    @Test("A newest segment that was begun and never filled keeps its number", arguments: [0, 1, 47, 48])
    func emptyNewest(bytes: Int) async throws {
        let id = try await self.fill(3)
        let header = SegmentHeader(stream: .trades, first: 3, journalID: id).bytes
        let name = self.rig.directory + "/" + SegmentName(stream: .trades, first: 3).text
        self.rig.disk[name] = Array(header.prefix(bytes))
        // A stream of which nothing is left but such a file.
        let lonely = self.rig.directory + "/" + SegmentName(stream: .quotes, first: 1_000).text
        self.rig.disk[lonely] = Array(header.prefix(min(bytes, 20)))
        let journal = try self.rig.journal()
        #expect(journal.end(of: .trades) == 3 && journal.end(of: .quotes) == 1_000)
        journal.append([.trade(try .numbered(3)), .quote(try .numbered(1_000))])
        await journal.sync()
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.map(\.id) == ["0", "1", "2", "3"])
        #expect(try readAll(journal.reader(of: .quotes, from: 1_000)).quotes.map(\.venueSequence) == [1_000])
    }

    @Test("A damaged header costs no tick, and what comes goes into a new segment")
    func damagedHeader() async throws {
        _ = try await self.fill(3)
        var bytes = try #require(self.rig.disk[self.newest])
        bytes[20] ^= 1
        self.rig.disk[self.newest] = bytes
        let journal = try self.rig.journal()
        journal.append([.trade(try .numbered(3))])
        await journal.sync()
        #expect(self.rig.segments(.trades).count == 2)
        #expect(try readAll(journal.reader(of: .trades, from: 0)).trades.map(\.id) == ["0", "1", "2", "3"])
    }

    @Test("A missing id is taken from the segments, and missed when they do not know it")
    func missingID() async throws {
        let id = try await self.fill(3)
        let path = self.rig.directory + "/id"
        self.rig.disk[path] = nil
        #expect(try self.rig.journal().id == id)
        #expect(self.rig.disk[path] == Array((id + "\n").utf8))
        self.rig.disk[path] = nil
        var bytes = try #require(self.rig.disk[self.newest])
        bytes[20] ^= 1
        self.rig.disk[self.newest] = bytes
        #expect(throws: JournalError.missingID(directory: self.rig.directory)) { try self.rig.journal() }
    }

    @Test("A damaged id is refused with its content, and other files are left alone")
    func otherFiles() async throws {
        let id = try await self.fill(1)
        let path = self.rig.directory + "/id"
        self.rig.disk[self.rig.directory + "/notes.txt"] = [1]
        self.rig.disk[self.rig.directory + "/trades-7.journal"] = [2]
        #expect(try self.rig.journal().end(of: .trades) == 1)
        #expect(self.rig.disk[self.rig.directory + "/trades-7.journal"] == [2])
        self.rig.disk[path] = Array("what\n".utf8)
        #expect(throws: JournalError.damagedID(file: path, content: "what")) { try self.rig.journal() }
        // An id in capital letters is the same id: PostgreSQL would say so too.
        self.rig.disk[path] = Array(id.uppercased().utf8)
        #expect(try self.rig.journal().id == id)
    }

    @Test("A segment of a later version is refused")
    func laterVersion() async throws {
        _ = try await self.fill(1)
        var bytes = try #require(self.rig.disk[self.newest])
        bytes[8] = 9
        let checksum = bytes[..<44].withUnsafeBytes { CRC32C.checksum($0) }
        for place in 0..<4 { bytes[44 + place] = UInt8(truncatingIfNeeded: checksum >> UInt32(place * 8)) }
        self.rig.disk[self.newest] = bytes
        #expect(throws: JournalError.unknownVersion(file: self.newest, version: 9)) { try self.rig.journal() }
    }

    @Test("A folder that cannot be made is refused with the system's reason")
    func unusableFolder() throws {
        #expect {
            try Journal(JournalSettings(directory: "/dev/null/journal"), logger: JournalRig.logger)
        } throws: { error in
            "\(error)" == "Cannot use '/dev/null/journal' for the journal: mkdir: Not a directory. "
                + "Make it writable for this user, or choose another folder."
        }
    }

    @Test("A loss of power costs nothing that was readable", arguments: UInt64(0)..<20)
    func powerLoss(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var appended: Int64 = 0
        for _ in 0..<4 {
            let journal = try self.rig.journal(segmentBytesMax: 4 << 10)
            #expect(journal.end(of: .trades) <= appended)
            appended = journal.end(of: .trades)
            let read = try readAll(journal.reader(of: .trades, from: 0))
            #expect(read.trades.map(\.id) == (0..<appended).map { "\($0)" } && read.lost == [])
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                let count = Int64.random(in: 1...40, using: &random)
                journal.append(try (appended..<appended + count).map { .trade(try .numbered($0)) })
                appended += count
                if Bool.random(using: &random) { await journal.sync() }
            }
            let readable = journal.end(of: .trades)
            // From here on the disk takes nothing more from this journal.
            self.rig.disk.faults.codes = ["write": EIO, "fdatasync": EIO, "open": EIO, "fsync": EIO, "unlink": EIO]
            self.rig.disk.faults.isTruncationRefused = true
            let synced = max(readable, journal.end(of: .trades))
            journal.close()
            self.rig.disk.faults = MemoryDisk.Faults()
            self.rig.disk.losePower(using: &random)
            let again = try self.rig.journal(segmentBytesMax: 4 << 10)
            #expect(again.end(of: .trades) >= synced)
            again.close()
        }
    }
}
