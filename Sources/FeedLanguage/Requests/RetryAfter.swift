import Market

/// `Retry-After` of an HTTP answer: RFC 9110, section 10.2.3.
enum RetryAfter {
    /// The longest wait that a provider may ask for; Binance bans for up to three days.
    static let longest = Duration.seconds(3 * 86400)

    /// Reads the header: seconds, or a date, which is measured from the answer's own date where it has one.
    ///
    /// - Parameters:
    ///   - text: The header's value.
    ///   - date: The answer's `Date`.
    ///   - receivedTime: When the answer came.
    /// - Returns: The wait, 0 to ``longest``; `nil` when the text is neither.
    static func parse(_ text: String, date: String?, receivedTime: Timestamp) -> Duration? {
        let text = text.trimmed
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // More digits than an Int64 holds are a long wait all the same.
            return Int64(text).map { min(.seconds($0), Self.longest) } ?? Self.longest
        }
        guard let until = Self.date(text) else { return nil }
        let from = date.flatMap { Self.date($0.trimmed) } ?? receivedTime
        let wait = Duration.nanoseconds(until.nanoseconds - from.nanoseconds)
        return min(max(.zero, wait), Self.longest)
    }

    /// A date in the form `Sun, 06 Nov 1994 08:49:37 GMT`: RFC 9110, section 5.6.7.
    static func date(_ text: String) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", let day = Int(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3])
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard (1...31).contains(day), (1970...2261).contains(year), clock.count == 3, (0..<24).contains(clock[0]),
            (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        let days = CivilDate.daysSinceEpoch(year: year, month: month + 1, day: day)
        let seconds = Int64(days) * 86400 + Int64(clock[0] * 3600 + clock[1] * 60 + clock[2])
        return Timestamp(nanoseconds: seconds * 1_000_000_000)
    }
}

extension String {
    /// Without blanks and tabs at both ends.
    fileprivate var trimmed: String {
        let rest = self.drop { $0 == " " || $0 == "\t" }
        let end = rest.lastIndex { $0 != " " && $0 != "\t" }
        return end.map { String(rest[...$0]) } ?? ""
    }
}
