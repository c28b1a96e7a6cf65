/// A value for `$1`, `$2`, … of a statement.
///
/// Values never become part of the statement's text.
public enum PostgresParameter: Sendable, Hashable {
    /// SQL NULL.
    case null
    /// Text that the server reads as the type it infers or the statement casts to: `$1::numeric`.
    case text(String)
    /// A whole number.
    case integer(Int64)
    /// A truth value.
    case boolean(Bool)
    /// Bytes for a `bytea`, sent in binary.
    case bytes([UInt8])
    /// A one-dimensional array, written in PostgreSQL's array syntax; `nil` is a NULL element.
    case array([String?])

    /// Text, or NULL for `nil`.
    public static func optional(_ text: String?) -> PostgresParameter { text.map { .text($0) } ?? .null }
    /// A whole number, or NULL for `nil`.
    public static func optional(_ integer: Int64?) -> PostgresParameter { integer.map { .integer($0) } ?? .null }

    /// The bytes for PQexecParams without a terminating zero, and whether they are binary; `nil` for NULL.
    var encoded: (bytes: [UInt8], isBinary: Bool)? {
        switch self {
        case .null: nil
        case .text(let text): (Array(text.utf8), false)
        case .integer(let value): (Array(String(value).utf8), false)
        case .boolean(let value): (Array((value ? "t" : "f").utf8), false)
        case .bytes(let bytes): (bytes, true)
        case .array(let elements): (Self.arrayText(elements), false)
        }
    }

    /// PostgreSQL manual, section 8.15.6: elements in double quotes with `"` and `\` escaped, NULL bare.
    private static func arrayText(_ elements: [String?]) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "{")]
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            guard let element else {
                text.append(contentsOf: "NULL".utf8)
                continue
            }
            text.append(UInt8(ascii: "\""))
            for byte in element.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.append(UInt8(ascii: "\\")) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
        return text
    }
}

extension PostgresParameter: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// Text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}
