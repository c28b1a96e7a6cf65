import Testing

@testable import Market

@Suite("Trading calendar")
struct TradingCalendarTests {
    private let calendar = TradingCalendar.xnys

    @Test(
        "Holidays are kept on their observed day",
        arguments: [
            ("2023-01-02", "New Year's Day on a Sunday"), ("2026-01-19", "Martin Luther King"),
            ("2026-02-16", "Presidents"),
            ("2024-03-29", "Good Friday in March"), ("2026-04-03", "Good Friday in April"), ("2026-05-25", "Memorial"),
            ("2022-06-20", "the first Juneteenth, on a Sunday"), ("2027-06-18", "Juneteenth on a Saturday"),
            ("2026-07-03", "Independence Day on a Saturday"), ("2021-07-05", "Independence Day on a Sunday"),
            ("2026-09-07", "Labor"), ("2026-11-26", "Thanksgiving"), ("2021-12-24", "Christmas on a Saturday"),
            ("2022-12-26", "Christmas on a Sunday"), ("2018-12-05", "President Bush"),
            ("2025-01-09", "President Carter"),
            ("2026-11-22", "a Sunday"),
        ]
    )
    func closed(date: String, occasion: String) throws {
        #expect(try self.calendar.session(on: day(date)) == nil, "\(occasion)")
    }

    @Test(
        "Days that look like holidays and are none",
        arguments: [
            ("2021-12-31", "New Year's Day on a Saturday is not made up for"),
            ("2021-06-18", "before Juneteenth was a holiday"),
            ("2026-11-11", "Veterans Day"), ("2026-10-12", "Columbus Day"),
            ("2018-12-04", "before the day of mourning"),
        ]
    )
    func open(date: String, reason: String) throws {
        #expect(try self.calendar.session(on: day(date))?.isHalfDay == false, "\(reason)")
    }

    @Test(
        "A half day closes at 13:00 and ends at 17:00, New York time",
        arguments: [
            ("2026-11-27", "18:00", "22:00"), ("2026-12-24", "18:00", "22:00"), ("2024-07-03", "17:00", "21:00"),
            ("2028-07-03", "17:00", "21:00"),
        ]
    )
    func halfDay(date: String, close: String, end: String) throws {
        let session = try #require(self.calendar.session(on: day(date)))
        #expect(session.isHalfDay)
        #expect(session.close == Timestamp(iso8601: "\(date)T\(close):00Z"))
        #expect(session.postClose == Timestamp(iso8601: "\(date)T\(end):00Z"))
    }

    @Test("Christmas Eve and July 3 are no half days when they are no trading days")
    func noHalfDay() throws {
        #expect(try self.calendar.session(on: day("2026-07-03")) == nil)
        #expect(try self.calendar.session(on: day("2027-12-24")) == nil)
    }

    @Test(
        "The phase changes to the nanosecond, in summer as in winter",
        arguments: [
            ("2026-11-23T08:59:59.999999999Z", TradingPhase.closed), ("2026-11-23T09:00:00Z", .pre),
            ("2026-11-23T14:29:59.999999999Z", .pre), ("2026-11-23T14:30:00Z", .regular),
            ("2026-11-23T20:59:59.999999999Z", .regular), ("2026-11-23T21:00:00Z", .post),
            ("2026-11-24T00:59:59.999999999Z", .post), ("2026-11-24T01:00:00Z", .closed),
            ("2026-07-22T08:00:00Z", .pre), ("2026-07-22T13:30:00Z", .regular), ("2026-07-22T20:00:00Z", .post),
            ("2026-07-23T00:00:00Z", .closed), ("2026-11-27T17:59:59Z", .regular), ("2026-11-27T18:00:00Z", .post),
            ("2026-11-27T22:00:00Z", .closed), ("2026-11-28T15:00:00Z", .closed),
        ]
    )
    func phase(time: String, expected: TradingPhase) throws {
        let time = try #require(Timestamp(iso8601: time))
        #expect(self.calendar.phase(at: time) == expected)
        #expect(self.calendar.isOpen(at: time) == (expected == .regular))
    }

    @Test(
        "A trade after the session's end, on a weekend or a holiday belongs to the next session",
        arguments: [
            ("2026-11-23T12:00:00Z", "2026-11-23"), ("2026-11-24T00:59:59Z", "2026-11-23"),
            ("2026-11-24T01:00:00Z", "2026-11-24"), ("2026-11-21T12:00:00Z", "2026-11-23"),
            ("2026-11-26T15:00:00Z", "2026-11-27"), ("2026-11-27T22:00:00Z", "2026-11-30"),
        ]
    )
    func sessionOfTrade(time: String, expected: String) throws {
        #expect(try self.calendar.session(of: #require(Timestamp(iso8601: time))).day == day(expected))
    }

    @Test(
        "The previous close is the end of the newest regular session that has ended",
        arguments: [
            ("2026-11-23T20:59:59Z", "2026-11-20T21:00:00Z"), ("2026-11-23T21:00:00Z", "2026-11-23T21:00:00Z"),
            ("2026-11-29T12:00:00Z", "2026-11-27T18:00:00Z"), ("2026-03-09T12:00:00Z", "2026-03-06T21:00:00Z"),
            ("2026-03-10T12:00:00Z", "2026-03-09T20:00:00Z"),
        ]
    )
    func previousClose(time: String, expected: String) throws {
        let time = try #require(Timestamp(iso8601: time))
        #expect(self.calendar.previousClose(before: time) == Timestamp(iso8601: expected))
    }

    @Test(
        "Easter is where the church has it",
        arguments: [(2015, 4, 5), (2018, 4, 1), (2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2030, 4, 21)])
    func easter(year: Int, month: Int, dayOfMonth: Int) {
        #expect(USHolidays.easterSunday(year) == CivilDay(year: year, month: month, day: dayOfMonth))
    }

    @Test("Sessions in order never overlap, and each begins when no other one holds", arguments: 2013...2040)
    func order(year: Int) {
        var session = self.calendar.session(after: CivilDay(year: year - 1, month: 12, day: 31))
        var count = 0
        while session.day.year == year {
            #expect(session.preOpen < session.open && session.open < session.close && session.close < session.postClose)
            let next = self.calendar.session(after: session.day)
            #expect(session.postClose < next.preOpen)
            #expect(self.calendar.session(before: next.day) == session)
            #expect(self.calendar.session(of: session.postClose) == next)
            session = next
            count += 1
        }
        #expect((249...253).contains(count))
    }

    @Test("Calendars have names; another one is refused with those there are")
    func names() throws {
        #expect(
            try TradingCalendar("XNAS").session(on: day("2026-11-23")) == self.calendar.session(on: day("2026-11-23")))
        #expect(throws: MarketError.unknownCalendar("XLON")) { try TradingCalendar("XLON") }
    }
}

private func day(_ text: String) throws -> CivilDay { try #require(CivilDay(text)) }
