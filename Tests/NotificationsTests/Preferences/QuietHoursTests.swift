import Foundation
import Market
import Notifications
import Testing

@Suite("Quiet hours")
struct QuietHoursTests {
    private static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

    private static func offset(_ zone: String) throws -> (Timestamp) -> Int {
        let zone = try #require(TimeZone(identifier: zone))
        return { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0.microseconds) / 1_000_000)) }
    }

    @Test(
        "The end of the window that reigns, by the user's clock",
        arguments: [
            // Within and around a night in winter: Berlin is at +01:00.
            ("22:00-07:00", "Europe/Berlin", "2026-01-15T21:00:00Z", "2026-01-16T06:00:00Z"),
            ("22:00-07:00", "Europe/Berlin", "2026-01-15T20:59:59Z", nil),
            ("22:00-07:00", "Europe/Berlin", "2026-01-16T05:59:59Z", "2026-01-16T06:00:00Z"),
            ("22:00-07:00", "Europe/Berlin", "2026-01-16T06:00:00Z", nil),
            // The night in which clocks go forward, 29 March 2026, is an hour shorter.
            ("22:00-07:00", "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),
            // The night in which they go back, 25 October 2026, is an hour longer.
            ("22:00-07:00", "Europe/Berlin", "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"),
            // An end in the hour that is left out is read as so much later: 02:30 does not exist, 03:30 is 01:30 UTC.
            ("22:00-02:30", "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T01:30:00Z"),
            // An end in the hour that comes twice is its first time: 02:30 summer time is 00:30 UTC.
            ("22:00-02:30", "Europe/Berlin", "2026-10-24T21:00:00Z", "2026-10-25T00:30:00Z"),
            // New York, 8 March and 1 November 2026; Lord Howe moves by half an hour.
            ("23:00-06:00", "America/New_York", "2026-03-08T04:30:00Z", "2026-03-08T10:00:00Z"),
            ("23:00-06:00", "America/New_York", "2026-11-01T04:30:00Z", "2026-11-01T11:00:00Z"),
            ("23:00-06:00", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T19:30:00Z"),
            // Days are those the window begins on: Friday's night goes on into Saturday.
            ("fri 22:00-07:00", "UTC", "2026-11-27T23:00:00Z", "2026-11-28T07:00:00Z"),
            ("fri 22:00-07:00", "UTC", "2026-11-28T06:00:00Z", "2026-11-28T07:00:00Z"),
            ("fri 22:00-07:00", "UTC", "2026-11-28T23:00:00Z", nil),
            ("mon-thu 12:00-13:00; sat,sun 00:00-24:00", "UTC", "2026-11-26T12:30:00Z", "2026-11-26T13:00:00Z"),
            ("mon-thu 12:00-13:00; sat,sun 00:00-24:00", "UTC", "2026-11-27T12:30:00Z", nil),
            // Windows that touch are one: Saturday and Sunday whole.
            ("sat,sun 00:00-24:00", "UTC", "2026-11-28T10:00:00Z", "2026-11-30T00:00:00Z"),
            ("fri-sun 22:00-08:00; sat,sun 07:30-22:00", "UTC", "2026-11-27T22:30:00Z", "2026-11-30T08:00:00Z"),
            // Before 1970 too.
            ("22:00-07:00", "UTC", "1969-12-31T23:00:00Z", "1970-01-01T07:00:00Z"),
        ] as [(String, String, String, String?)])
    func end(text: String, zone: String, now: String, end: String?) throws {
        let hours = try QuietHours(text)
        let expected = try end.map { try Self.time($0) }
        #expect(hours.end(at: try Self.time(now), offset: try Self.offset(zone)) == expected)
    }

    @Test("Quiet hours that never end say so within some days")
    func always() throws {
        let now = try Self.time("2026-11-27T12:00:00Z")
        let end = try #require(try QuietHours("00:00-00:00").end(at: now) { _ in 0 })
        #expect(end > now && end <= now.advanced(byNanoseconds: 9 * 86_400_000_000_000))
    }

    @Test("The text says what was read", arguments: ["22:00-07:00", "mon,tue,wed 21:30-06:15; sat,sun 23:00-09:00"])
    func text(text: String) throws {
        #expect(try QuietHours(text).description == text)
    }

    @Test("A span of days may go round the end of the week")
    func span() throws {
        #expect(try QuietHours("sat-mon 10:00-11:00") == QuietHours("sat,sun,mon 10:00-11:00"))
    }

    @Test(
        "What is none is refused with the form",
        arguments: [
            "", ";", "22-07", "22:00", "22:00-07:60", "25:00-07:00", "24:00-07:00", "2:00-07:00", "mon",
            "foo 22:00-07:00",
            "mon- 22:00-07:00", "mon,,tue 22:00-07:00", "mon tue 22:00-07:00", "22:00-07:00-08:00", "-1:00-07:00",
        ])
    func invalid(text: String) {
        #expect(throws: NotificationError.invalidQuietHours(text)) { try QuietHours(text) }
    }

    @Test("No instant lies in a window whose end is not after it", arguments: UInt64(0)..<100)
    func endIsLater(seed: UInt64) throws {
        let minutes = Int64(seed &* 7_919 % 2_000_000)
        let now = Timestamp(nanoseconds: 1_700_000_000_000_000_000 + minutes * 60_000_000_000)
        let offset = try Self.offset(["Europe/Berlin", "America/St_Johns", "Pacific/Chatham"][Int(seed % 3)])
        let hours = try QuietHours("mon-fri 21:45-06:10; sat,sun 23:30-10:00")
        if let end = hours.end(at: now, offset: offset) {
            #expect(end > now)
            #expect(hours.end(at: end, offset: offset) == nil)
        }
    }
}
