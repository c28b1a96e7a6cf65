import Market
import Testing

@testable import Notifications

@Suite("When live activities begin and end")
struct LiveActivityScheduleTests {
    /// Friday 27 November 2026 is a half day: open 14:30 to 18:00 UTC, then until 22:00 after hours.
    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: "2026-11-\(text):00Z")) }

    @Test(
        "A stock's market is open from the first trading until the regular close",
        arguments: [
            ("25T20:59", "open"), ("25T21:00", "after"), ("26T15:00", "closed"), ("27T09:30", "pre"),
            ("27T14:30", "open"), ("27T18:00", "after"), ("28T15:00", "closed"),
        ])
    func market(text: String, state: String) throws {
        let schedule = LiveActivitySchedule(asset: .stock)
        let now = try self.time(text)
        #expect(schedule.marketState(at: now) == state)
        let close = try self.time(text < "27T18:00" ? "25T21:00" : "27T18:00")
        let isClosed = state == "after" || state == "closed"
        #expect(schedule.market(at: now) == (isClosed ? .closed(since: close) : .open))
        #expect(LiveActivitySchedule(asset: .crypto).market(at: now) == .open)
    }

    @Test("A stock's activity is begun at the open for who asked before, once a session")
    func stock() throws {
        let schedule = LiveActivitySchedule(asset: .stock)
        let asked = try self.time("26T10:00")
        let isDue: (Timestamp?, Timestamp, String) throws -> Bool = { started, asked, now in
            schedule.isStartDue(startedAt: started, askedAt: asked, now: try self.time(now))
        }
        #expect(try !isDue(nil, asked, "27T14:29"))
        #expect(try isDue(nil, asked, "27T14:30"))
        #expect(try isDue(nil, asked, "27T17:59") && !isDue(nil, asked, "27T18:00"))
        #expect(try !isDue(self.time("27T14:30"), asked, "27T15:00"))
        #expect(try isDue(self.time("27T14:30"), asked, "30T14:30"))
        // Who asks within a session has the app begin it.
        #expect(try !isDue(nil, self.time("27T15:00"), "27T15:01"))
    }

    @Test("Crypto's activity is begun when it is asked for, and anew after eight hours")
    func crypto() throws {
        let schedule = LiveActivitySchedule(asset: .crypto)
        let asked = try self.time("28T10:00")
        #expect(schedule.isStartDue(startedAt: nil, askedAt: asked, now: asked))
        #expect(try !schedule.isStartDue(startedAt: asked, askedAt: asked, now: self.time("28T17:59")))
        #expect(try schedule.isStartDue(startedAt: asked, askedAt: asked, now: self.time("28T18:00")))
    }

    @Test(
        "Relevance grows towards the nearest threshold",
        arguments: [
            ([], nil), (["100"], 100), (["101"], 50), (["99", "200"], 50), (["103"], 25), (["200"], 1), (["0"], 1),
        ] as [([String], Double?)])
    func relevance(thresholds: [String], score: Double?) throws {
        let price = try #require(Decimal64("100"))
        #expect(LiveRelevance.score(price: price, thresholds: thresholds.compactMap { Decimal64($0) }) == score)
    }

    @Test("A sparkline has a point a minute, from 0 to 100, 24 at most")
    func sparkline() throws {
        var line = LiveSparkline()
        let start = try self.time("28T10:00")
        let take: (inout LiveSparkline, String, Int64) throws -> Void = { line, price, seconds in
            line.take(try #require(Decimal64(price)), now: start.advanced(byNanoseconds: seconds * 1_000_000_000))
        }
        try take(&line, "100", 0)
        #expect(line.points.isEmpty)
        try take(&line, "101", 59)
        try take(&line, "103", 60)
        try take(&line, "102", 120)
        #expect(line.points == [0, 100, 50])
        for minute in 3...40 { try take(&line, String(200 + minute), Int64(minute) * 60) }
        #expect(line.points.count == 24 && line.points.first == 0 && line.points.last == 100)
        var flat = LiveSparkline()
        try take(&flat, "7", 0)
        try take(&flat, "7", 60)
        #expect(flat.points == [50, 50])
    }

    @Test("A price is written with the decimals of its symbol")
    func decimals() throws {
        let price = LivePrice(
            price: try #require(Decimal64("64100")), decimals: 2, change: Decimal64("-12.5"),
            time: try self.time("28T10:00"))
        let body = JSONWriter.object { price.write(to: &$0, withSparkline: true) }
        #expect(String(decoding: body, as: UTF8.self).hasPrefix(#"{"p":"64100.00","c":"-12.50","#))
    }
}
