import Alerts

/// Why a text is no template of a message.
///
/// Columns count characters from 1.
public enum MessageTemplateError: Error, Hashable, CustomStringConvertible {
    /// There is no such field; `hint` is what was probably meant.
    case unknownField(String, column: Int, hint: String?)
    /// A brace opens a field and none closes it.
    case unclosed(column: Int)
    /// A brace closes nothing.
    case unopened(column: Int)
    /// The text is empty.
    case empty

    /// The character the message points at, counted from 1.
    public var column: Int {
        switch self {
        case .unknownField(_, let column, _), .unclosed(let column), .unopened(let column): column
        case .empty: 1
        }
    }

    /// One line that points at the column and says what fits there.
    public var description: String {
        switch self {
        case .unknownField(let name, let column, let hint):
            "column \(column): '{\(name.prefix(40))}' is no field; \(hint ?? "fields are \(MessageTemplate.fieldList)")"
        case .unclosed(let column): "column \(column): '{' is not closed; write '{{' for a brace"
        case .unopened(let column): "column \(column): '}' closes nothing; write '}}' for a brace"
        case .empty: "column 1: the text is empty; leave it out for the standard one"
        }
    }
}

/// A text with fields in braces: `{symbol} at {price}`; `{{` and `}}` are braces.
public struct MessageTemplate: Hashable, Sendable {
    /// What can be filled in.
    public enum Field: String, Hashable, Sendable, CaseIterable {
        /// The symbol.
        case symbol
        /// The last price.
        case price
        /// The change in percent from the reference, or from the price before.
        case change
        /// The condition in its canonical spelling.
        case condition
        /// The price or the amount the condition compares with.
        case threshold
        /// `above`, `below`, `inside`, `up`, `down` or `neither`.
        case direction
        /// What was measured; the price where that is what is compared.
        case value
        /// The price it was measured from.
        case reference
        /// The price before.
        case previous
        /// The venue.
        case venue
        /// The time of the trade, in UTC.
        case time
        /// Why it comes late; empty when it does not.
        case late
        /// The number of the firing.
        case crossing
        /// Whose alert it is.
        case user
    }

    private enum Piece: Hashable {
        case text(String)
        case field(Field)
    }

    private let pieces: [Piece]

    static var fieldList: String { Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ") }

    /// Reads a template.
    ///
    /// - Throws: ``MessageTemplateError`` with the column.
    public init(parsing text: String) throws(MessageTemplateError) {
        if text.allSatisfy(\.isWhitespace) { throw .empty }
        var pieces: [Piece] = []
        var literal = ""
        let characters = Array(text)
        var index = 0
        while index < characters.count {
            let character = characters[index]
            let next = index + 1 < characters.count ? characters[index + 1] : nil
            switch character {
            case "{" where next == "{", "}" where next == "}":
                literal.append(character)
                index += 2
            case "}": throw .unopened(column: index + 1)
            case "{":
                guard let end = characters[index...].firstIndex(of: "}") else { throw .unclosed(column: index + 1) }
                let name = String(characters[(index + 1)..<end])
                if let open = name.firstIndex(of: "{") {
                    throw name[..<open].isEmpty || !name.contains(" ")
                        ? Self.unknown(name, index) : .unclosed(column: index + 1)
                }
                guard let field = Field(rawValue: name.lowercased()) else { throw Self.unknown(name, index) }
                if !literal.isEmpty { pieces.append(.text(literal)) }
                literal = ""
                pieces.append(.field(field))
                index = end + 1
            default:
                literal.append(character)
                index += 1
            }
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }

    private static func unknown(_ name: String, _ index: Int) -> MessageTemplateError {
        let names = Field.allCases.map(\.rawValue)
        let hint = AlertVocabulary.hint(for: name.lowercased(), among: names)?
            .replacing("'", with: "").replacing("did you mean ", with: "").dropLast()
        return .unknownField(name, column: index + 1, hint: hint.map { "did you mean '{\($0)}'?" })
    }

    /// The text with its fields filled in.
    public func text(_ value: (Field) -> String) -> String {
        self.pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .field(let field): value(field)
            }
        }.joined()
    }
}
