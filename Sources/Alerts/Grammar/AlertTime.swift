package import Market

/// An instant's spelling in an expression: as short as RFC 3339 allows and a little shorter, in UTC.
package enum AlertTime {
    /// `2026-12-31T15:00Z`, with seconds and a fraction only when they are not zero.
    package static func string(_ time: Timestamp) -> String {
        var text = time.description.dropLast()
        if text.hasSuffix(".000000") { text = text.dropLast(7) }
        if text.hasSuffix(":00"), !text.contains(".") { text = text.dropLast(3) }
        return text + "Z"
    }

    /// A date, or a date and a time to the minute, the second or a fraction; without a zone in UTC.
    ///
    /// `nil` for all else.
    package static func parse(_ text: String) -> Timestamp? {
        guard CivilDay(String(text.prefix(10))) != nil else { return nil }
        if text.count == 10 { return Timestamp(iso8601: text + "T00:00:00Z") }
        guard let start = text.index(text.startIndex, offsetBy: 11, limitedBy: text.endIndex) else { return nil }
        let rest = text[start...]
        let clock = rest.prefix { $0 != "z" && $0 != "Z" && $0 != "+" && $0 != "-" }
        let zone = rest[clock.endIndex...]
        let seconds = clock.count == 5 ? ":00" : ""
        return Timestamp(iso8601: text[..<start] + clock + seconds + (zone.isEmpty ? "Z" : zone))
    }

    /// What was probably meant by a date in another order.
    static func hint(for text: String) -> String? {
        for separator: Character in [".", "/", "-"] {
            let parts = text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts.allSatisfy({ Int($0) != nil }) else { continue }
            if parts[0].count == 4 { return "a date is YEAR-MONTH-DAY with two digits each, and must exist" }
            return parts[2].count == 4 ? "write the year first: \(parts[2])-MM-DD" : nil
        }
        return ["tomorrow", "today", "tonight", "friday", "monday", "eod", "eom"].contains(text)
            ? "write the date" : nil
    }
}
