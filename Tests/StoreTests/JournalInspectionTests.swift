import Market
import Testing

@testable import Store

@Suite("Inspecting a journal", .timeLimit(.minutes(2)))
struct JournalInspectionTests {
    private let rig = JournalRig()

    private func fill(_ count: Int64) async throws -> Journal {
        let journal = try self.rig.journal(segmentBytesMax: 4 << 10)
        for start in stride(from: Int64(0), to: count, by: 20) {
            journal.append(try (start..<start + 20).flatMap { [.trade(try .numbered($0)), .quote(try .numbered($0))] })
            await journal.sync()
        }
        return journal
    }

    private func inspect() throws -> [JournalSegmentReport] {
        var segments: [JournalSegmentReport] = []
        try JournalInspector(directory: self.rig.directory, disk: self.rig.disk).inspect { segments.append($0) }
        return segments
    }

    @Test("Every record of every segment is listed, while the journal is open")
    func records() async throws {
        let journal = try await self.fill(200)
        var records: [String: [JournalInspector.Record]] = [:]
        var segments: [JournalSegmentReport] = []
        let count = try JournalInspector(directory: self.rig.directory, disk: self.rig.disk).inspect(
            onRecord: { records[$0, default: []].append($1) }, onSegment: { segments.append($0) })
        #expect(count == segments.count && count == journal.counters.segments)
        #expect(segments.allSatisfy { $0.findings == [] && $0.journalID == journal.id })
        #expect(segments.reduce(0) { $0 + $1.bytes } == journal.counters.bytesOnDisk)
        for stream in JournalStream.allCases {
            let own = segments.filter { $0.stream == stream }
            #expect(own.count > 1 && own.first?.first == 0 && own.last?.end == 200)
            #expect(zip(own, own.dropFirst()).allSatisfy { $0.end == $1.first })
            #expect(own.reduce(0) { $0 + $1.ticks } == 200)
        }
        for segment in segments {
            let own = try #require(records[segment.file])
            #expect(own.count == segment.records && own.map(\.ticks).reduce(0, +) == segment.ticks)
            #expect(own.first?.offset == 48 && own.map(\.bytes).reduce(48, +) == segment.bytes)
            #expect(segment.from?.nanoseconds == segment.first && segment.until?.nanoseconds == segment.end - 1)
        }
    }

    @Test("Damage is found where it is; a torn end of the newest segment is a note")
    func damage() async throws {
        (try await self.fill(200)).close()
        let paths = self.rig.segments(.trades)
        var bytes = try #require(self.rig.disk[paths[0]])
        bytes[48 + 30] ^= 1
        self.rig.disk[paths[0]] = bytes
        var header = try #require(self.rig.disk[paths[1]])
        header[17] ^= 1
        self.rig.disk[paths[1]] = header
        let newest = try #require(self.rig.segments(.quotes).last)
        let whole = try #require(self.rig.disk[newest])
        self.rig.disk[newest] = whole + [1, 2, 3]
        let segments = try self.inspect()
        #expect(segments.map(\.isDamaged) == [true, true] + segments.dropFirst(2).map { _ in false })
        #expect(
            segments[0].findings.map(\.offset).first == 48 && segments[0].findings.count == 2
                && segments[0].ticks == segments[0].end - 20)
        #expect(segments[0].findings.last?.text.contains("20 trades are missing, from number 0 on") == true)
        #expect(segments[1].findings.map(\.offset) == [0] && segments[1].ticks == segments[1].end - segments[1].first)
        let last = try #require(segments.last)
        #expect(last.findings.map(\.offset) == [Int64(whole.count)] && last.end == 200)
    }

    @Test("Missing numbers are a note; a missing folder is an error that names it")
    func missing() async throws {
        (try await self.fill(200)).close()
        let paths = self.rig.segments(.trades)
        self.rig.disk[paths[1]] = nil
        let segments = try self.inspect()
        #expect(segments.allSatisfy { !$0.isDamaged })
        #expect(segments[1].findings.map(\.text).first?.hasPrefix("in front of the segment, ") == true)
        let nowhere = JournalInspector(directory: "/nowhere/journal")
        #expect(throws: JournalError.unreadable(file: "/nowhere/journal", reason: "opendir: No such file or directory"))
        {
            try nowhere.inspect { _ in }
        }
    }
}
