/// An instant on the UTC clock: nanoseconds since 1970-01-01T00:00:00Z, from 1677 to 2262.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Nanoseconds since the Unix epoch, leap seconds not counted.
    public let nanoseconds: Int64

    /// Makes an instant from nanoseconds since the Unix epoch.
    @inline(__always)
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Makes an instant from microseconds since the Unix epoch; PostgreSQL keeps this precision.
    public init(microseconds: Int64) { self.nanoseconds = microseconds &* 1000 }

    /// Microseconds since the Unix epoch, rounded down.
    public var microseconds: Int64 {
        let (quotient, remainder) = self.nanoseconds.quotientAndRemainder(dividingBy: 1000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Earlier before later.
    @inline(__always)
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The instant `nanoseconds` later.
    public func advanced(byNanoseconds nanoseconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: self.nanoseconds &+ nanoseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with six fraction digits, or nine when the nanoseconds need them.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(30)
        self.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends RFC 3339 in UTC: `2026-11-23T12:00:00.123456Z`.
    public func write(to bytes: inout [UInt8]) {
        let secondNanoseconds: Int64 = 1_000_000_000
        var seconds = self.nanoseconds / secondNanoseconds
        var fraction = self.nanoseconds % secondNanoseconds
        if fraction < 0 {
            fraction += secondNanoseconds
            seconds -= 1
        }
        var days = seconds / 86400
        var secondOfDay = seconds % 86400
        if secondOfDay < 0 {
            secondOfDay += 86400
            days -= 1
        }
        let (year, month, day) = CivilDate.date(daysSinceEpoch: Int(days))
        Self.append(year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        Self.append(Int(secondOfDay / 3600), digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(Int(secondOfDay / 60 % 60), digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(Int(secondOfDay % 60), digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        if fraction % 1000 == 0 {
            Self.append(Int(fraction / 1000), digits: 6, to: &bytes)
        } else {
            Self.append(Int(fraction), digits: 9, to: &bytes)
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func append(_ value: Int, digits: Int, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(truncatingIfNeeded: value / divisor % 10) &+ UInt8(ascii: "0"))
            divisor /= 10
        }
    }
}

extension Timestamp {
    /// Reads ISO 8601: a date, `T` or a blank, a time with 0 to 9 fraction digits, and `Z` or an offset with or without colon.
    ///
    /// Finer fractions than nanoseconds are cut. O(*n*), allocates nothing.
    ///
    /// - Returns: `nil` when the bytes are not such a time, the zone is missing, or the year is outside 1678…2261.
    public init?(iso8601 text: UnsafeRawBufferPointer) {
        guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count >= 20 else { return nil }
        let count = text.count
        guard base[4] == UInt8(ascii: "-"), base[7] == UInt8(ascii: "-"),
            base[10] | 0x20 == UInt8(ascii: "t") || base[10] == UInt8(ascii: " "),
            base[13] == UInt8(ascii: ":"), base[16] == UInt8(ascii: ":"),
            let century = Self.twoDigits(base, 0), let yearOfCentury = Self.twoDigits(base, 2),
            let month = Self.twoDigits(base, 5), let day = Self.twoDigits(base, 8),
            let hour = Self.twoDigits(base, 11), let minute = Self.twoDigits(base, 14),
            let second = Self.twoDigits(base, 17),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        let year = century * 100 + yearOfCentury
        guard (1678...2261).contains(year) else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if base[index] == UInt8(ascii: ".") || base[index] == UInt8(ascii: ",") {
            index += 1
            var unit: Int64 = 100_000_000
            let start = index
            while index < count, base[index] &- UInt8(ascii: "0") < 10 {
                fraction += Int64(base[index] &- UInt8(ascii: "0")) * unit
                unit /= 10
                index += 1
            }
            guard index > start else { return nil }
        }
        guard index < count, let offsetSeconds = Self.offset(base, index, count) else { return nil }
        let days = CivilDate.daysSinceEpoch(year: year, month: month, day: day)
        let seconds = Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second) - Int64(offsetSeconds)
        self.init(nanoseconds: seconds * 1_000_000_000 + fraction)
    }

    /// Reads ISO 8601 text; see ``init(iso8601:)-(UnsafeRawBufferPointer)``.
    public init?(iso8601 text: String) {
        var text = text
        let parsed = text.withUTF8 { Timestamp(iso8601: UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    @inline(__always)
    private static func twoDigits(_ base: UnsafePointer<UInt8>, _ index: Int) -> Int? {
        let tens = base[index] &- UInt8(ascii: "0")
        let ones = base[index + 1] &- UInt8(ascii: "0")
        guard tens < 10, ones < 10 else { return nil }
        return Int(tens) * 10 + Int(ones)
    }

    /// Seconds east of Greenwich of `Z`, `+02:00`, `+0200` or `+02`.
    private static func offset(_ base: UnsafePointer<UInt8>, _ index: Int, _ count: Int) -> Int? {
        switch base[index] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            return index + 1 == count ? 0 : nil
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard index + 3 <= count, let hours = Self.twoDigits(base, index + 1), hours < 24 else { return nil }
            var minutes = 0
            var next = index + 3
            if next < count, base[next] == UInt8(ascii: ":") { next += 1 }
            if next < count {
                guard next + 2 == count, let parsed = Self.twoDigits(base, next), parsed < 60 else { return nil }
                minutes = parsed
            }
            let seconds = hours * 3600 + minutes * 60
            return base[index] == UInt8(ascii: "-") ? -seconds : seconds
        default:
            return nil
        }
    }
}

/// The proleptic Gregorian calendar by day numbers.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and civil_from_days.
public enum CivilDate {
    /// Days from 1970-01-01 to the date; negative before it.
    public static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146097 + dayOfEra - 719468
    }

    /// The date `days` after 1970-01-01.
    public static func date(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719468
        let era = (shifted >= 0 ? shifted : shifted - 146096) / 146097
        let dayOfEra = shifted - era * 146097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}
