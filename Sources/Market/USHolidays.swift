/// The holidays and half days of the stock exchanges of the United States.
enum USHolidays {
    /// Closures that no rule gives, with their occasion.
    ///
    /// Source: NYSE notices; PyPI's `exchange_calendars` lists the same ones from 2013.
    static let specialClosures: [CivilDay: String] = [
        CivilDay(year: 2018, month: 12, day: 5): "Day of mourning for George H. W. Bush",
        CivilDay(year: 2025, month: 1, day: 9): "Day of mourning for Jimmy Carter",
    ]

    /// Whether a holiday is kept on this day, which may be the day before or after its date.
    static func isHoliday(_ day: CivilDay) -> Bool {
        let (year, month, _) = day.parts
        switch month {
        case 1:
            // A New Year's Day on a Saturday is not made up for: the last trading day of the year must be a day of that year.
            return day == Self.shiftedFromSunday(CivilDay(year: year, month: 1, day: 1))
                || day == .nth(3, .monday, month: 1, year: year)
        case 2: return day == .nth(3, .monday, month: 2, year: year)
        case 3, 4: return day == Self.easterSunday(year).advanced(by: -2)
        case 5: return day == .last(.monday, month: 5, year: year)
        case 6: return year >= 2022 && day == Self.observed(CivilDay(year: year, month: 6, day: 19))
        case 7: return day == Self.observed(CivilDay(year: year, month: 7, day: 4))
        case 9: return day == .nth(1, .monday, month: 9, year: year)
        case 11: return day == .nth(4, .thursday, month: 11, year: year)
        case 12: return day == Self.observed(CivilDay(year: year, month: 12, day: 25))
        default: return false
        }
    }

    /// Whether trading ends early: the day after Thanksgiving, and July 3 and December 24 when they are trading days.
    static func isHalfDay(_ day: CivilDay) -> Bool {
        let (year, month, dayOfMonth) = day.parts
        switch (month, dayOfMonth) {
        case (7, 3), (12, 24): return !day.isWeekend && !Self.isHoliday(day)
        case (11, _): return day == .nth(4, .thursday, month: 11, year: year).advanced(by: 1)
        default: return false
        }
    }

    /// A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after.
    private static func observed(_ holiday: CivilDay) -> CivilDay {
        holiday.weekday == .saturday ? holiday.advanced(by: -1) : Self.shiftedFromSunday(holiday)
    }

    private static func shiftedFromSunday(_ holiday: CivilDay) -> CivilDay {
        holiday.weekday == .sunday ? holiday.advanced(by: 1) : holiday
    }

    /// Easter Sunday of the Gregorian calendar.
    ///
    /// Source: J. Meeus, "Astronomical Algorithms", chapter 8 (the computus of Nature, 1876).
    static func easterSunday(_ year: Int) -> CivilDay {
        let a = year % 19
        let b = year / 100
        let c = year % 100
        let d = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30
        let e = (32 + 2 * (b % 4) + 2 * (c / 4) - d - c % 4) % 7
        let f = d + e - 7 * ((a + 11 * d + 22 * e) / 451) + 114
        return CivilDay(year: year, month: f / 31, day: f % 31 + 1)
    }
}
