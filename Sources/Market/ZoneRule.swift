/// A time zone by rule: its offset from UTC at any instant from 1996 to 2261, without a database and without the system's clock.
///
/// Source: IANA tz database, files `northamerica`, `europe` and `asia`: the rules in force since 1996 in Europe and since 1987 in
/// the United States; the Asian zones have had no daylight saving time since.
public struct ZoneRule: Sendable, Hashable {
    /// Which rule decides about daylight saving time.
    private enum Saving: Sendable, Hashable {
        case none
        /// At 02:00 wall-clock time: second Sunday of March to first Sunday of November; before 2007 first of April to last of October.
        case unitedStates
        /// At 01:00 UTC: last Sunday of March to last Sunday of October.
        case europe
    }

    /// The name it was made from.
    public let name: String
    /// Seconds east of Greenwich without daylight saving time.
    private let standardOffset: Int
    private let saving: Saving

    private init(name: String, standardOffset: Int, saving: Saving) {
        self.name = name
        self.standardOffset = standardOffset
        self.saving = saving
    }

    /// Coordinated universal time.
    public static let utc = ZoneRule(name: "UTC", standardOffset: 0, saving: .none)
    /// New York, where the stock exchanges' clocks hang.
    public static let newYork = ZoneRule(name: "America/New_York", standardOffset: -5 * 3600, saving: .unitedStates)

    private static let known: [ZoneRule] = [
        .utc, .newYork,
        ZoneRule(name: "America/Chicago", standardOffset: -6 * 3600, saving: .unitedStates),
        ZoneRule(name: "Europe/London", standardOffset: 0, saving: .europe),
        ZoneRule(name: "Europe/Berlin", standardOffset: 3600, saving: .europe),
        ZoneRule(name: "Europe/Paris", standardOffset: 3600, saving: .europe),
        ZoneRule(name: "Europe/Warsaw", standardOffset: 3600, saving: .europe),
        ZoneRule(name: "Asia/Seoul", standardOffset: 9 * 3600, saving: .none),
        ZoneRule(name: "Asia/Tokyo", standardOffset: 9 * 3600, saving: .none),
        ZoneRule(name: "Asia/Shanghai", standardOffset: 8 * 3600, saving: .none),
        ZoneRule(name: "Asia/Hong_Kong", standardOffset: 8 * 3600, saving: .none),
        ZoneRule(name: "Asia/Singapore", standardOffset: 8 * 3600, saving: .none),
        ZoneRule(name: "Asia/Kolkata", standardOffset: 5 * 3600 + 1800, saving: .none),
    ]

    /// The names that are known; offsets such as `+09:00` are known besides.
    public static var names: [String] { self.known.map(\.name) }

    /// Finds a zone by its IANA name, or makes one of a fixed offset: `+09:00`, `-0330`, `+9`.
    ///
    /// - Throws: ``MarketError/unknownZone(_:)``.
    public init(_ name: String) throws(MarketError) {
        if let zone = Self.known.first(where: { $0.name == name }) {
            self = zone
        } else if let offset = Self.fixedOffset(name.utf8) {
            self.init(name: name, standardOffset: offset, saving: .none)
        } else {
            throw .unknownZone(name)
        }
    }

    /// Seconds to add to UTC at an instant, to get the wall clock there.
    public func utcOffset(atUTC time: Timestamp) -> Int {
        self.standardOffset + self.savingSeconds(atUTC: time.seconds)
    }

    /// Seconds to take off a wall-clock time to get UTC.
    ///
    /// A time that the clock shows twice in autumn is the first of the two; one that it skips in spring is read with the offset
    /// before the jump, which gives the instant as long after it.
    ///
    /// - Parameter local: The wall-clock time, written as if it were UTC.
    /// - Returns: Seconds east of Greenwich.
    public func utcOffset(atLocal local: Timestamp) -> Int {
        guard self.saving != .none else { return self.standardOffset }
        let summer = self.standardOffset + 3600
        // The skipped hour is winter by both readings, the doubled hour summer by the first.
        return self.savingSeconds(atUTC: local.seconds - Int64(summer)) > 0 ? summer : self.standardOffset
    }

    /// The instant at which the wall clock there shows `local`, which is written as if it were UTC; see ``utcOffset(atLocal:)``.
    public func utc(fromLocal local: Timestamp) -> Timestamp {
        local.advanced(byNanoseconds: -Int64(self.utcOffset(atLocal: local)) * 1_000_000_000)
    }

    private func savingSeconds(atUTC seconds: Int64) -> Int {
        if self.saving == .none { return 0 }
        // The switches are months from New Year: the year in UTC decides as well as the local one.
        let year = CivilDay(floor: seconds).year
        let start: Int64
        let end: Int64
        switch self.saving {
        case .none: return 0
        case .europe:
            start = CivilDay.last(.sunday, month: 3, year: year).startSeconds + 3600
            end = CivilDay.last(.sunday, month: 10, year: year).startSeconds + 3600
        case .unitedStates:
            let first =
                year >= 2007
                ? CivilDay.nth(2, .sunday, month: 3, year: year) : CivilDay.nth(1, .sunday, month: 4, year: year)
            let last =
                year >= 2007
                ? CivilDay.nth(1, .sunday, month: 11, year: year) : CivilDay.last(.sunday, month: 10, year: year)
            start = first.startSeconds + 7200 - Int64(self.standardOffset)
            end = last.startSeconds + 7200 - Int64(self.standardOffset + 3600)
        }
        return seconds >= start && seconds < end ? 3600 : 0
    }

    /// Reads `+HH:MM`, `+HHMM`, `+HH` or `+H`, either sign, up to 14 hours.
    private static func fixedOffset(_ text: String.UTF8View) -> Int? {
        guard let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        var digits = text.dropFirst().map { $0 }
        if let colon = digits.firstIndex(of: UInt8(ascii: ":")) {
            guard colon == 2, digits.count == 5 else { return nil }
            digits.remove(at: colon)
        }
        guard [1, 2, 4].contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        let (hours, minutes) = digits.count == 4 ? (number / 100, number % 100) : (number, 0)
        guard minutes < 60, hours * 60 + minutes <= 14 * 60 else { return nil }
        return (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }
}
