import Foundation
import Testing

@testable import Market

@Suite("Zone rule")
struct ZoneRuleTests {
    @Test(
        "The offset is that of the instant, to the second of the switch",
        arguments: [
            ("America/New_York", "2026-03-08T06:59:59Z", -18000), ("America/New_York", "2026-03-08T07:00:00Z", -14400),
            ("America/New_York", "2026-11-01T05:59:59Z", -14400), ("America/New_York", "2026-11-01T06:00:00Z", -18000),
            ("America/New_York", "2006-03-20T12:00:00Z", -18000), ("America/Chicago", "2026-07-01T00:00:00Z", -18000),
            ("Europe/London", "2026-03-29T00:59:59Z", 0), ("Europe/London", "2026-03-29T01:00:00Z", 3600),
            ("Europe/Warsaw", "2026-10-25T00:59:59Z", 7200), ("Europe/Warsaw", "2026-10-25T01:00:00Z", 3600),
            ("Asia/Seoul", "2026-07-01T00:00:00Z", 32400), ("Asia/Kolkata", "2026-07-01T00:00:00Z", 19800),
            ("UTC", "2026-07-01T00:00:00Z", 0), ("+09:00", "2026-07-01T00:00:00Z", 32400),
            ("-0330", "2026-07-01T00:00:00Z", -12600), ("+9", "2026-07-01T00:00:00Z", 32400),
        ]
    )
    func offset(zone: String, time: String, expected: Int) throws {
        #expect(try ZoneRule(zone).utcOffset(atUTC: #require(Timestamp(iso8601: time))) == expected)
    }

    @Test(
        "A wall-clock time is found again, the doubled hour as its first, the skipped hour as long after the jump",
        arguments: [
            ("America/New_York", "2026-11-23T09:30:00Z", "2026-11-23T14:30:00Z"),
            ("America/New_York", "2026-07-23T09:30:00Z", "2026-07-23T13:30:00Z"),
            ("America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z"),
            ("America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T07:00:00Z"),
            ("America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:30:00Z"),
            ("Europe/Warsaw", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"),
            ("Europe/Warsaw", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"),
            ("Asia/Tokyo", "2026-01-01T00:00:00Z", "2025-12-31T15:00:00Z"),
        ]
    )
    func wallClock(zone: String, local: String, expected: String) throws {
        let found = try ZoneRule(zone).utc(fromLocal: #require(Timestamp(iso8601: local)))
        #expect(found == Timestamp(iso8601: expected))
    }

    @Test("Every hour from 1996 to 2037 agrees with the system's time zone database", arguments: ZoneRule.names)
    func agreesWithDatabase(name: String) throws {
        let zone = try ZoneRule(name)
        let system = try #require(TimeZone(identifier: name))
        let first = CivilDay(year: 1996, month: 1, day: 1).startSeconds
        let last = CivilDay(year: 2037, month: 12, day: 31).startSeconds
        var differences = 0
        for seconds in stride(from: first, to: last, by: 3600) {
            let expected = system.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds)))
            if zone.utcOffset(atUTC: Timestamp(microseconds: seconds * 1_000_000)) != expected { differences += 1 }
        }
        #expect(differences == 0)
    }

    @Test(
        "What is no zone is refused with the zones there are",
        arguments: ["", "EST", "Mars/Olympus", "+", "+15:00", "+1:30", "09:00"])
    func refused(name: String) {
        #expect(throws: MarketError.unknownZone(name)) { try ZoneRule(name) }
        #expect(MarketError.unknownZone(name).description.contains("America/New_York"))
    }
}

@Suite("Civil day")
struct CivilDayTests {
    @Test("Weekdays, nth weekdays and last weekdays")
    func weekdays() {
        #expect(CivilDay(year: 2026, month: 11, day: 23).weekday == .monday)
        #expect(CivilDay(year: 1969, month: 12, day: 31).weekday == .wednesday)
        #expect(CivilDay.nth(4, .thursday, month: 11, year: 2026) == CivilDay(year: 2026, month: 11, day: 26))
        #expect(CivilDay.nth(1, .sunday, month: 11, year: 2026) == CivilDay(year: 2026, month: 11, day: 1))
        #expect(CivilDay.last(.monday, month: 5, year: 2027) == CivilDay(year: 2027, month: 5, day: 31))
        #expect(CivilDay.last(.sunday, month: 12, year: 2026) == CivilDay(year: 2026, month: 12, day: 27))
        #expect(CivilDay(floor: -1) == CivilDay(daysSinceEpoch: -1))
        #expect(CivilDay(year: 2026, month: 3, day: 5).description == "2026-03-05")
    }

    @Test(
        "A date is read strictly",
        arguments: ["", "2026-2-03", "2026-02-30", "2026-13-01", "2026-00-10", "+026-01-01", "2026-01-01 "])
    func strict(text: String) {
        #expect(CivilDay(text) == nil)
        #expect(CivilDay("2028-02-29") == CivilDay(year: 2028, month: 2, day: 29))
    }
}
