/// A date of the proleptic Gregorian calendar, without a time and without a zone.
public struct CivilDay: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// A day of the week.
    public enum Weekday: Int, Sendable, Hashable {
        /// The days, in the order of the week.
        case sunday, monday, tuesday, wednesday, thursday, friday, saturday
    }

    /// Days from 1970-01-01; negative before it.
    public let daysSinceEpoch: Int

    /// The day so many days after 1970-01-01.
    public init(daysSinceEpoch: Int) { self.daysSinceEpoch = daysSinceEpoch }

    /// The day of a date; a day beyond its month's end counts on into the next.
    public init(year: Int, month: Int, day: Int) {
        self.daysSinceEpoch = CivilDate.daysSinceEpoch(year: year, month: month, day: day)
    }

    /// Reads `2026-11-23`; `nil` for anything else, dates that do not exist among them.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count == 10, parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
        guard (1...12).contains(month), self.parts == (year, month, day) else { return nil }
    }

    /// The date that a clock in `zone` shows at `time`.
    public init(_ time: Timestamp, in zone: ZoneRule) {
        self.init(floor: time.seconds + Int64(zone.utcOffset(atUTC: time)))
    }

    /// The day that `seconds` since 1970-01-01T00:00:00 fall on.
    init(floor seconds: Int64) {
        self.daysSinceEpoch = Int(seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400)
    }

    /// The date's parts.
    public var parts: (year: Int, month: Int, day: Int) { CivilDate.date(daysSinceEpoch: self.daysSinceEpoch) }
    /// The year.
    public var year: Int { self.parts.year }
    /// The day of the week; 1970-01-01 was a Thursday.
    public var weekday: Weekday {
        let index = (self.daysSinceEpoch + 4) % 7
        guard let weekday = Weekday(rawValue: index < 0 ? index + 7 : index) else {
            preconditionFailure("\(index) is no remainder of 7")
        }
        return weekday
    }
    /// Whether it is a Saturday or a Sunday.
    public var isWeekend: Bool { self.weekday == .saturday || self.weekday == .sunday }

    /// The day so many days later, or earlier.
    public func advanced(by days: Int) -> CivilDay { CivilDay(daysSinceEpoch: self.daysSinceEpoch + days) }

    /// `2026-11-23`.
    public var description: String {
        let (year, month, day) = self.parts
        return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
    }

    /// Earlier before later.
    public static func < (left: CivilDay, right: CivilDay) -> Bool { left.daysSinceEpoch < right.daysSinceEpoch }

    /// Midnight at the day's beginning, in seconds since 1970-01-01T00:00:00 of the same clock.
    var startSeconds: Int64 { Int64(self.daysSinceEpoch) * 86400 }

    /// The `n`th such weekday of a month, from 1.
    static func nth(_ n: Int, _ weekday: Weekday, month: Int, year: Int) -> CivilDay {
        let first = CivilDay(year: year, month: month, day: 1)
        return first.advanced(by: (weekday.rawValue - first.weekday.rawValue + 7) % 7 + 7 * (n - 1))
    }

    /// The last such weekday of a month.
    static func last(_ weekday: Weekday, month: Int, year: Int) -> CivilDay {
        let next = CivilDay(year: month == 12 ? year + 1 : year, month: month == 12 ? 1 : month + 1, day: 1)
        return next.advanced(by: -((next.weekday.rawValue - weekday.rawValue + 6) % 7 + 1))
    }
}

extension Timestamp {
    /// Whole seconds since the Unix epoch, rounded down.
    var seconds: Int64 {
        let (quotient, remainder) = self.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
