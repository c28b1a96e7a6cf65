import Market

/// The header `Retry-After` and its kin.
///
/// Source: RFC 9110, sections 10.2.3 and 5.6.7.
enum RetryAfter {
    /// What is waited at most: a service that says more is taken to mean this.
    static let longest = Duration.seconds(86_400)

    /// The wait that `response` asks for, in seconds or until a date; `nil` when it asks for none.
    static func wait(_ response: PushResponse, now: Timestamp) -> Duration? {
        response.header("retry-after").flatMap { self.parse($0, now: now) }
    }

    /// Reads whole or fractional seconds, or a date of the form `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func parse(_ text: String, now: Timestamp) -> Duration? {
        if let seconds = Double(text) { return self.seconds(seconds) }
        guard let date = self.date(text) else { return nil }
        return self.clamped(.nanoseconds(max(0, date.nanoseconds - now.nanoseconds)))
    }

    /// A number of seconds as a wait, from 0 to a day.
    static func seconds(_ value: Double) -> Duration? {
        guard value.isFinite, value >= 0 else { return nil }
        return .milliseconds(Int64((min(value, 86_400) * 1_000).rounded(.up)))
    }

    private static func clamped(_ duration: Duration) -> Duration { min(duration, self.longest) }

    /// The instant of an IMF-fixdate; also what the header `Date` holds.
    static func date(_ text: String) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT", let day = Int(words[1]),
            let month = months.firstIndex(where: { $0 == words[2] }), let year = Int(words[3])
        else { return nil }
        let clock = words[4].split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]),
            (1...31).contains(day), (1970...2200).contains(year)
        else { return nil }
        let days = CivilDate.daysSinceEpoch(year: year, month: month + 1, day: day)
        let seconds = days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
        return Timestamp(nanoseconds: Int64(seconds) * 1_000_000_000)
    }
}
