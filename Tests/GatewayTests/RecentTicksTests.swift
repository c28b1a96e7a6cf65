import Channels
import NIOCore
import Testing

@testable import Gateway

@Suite("Ticks for clients that missed some")
struct RecentTicksTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func record(
        _ events: [Channels.ChannelEvent], _ recent: RecentTicks, at seconds: Int64 = 0, app: Int32? = nil
    ) {
        var builder = EventBatch.Builder(count: events.count, dataBytes: 1000, clock: { Self.start })
        for event in events { builder.append(event, app: app) }
        recent.record(builder.finish(), now: Self.start + .seconds(seconds))
    }

    private func ticks(_ recent: RecentTicks, since: UInt64, at seconds: Int64 = 0, app: Int32 = 0) -> ([Int], Bool) {
        let answer = recent.ticks(of: "ticker-A", app: app, since: since, now: Self.start + .seconds(seconds))
        let numbers = answer.ticks.map { text in
            Int(String(decoding: text, as: UTF8.self).firstMatch(of: /"sequence":(\d+)/)?.output.1 ?? "") ?? -1
        }
        return (numbers, answer.isComplete)
    }

    private func makeRecent(ticksMax: Int = 10, bytesMax: Int = 1_000_000) -> RecentTicks {
        RecentTicks(ticksMax: ticksMax, age: .seconds(60), bytesMax: bytesMax)
    }

    @Test("What came since is complete as long as it is kept")
    func since() {
        let recent = self.makeRecent()
        self.record((101...105).map { marketTick("ticker-A", $0) }, recent)
        #expect(self.ticks(recent, since: 103) == ([104, 105], true))
        #expect(self.ticks(recent, since: 105) == ([], true))
        #expect(self.ticks(recent, since: 100) == ([101, 102, 103, 104, 105], true))
        #expect(self.ticks(recent, since: 99) == ([101, 102, 103, 104, 105], false))
        #expect(self.ticks(recent, since: 106) == ([], false))
        let json = recent.ticks(of: "ticker-A", app: 0, since: 104, now: Self.start).json
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"ticks":[{"symbol":"A","price":"105","side":"buy","sequence":105}],"complete":true}"#)
    }

    @Test("A channel without ticks has nothing to tell, and what was shown before the first one is its beginning")
    func beginning() {
        let recent = self.makeRecent()
        #expect(self.ticks(recent, since: 100) == ([], false))
        var shown = marketTick("ticker-A", 100)
        shown.retention = .keepOnly
        self.record([shown], recent)
        #expect(self.ticks(recent, since: 100) == ([], true))
        self.record([marketTick("ticker-A", 101)], recent)
        #expect(self.ticks(recent, since: 100) == ([101], true))
        #expect(self.ticks(recent, since: 99) == ([101], false))
    }

    @Test("Only so many are kept, and only so long")
    func bounds() {
        let recent = self.makeRecent()
        for sequence in 1...500 { self.record([marketTick("ticker-A", sequence)], recent) }
        #expect(self.ticks(recent, since: 490) == (Array(491...500), true))
        #expect(self.ticks(recent, since: 489) == (Array(491...500), false))
        #expect(self.ticks(recent, since: 498, at: 61) == ([], false))
        #expect(self.ticks(recent, since: 500, at: 61) == ([], true))
        self.record([marketTick("ticker-A", 501)], recent, at: 62)
        #expect(self.ticks(recent, since: 500, at: 62) == ([501], true))
    }

    @Test("Bytes are bounded over all channels")
    func bytes() {
        let recent = self.makeRecent(ticksMax: 1000, bytesMax: 20_000)
        for sequence in 1...2000 {
            for symbol in ["A", "B", "C"] { self.record([marketTick("ticker-\(symbol)", sequence)], recent) }
        }
        let (numbers, isComplete) = self.ticks(recent, since: 0)
        #expect(!isComplete)
        #expect(numbers.last == 2000)
        #expect((10...200).contains(numbers.count), "\(numbers.count)")
    }

    @Test("Bytes are bounded whatever threads record at once, and each channel stays whole")
    func threads() async {
        let recent = RecentTicks(ticksMax: 100, age: .seconds(60), bytesMax: 10_000_000)
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    for sequence in 1...500 { self.record([marketTick("ticker-\(thread)", sequence)], recent) }
                }
            }
        }
        for thread in 0..<4 {
            let answer = recent.ticks(of: "ticker-\(thread)", app: 0, since: 400, now: Self.start)
            #expect(answer.ticks.count == 100 && answer.isComplete)
        }
    }

    @Test("A hole is not complete; a merged tick is none, also for who has part of what it stands for")
    func holes() {
        let recent = self.makeRecent()
        self.record([marketTick("ticker-A", 1), marketTick("ticker-A", 3)], recent)
        #expect(self.ticks(recent, since: 1) == ([3], false))
        #expect(self.ticks(recent, since: 3) == ([], true))
        var merged = marketTick("ticker-A", 6)
        merged.data = Array(#"{"symbol":"A","sequence":6,"merged":3}"#.utf8)
        self.record([merged], recent)
        #expect(self.ticks(recent, since: 3) == ([6], true))
        #expect(self.ticks(recent, since: 4) == ([6], true))
    }

    @Test("Other channels and other events are not kept; apps have their own")
    func others() {
        let recent = self.makeRecent()
        self.record([marketTick("ticker-A", 1)], recent, app: 1)
        self.record([marketTick("private-ticker-A", 1)], recent)
        self.record([.init(channel: "ticker-A", name: "stale", data: Array(#"{"sequence":9}"#.utf8))], recent)
        self.record([.init(channel: "ticker-A", name: "tick", data: Array("5".utf8))], recent)
        #expect(self.ticks(recent, since: 0) == ([], false))
        #expect(self.ticks(recent, since: 0, app: 1) == ([1], true))
    }
}
