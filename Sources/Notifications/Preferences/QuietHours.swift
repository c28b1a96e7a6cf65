public import Market

/// When a user wants peace: windows of the week by the user's own clock.
///
/// Written as `22:00-07:00`, `mon-fri 22:00-07:00` or `mon-thu 22:00-07:00; fri,sat 23:30-09:00`. A window that ends before
/// it begins goes on past midnight, and its days are those it begins on. One that begins and ends at the same time lasts a
/// whole day.
public struct QuietHours: Hashable, Sendable, CustomStringConvertible {
    /// One window of the week.
    public struct Window: Hashable, Sendable {
        /// The days it begins on, 0 for Monday to 6 for Sunday.
        public let days: Set<Int>
        /// When it begins, in minutes after midnight.
        public let start: Int
        /// When it ends, in minutes after midnight.
        public let end: Int

        /// Makes a window.
        public init(days: Set<Int>, start: Int, end: Int) {
            self.days = days
            self.start = start
            self.end = end
        }

        /// How long it lasts by the clock on the wall, in minutes.
        var length: Int { self.end > self.start ? self.end - self.start : self.end + 1_440 - self.start }
    }

    /// The windows, in the order they were written.
    public let windows: [Window]

    private static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let windowsMax = 16

    /// Makes quiet hours of windows.
    public init(windows: [Window]) { self.windows = windows }

    /// Reads windows.
    ///
    /// - Throws: ``NotificationError/invalidQuietHours(_:)`` when the text is none of the forms above.
    public init(_ text: String) throws(NotificationError) {
        var windows: [Window] = []
        for part in text.split(separator: ";") {
            let words = part.split(separator: " ")
            guard let last = words.last, words.count <= 2, let (start, end) = Self.times(last) else {
                throw .invalidQuietHours(text)
            }
            guard let days = words.count == 1 ? Set(0...6) : Self.days(words[0]) else { throw .invalidQuietHours(text) }
            windows.append(Window(days: days, start: start, end: end))
        }
        guard (1...Self.windowsMax).contains(windows.count) else { throw .invalidQuietHours(text) }
        self.windows = windows
    }

    /// The text that ``init(_:)`` reads.
    public var description: String {
        self.windows.map { window in
            let times = "\(Self.clock(window.start))-\(Self.clock(window.end))"
            if window.days.count == 7 { return times }
            return window.days.sorted().map { Self.dayNames[$0] }.joined(separator: ",") + " " + times
        }.joined(separator: "; ")
    }

    /// When the peace that reigns at `time` ends; `nil` when none does.
    ///
    /// Windows that touch or overlap count as one. A window lasts from one reading of the clock to the other, so a night
    /// in which clocks change is an hour shorter or longer.
    ///
    /// - Parameters:
    ///   - time: Any instant.
    ///   - offset: Seconds east of Greenwich of the user's clock at an instant.
    /// - Returns: The end, at most eight days later: after that it reigns for ever, and the end is then.
    public func end(at time: Timestamp, offset: (Timestamp) -> Int) -> Timestamp? {
        var end: Timestamp?
        var instant = time
        // Each round ends a window or is the last, and each window begins at most once a day.
        for _ in 0..<(8 * max(1, self.windows.count)) {
            guard let next = self.windowEnd(at: instant, offset: offset), next > instant else { break }
            end = next
            instant = next
        }
        return end
    }

    /// The latest end of the windows that `time` lies in.
    private func windowEnd(at time: Timestamp, offset: (Timestamp) -> Int) -> Timestamp? {
        let local = Self.minutes(time, offset(time))
        let today = Int(local.flooredQuotient(1_440))
        var latest: Timestamp?
        for window in self.windows {
            for day in [today, today - 1] where window.days.contains(Self.weekday(ofDay: day)) {
                let start = Int64(day) * 1_440 + Int64(window.start)
                let end = start + Int64(window.length)
                guard start <= local, local < end else { continue }
                let instant = Self.instant(ofLocalMinutes: end, offset: offset)
                if latest.map({ instant > $0 }) ?? true { latest = instant }
            }
        }
        return latest
    }

    /// Minutes since 1970 that the clock shows.
    private static func minutes(_ time: Timestamp, _ offset: Int) -> Int64 {
        (time.nanoseconds.flooredQuotient(1_000_000_000) + Int64(offset)).flooredQuotient(60)
    }

    /// The instant at which the clock shows `minutes`.
    ///
    /// Of an hour that is there twice the first counts; one that is left out is read as so much later.
    private static func instant(
        ofLocalMinutes minutes: Int64, offset: (Timestamp) -> Int
    ) -> Timestamp {
        let local = Timestamp(nanoseconds: minutes * 60_000_000_000)
        let day: Int64 = 86_400_000_000_000
        let offsets = [-day, day].map { offset(local.advanced(byNanoseconds: $0)) }
        let candidates = [offsets.max() ?? 0, offsets.min() ?? 0].map { offset in
            (offset, local.advanced(byNanoseconds: -Int64(offset) * 1_000_000_000))
        }
        return candidates.first { offset($0.1) == $0.0 }?.1 ?? candidates[candidates.count - 1].1
    }

    /// 0 for Monday; day 0 was a Thursday.
    private static func weekday(ofDay day: Int) -> Int { ((day + 3) % 7 + 7) % 7 }

    private static func days(_ text: Substring) -> Set<Int>? {
        var days: Set<Int> = []
        for part in text.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .map { name in Self.dayNames.firstIndex(of: String(name)) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            var day = first
            days.insert(day)
            while day != last {
                day = (day + 1) % 7
                days.insert(day)
            }
        }
        return days.isEmpty ? nil : days
    }

    private static func times(_ text: Substring) -> (Int, Int)? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Self.minute($0) }
        guard ends.count == 2, let start = ends[0], let end = ends[1], start < 1_440 else { return nil }
        return (start, end % 1_440)
    }

    /// `HH:MM` from 00:00 to 24:00.
    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
            let minute = Int(parts[1]), (0...24).contains(hour), (0...59).contains(minute), hour < 24 || minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    private static func clock(_ minute: Int) -> String {
        let (hour, minute) = minute.quotientAndRemainder(dividingBy: 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
