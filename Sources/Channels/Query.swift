/// A query string's items, percent-decoded, names in lower case, in the order they came.
public struct Query: Sendable, Equatable {
    /// One `name=value`.
    public struct Item: Sendable, Equatable {
        /// The decoded name.
        public var name: String
        /// The decoded value.
        public var value: String

        /// A name, put in lower case as signatures have it, and its value, both decoded.
        public init(name: String, value: String) {
            self.name = name.utf8.contains { $0 >= 0x41 && $0 <= 0x5A } ? name.lowercased() : name
            self.value = value
        }
    }

    /// The items.
    public var items: [Item]

    /// Reads what follows the `?`.
    ///
    /// Percent escapes are decoded and `+` is a space, unless `plusIsLiteral`.
    public init(parsing text: Substring, plusIsLiteral: Bool = false) {
        self.items = text.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            let name = equals.map { pair[..<$0] } ?? pair
            let value = equals.map { pair[pair.index(after: $0)...] } ?? pair[pair.endIndex...]
            return Item(
                name: Self.decoded(name, plusIsLiteral: plusIsLiteral),
                value: Self.decoded(value, plusIsLiteral: plusIsLiteral)
            )
        }
    }

    /// The first value named `name`, which must be in lower case.
    public subscript(name: String) -> String? {
        self.items.first { $0.name == name }?.value
    }

    /// `text` with its percent escapes decoded; `+` stays as it is, as in paths.
    public static func decoded(_ text: Substring) -> String {
        Self.decoded(text.utf8, plusIsLiteral: true)
    }

    private static func decoded(_ text: Substring.UTF8View, plusIsLiteral: Bool) -> String {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(Substring(text))
        }
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index = text.index(after: index)
            if byte == UInt8(ascii: "+"), !plusIsLiteral {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), let next = text.index(index, offsetBy: 1, limitedBy: text.endIndex),
                next < text.endIndex, let high = JSONText.hexValue(text[index]), let low = JSONText.hexValue(text[next])
            {
                bytes.append(high << 4 | low)
                index = text.index(after: next)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
