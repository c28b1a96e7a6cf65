/// Why a text is not an alert expression.
///
/// Columns count characters from 1.
public enum AlertSyntaxError: Error, Hashable, CustomStringConvertible {
    /// Something else fits at the column; `found` is `nil` at the end of the text.
    case expected(String, column: Int, found: String?)
    /// The grammar knows the word, this version does not evaluate it.
    case notSupported(String, column: Int, supported: String)
    /// An option is given a second time.
    case repeated(option: String, column: Int)

    /// The character the message points at, counted from 1.
    public var column: Int {
        switch self {
        case .expected(_, let column, _), .notSupported(_, let column, _), .repeated(_, let column): column
        }
    }

    /// One line that points at the column and says what fits there.
    public var description: String {
        switch self {
        case .expected(let what, let column, let found?): "column \(column): expected \(what), found '\(found)'"
        case .expected(let what, let column, nil): "column \(column): expected \(what), found the end"
        case .notSupported(let word, let column, let supported):
            "column \(column): '\(word)' is not supported yet; supported: \(supported)"
        case .repeated(let option, let column): "column \(column): '\(option)' is given twice; keep one"
        }
    }
}
