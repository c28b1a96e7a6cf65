/// How often an alert may fire.
public enum AlertMode: String, Hashable, Sendable, CaseIterable {
    /// Fires one time and is spent.
    case once
    /// Fires on every crossing; what an expression without a mode means.
    case `repeat`
}

/// A condition with its options, as a user writes it: `crosses above 70000 once cooldown 15m`.
public struct AlertExpression: Hashable, Sendable {
    /// What must become true.
    public let condition: AlertCondition
    /// How often it may fire.
    public let mode: AlertMode
    /// For how long after a firing further ones are suppressed; whole seconds, `nil` for none.
    public let cooldown: Duration?

    /// Makes an expression from its parts.
    public init(condition: AlertCondition, mode: AlertMode = .repeat, cooldown: Duration? = nil) {
        self.condition = condition
        self.mode = mode
        self.cooldown = cooldown
    }

    /// Reads a condition followed by `[once|repeat] [cooldown 15m]`, the options in any order, letter case ignored.
    ///
    /// - Throws: ``AlertSyntaxError`` with the column and what fits there.
    public init(parsing text: String) throws(AlertSyntaxError) {
        var parser = AlertParser(text)
        self = try parser.parseExpression()
    }
}

extension AlertExpression: CustomStringConvertible {
    /// The canonical spelling, which ``init(parsing:)`` reads back; `repeat` is left out.
    public var description: String {
        var text = self.condition.description
        if self.mode == .once { text += " once" }
        if let cooldown = self.cooldown { text += " cooldown \(CooldownText.string(cooldown))" }
        return text
    }
}

/// A cooldown's spelling: whole seconds, minutes, hours or days.
enum CooldownText {
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
