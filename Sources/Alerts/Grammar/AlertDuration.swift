/// A duration's spelling: whole seconds, minutes, hours or days.
enum AlertDuration {
    static let longestSeconds: Int64 = 365 * 86_400

    static func string(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (unit, letter) in [(86_400, "d"), (3_600, "h"), (60, "m")] as [(Int64, String)]
        where seconds != 0 && seconds % unit == 0 {
            return "\(seconds / unit)\(letter)"
        }
        return "\(seconds)s"
    }

    /// `nil` unless `text` is digits and one of `s`, `m`, `h`, `d`, from one second to 365 days.
    static func parse(_ text: String) -> Duration? {
        let unit: Int64
        switch text.utf8.last {
        case UInt8(ascii: "s"): unit = 1
        case UInt8(ascii: "m"): unit = 60
        case UInt8(ascii: "h"): unit = 3_600
        case UInt8(ascii: "d"): unit = 86_400
        default: return nil
        }
        let digits = text.dropLast()
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = Int64(digits), count > 0, count <= Self.longestSeconds / unit
        else { return nil }
        return .seconds(count * unit)
    }
}
