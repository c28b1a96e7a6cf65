import ArgumentParser
import Foundation
import Market

/// A point in time as people write it: `24h` (ago), `2026-11-23`, `2026-11-23T14:00`, `2026-11-23T14:00:00Z`, `today`, `now`.
struct TimeArgument: ExpressibleByArgument {
    private enum Kind {
        case ago(nanoseconds: Int64)
        case at(Timestamp)
        /// A reading of the clock in a zone that is not known yet, written as if it were UTC.
        case onClock(Timestamp)
        /// So many days before the day it is in the zone.
        case daysAgo(Int)
    }

    /// What the messages say.
    static let expected = "a time ago (90s, 5m, 24h, 7d, 2w), a date, an RFC 3339 time, today, yesterday or now"

    private let kind: Kind

    init?(argument: String) {
        if argument == "now" {
            self.kind = .ago(nanoseconds: 0)
        } else if argument == "today" {
            self.kind = .daysAgo(0)
        } else if argument == "yesterday" {
            self.kind = .daysAgo(1)
        } else if let duration = DurationArgument(argument: argument) {
            self.kind = .ago(nanoseconds: duration.nanoseconds)
        } else if let time = Timestamp(iso8601: argument) {
            // A day beyond its month's end would silently be one of the next.
            guard CivilDay(String(argument.prefix(10))) != nil else { return nil }
            self.kind = .at(time)
        } else if CivilDay(String(argument.prefix(10))) != nil,
            let time = Self.clockForms.lazy.compactMap({ Timestamp(iso8601: argument + $0) }).first
        {
            self.kind = .onClock(time)
        } else {
            return nil
        }
    }

    /// What is missing behind a date, a date with hour and minute, and one with a second.
    private static let clockForms = ["T00:00:00Z", ":00Z", "Z"]

    /// The instant that is meant.
    ///
    /// - Parameters:
    ///   - now: The time it is.
    ///   - zone: Where dates and times without an offset are meant.
    /// - Returns: The instant.
    func resolved(now: Timestamp, zone: ZoneArgument = .utc) -> Timestamp {
        switch self.kind {
        case .ago(let nanoseconds): return now.advanced(byNanoseconds: -nanoseconds)
        case .at(let time): return time
        case .onClock(let local): return zone.utc(fromLocal: local)
        case .daysAgo(let days):
            let today = CivilDay(zone.local(now), in: .utc)
            let midnight = Int64(today.daysSinceEpoch - days) * 86_400_000_000_000
            return zone.utc(fromLocal: Timestamp(nanoseconds: midnight))
        }
    }
}

/// A length of time: `90s`, `5m`, `24h`, `7d`, `2w`.
struct DurationArgument: ExpressibleByArgument {
    let nanoseconds: Int64

    var defaultValueDescription: String { "\(self.nanoseconds / 1_000_000_000)s" }

    init(seconds: Int64) { self.nanoseconds = seconds * 1_000_000_000 }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]
        guard let unit = argument.last.flatMap({ units[$0] }), let count = Int64(argument.dropLast()), count > 0,
            case let (seconds, overflow) = count.multipliedReportingOverflow(by: unit), !overflow,
            seconds < 100 * 365 * 86400
        else { return nil }
        self.nanoseconds = seconds * 1_000_000_000
    }
}
