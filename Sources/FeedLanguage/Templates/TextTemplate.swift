import Market

/// Text with placeholders: `{symbol|lower}@trade`, `{symbols|join ,}`, `{n}`, `${KEY}`.
struct TextTemplate: Hashable, Sendable {
    enum LetterCase: Hashable, Sendable {
        case asIs, lower, upper

        func apply(_ text: String) -> String {
            switch self {
            case .asIs: text
            case .lower: text.lowercased()
            case .upper: text.uppercased()
            }
        }
    }

    /// How a placeholder's value is written.
    enum Form: Hashable, Sendable {
        case plain
        /// `|join X`: several values with a text between them.
        case joined(String)
        /// `|json`: as JSON, several values as a list.
        case json
        /// `|text`: a text where it would be a number or another JSON value.
        case text
    }

    /// A placeholder with its filters.
    struct Insertion: Hashable, Sendable {
        var placeholder: Placeholder
        var letterCase = LetterCase.asIs
        var form = Form.plain
    }

    enum Part: Hashable, Sendable {
        case text(String)
        case insertion(Insertion)
    }

    /// What is done to inserted values.
    enum Encoding: Sendable {
        /// Nothing.
        case none
        /// Symbols, and everything behind a `?`, are percent-encoded: an address that a capture gives stays one.
        case address
    }

    struct SyntaxError: Error, Equatable {
        let message: String
    }

    let parts: [Part]

    /// The placeholders in it.
    var placeholders: [Placeholder] {
        self.parts.compactMap { part in
            if case .insertion(let insertion) = part { return insertion.placeholder }
            return nil
        }
    }

    /// The only placeholder of a text that is nothing else.
    var onlyInsertion: Insertion? {
        if self.parts.count == 1, case .insertion(let insertion) = self.parts[0] { return insertion }
        return nil
    }

    /// Whether `{symbol}` occurs.
    var hasSymbol: Bool { self.placeholders.contains(.symbol) }

    /// Whether `{symbols}` occurs.
    var hasSymbols: Bool { self.placeholders.contains(.symbols) }

    /// The text with everything filled in.
    func render(_ context: RenderContext, encoding: Encoding = .none) -> String {
        var result = ""
        for part in self.parts {
            switch part {
            case .text(let text): result += text
            case .insertion(let insertion):
                result += Self.text(insertion, context) { text, isName in
                    switch encoding {
                    case .none: text
                    case .address: isName || result.contains("?") ? Self.percentEncoded(text) : text
                    }
                }
            }
        }
        return result
    }

    private static func text(
        _ insertion: Insertion, _ context: RenderContext, encode: (_ text: String, _ isName: Bool) -> String
    ) -> String {
        switch (insertion.placeholder, insertion.form) {
        case (.symbols, .json):
            var bytes: [UInt8] = []
            for name in context.symbols {
                bytes.append(UInt8(ascii: bytes.isEmpty ? "[" : ","))
                bytes.appendJSONString(insertion.letterCase.apply(name))
            }
            if bytes.isEmpty { bytes.append(UInt8(ascii: "[")) }
            bytes.append(UInt8(ascii: "]"))
            return encode(String(decoding: bytes, as: UTF8.self), true)
        case (.symbols, let form):
            var separator = ","
            if case .joined(let text) = form { separator = text }
            return context.symbols.map { encode(insertion.letterCase.apply($0), true) }.joined(separator: separator)
        case (let placeholder, .json):
            return encode(context.json(of: placeholder), true)
        case (let placeholder, .plain), (let placeholder, .joined), (let placeholder, .text):
            return encode(insertion.letterCase.apply(context.text(of: placeholder)), placeholder == .symbol)
        }
    }

    /// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
