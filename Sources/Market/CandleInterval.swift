/// The length of a candle.
public struct CandleInterval: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 1…604 800 (a week).
    public let seconds: Int

    /// An interval of `seconds`; `nil` unless it is 1…604 800.
    ///
    /// Days of several sessions are not cut: above a day only whole days are intervals.
    public init?(seconds: Int) {
        guard (1...604_800).contains(seconds), seconds <= 86_400 || seconds % 86_400 == 0 else { return nil }
        self.seconds = seconds
    }

    private init(stored seconds: Int) { self.seconds = seconds }

    /// An interval as users write it: a whole number with `s`, `m`, `h`, `d` or `w`, for example `90s` or `4h`; `nil` for other text.
    public init?(_ text: String) {
        guard let unit = text.utf8.last, let length = Self.units.first(where: { $0.letter == unit })?.seconds,
            let count = Int(text.dropLast()), text.utf8.first != UInt8(ascii: "+"), count <= 604_800
        else { return nil }
        self.init(seconds: count * length)
    }

    /// One second.
    public static let second = CandleInterval(stored: 1)
    /// One minute.
    public static let minute = CandleInterval(stored: 60)
    /// One day: of a stock the regular session, of everything else the UTC day.
    public static let day = CandleInterval(stored: 86_400)
    /// The intervals that are kept in the database, the shortest first: `1s 1m 5m 15m 1h 1d`.
    ///
    /// Each is made of whole ones of those before it, but for the day of a stock.
    public static let kept = [1, 60, 300, 900, 3_600, 86_400].map { CandleInterval(stored: $0) }

    private static let units: [(letter: UInt8, seconds: Int)] = [
        (UInt8(ascii: "w"), 604_800), (UInt8(ascii: "d"), 86_400), (UInt8(ascii: "h"), 3_600), (UInt8(ascii: "m"), 60),
        (UInt8(ascii: "s"), 1),
    ]

    /// The text that users write, in the largest unit that divides it: `5m`, `90s`, `1d`.
    public var description: String {
        for unit in Self.units where self.seconds % unit.seconds == 0 {
            return "\(self.seconds / unit.seconds)\(Character(UnicodeScalar(unit.letter)))"
        }
        return "\(self.seconds)s"
    }

    /// The longest kept interval that this one is made of.
    public var base: CandleInterval { Self.kept.last { self.seconds % $0.seconds == 0 } ?? .second }

    /// Shorter before longer.
    public static func < (left: CandleInterval, right: CandleInterval) -> Bool { left.seconds < right.seconds }
}
