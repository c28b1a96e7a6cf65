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
        var text = text
        self.items = text.withUTF8 { bytes in
            bytes.split(separator: UInt8(ascii: "&")).map { pair in
                let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
                return Item(
                    name: Self.decoded(pair[..<equals], plusIsLiteral: plusIsLiteral),
                    value: Self.decoded(pair[equals...].dropFirst(), plusIsLiteral: plusIsLiteral)
                )
            }
        }
    }

    /// The first value named `name`, which must be in lower case.
    public subscript(name: String) -> String? {
        self.items.first { $0.name == name }?.value
    }

    /// `text` with its percent escapes decoded; `+` stays as it is, as in paths.
    public static func decoded(_ text: Substring) -> String {
        var text = text
        return text.withUTF8 { Self.decoded($0[...], plusIsLiteral: true) }
    }

    private static func decoded(_ text: Slice<UnsafeBufferPointer<UInt8>>, plusIsLiteral: Bool) -> String {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(decoding: text, as: UTF8.self)
        }
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "+"), !plusIsLiteral {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), index + 1 < text.endIndex, let high = JSONText.hexValue(text[index]),
                let low = JSONText.hexValue(text[index + 1])
            {
                bytes.append(high << 4 | low)
                index += 2
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
