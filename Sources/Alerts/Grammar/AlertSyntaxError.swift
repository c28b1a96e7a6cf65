/// Why a text is not an alert expression.
///
/// Columns count characters from 1.
public enum AlertSyntaxError: Error, Hashable, CustomStringConvertible {
    /// Something else fits at the column; `found` is `nil` at the end of the text, `hint` says what was probably meant.
    case expected(String, column: Int, found: String?, hint: String? = nil)
    /// An option is given a second time.
    case repeated(option: String, column: Int)
    /// Every word is right, but what it says at the column cannot work; the reason names the fix.
    case conflict(String, column: Int)
    /// The text is longer than ``AlertLimits/expressionCharacters``.
    case tooLong(characters: Int)

    /// The character the message points at, counted from 1.
    public var column: Int {
        switch self {
        case .expected(_, let column, _, _), .repeated(_, let column), .conflict(_, let column): column
        case .tooLong: AlertLimits.expressionCharacters + 1
        }
    }

    /// One line that points at the column and says what fits there, without control characters.
    public var description: String {
        let scalars = self.text.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }

    private var text: String {
        switch self {
        case .expected(let what, let column, let found, let hint):
            "column \(column): expected \(what), found \(found.map { "'\(Self.cut($0))'" } ?? "the end")"
                + (hint.map { "; \($0)" } ?? "")
        case .repeated(let option, let column): "column \(column): '\(option)' is given twice; keep one"
        case .conflict(let reason, let column): "column \(column): \(reason)"
        case .tooLong(let characters):
            "column \(self.column): the expression has \(characters) characters; at most "
                + "\(AlertLimits.expressionCharacters) are read"
        }
    }

    /// What somebody wrote, as much of it as fits in a message.
    private static func cut(_ text: String) -> String {
        let lengthMax = 40
        return text.count > lengthMax ? text.prefix(lengthMax) + "…" : text
    }
}
