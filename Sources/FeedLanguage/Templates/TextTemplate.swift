/// Text with placeholders: `{symbol|lower}@trade`, `{symbols|join ,}`, `{n}`.
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

    enum Part: Hashable, Sendable {
        case text(String)
        /// `{symbol}`: the venue's spelling of one symbol.
        case symbol(LetterCase)
        /// `{symbols}`: all of them; joined by a text, or spliced into a list.
        case symbols(LetterCase, separator: String?)
        /// `{n}`: how many messages this connection has sent, this one included.
        case counter
    }

    struct SyntaxError: Error, Equatable {
        let message: String
    }

    let parts: [Part]

    /// Reads a template; `{{` and `}}` stand for the braces themselves.
    static func parse(_ text: String) throws(SyntaxError) -> TextTemplate {
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let next = rest.first {
            rest.removeFirst()
            guard next == "{" || next == "}" else {
                literal.append(next)
                continue
            }
            if rest.first == next {
                literal.append(next)
                rest.removeFirst()
                continue
            }
            guard next == "{", let end = rest.firstIndex(of: "}") else {
                throw SyntaxError(
                    message: "the brace in '\(text)' has no partner: write '{{' or '}}' for the character itself.")
            }
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
            parts.append(try Self.placeholder(String(rest[..<end])))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty || parts.isEmpty { parts.append(.text(literal)) }
        return TextTemplate(parts: parts)
    }

    private static func placeholder(_ text: String) throws(SyntaxError) -> Part {
        let pieces = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        var letterCase = LetterCase.asIs
        var separator: String?
        for filter in pieces.dropFirst() {
            if filter == "lower" {
                letterCase = .lower
            } else if filter == "upper" {
                letterCase = .upper
            } else if filter.hasPrefix("join ") {
                separator = String(filter.dropFirst(5))
            } else {
                let fix = Suggestion.text(for: filter, among: ["lower", "upper", "join ,"])
                throw SyntaxError(message: "unknown filter '\(filter)' in '{\(text)}': \(fix)")
            }
        }
        switch pieces[0] {
        case "symbol" where separator == nil: return .symbol(letterCase)
        case "symbols": return .symbols(letterCase, separator: separator)
        case "n" where pieces.count == 1: return .counter
        case let name:
            let fix = Suggestion.text(for: name, among: ["symbol", "symbols", "n"])
            throw SyntaxError(message: "unknown placeholder '{\(text)}': \(fix)")
        }
    }

    /// Whether `{symbol}` occurs.
    var hasSymbol: Bool {
        self.parts.contains { part in
            if case .symbol = part { return true }
            return false
        }
    }

    /// Whether `{symbols}` occurs.
    var hasSymbols: Bool {
        self.parts.contains { part in
            if case .symbols = part { return true }
            return false
        }
    }

    /// The text with everything filled in.
    ///
    /// - Parameters:
    ///   - symbol: What `{symbol}` stands for.
    ///   - symbols: What `{symbols}` stands for.
    ///   - counter: What `{n}` stands for.
    ///   - encode: Applied to each symbol after its letter case.
    /// - Returns: The text.
    func render(symbol: String, symbols: [String], counter: Int, encode: (String) -> String = { $0 }) -> String {
        var result = ""
        for part in self.parts {
            switch part {
            case .text(let text): result += text
            case .symbol(let letterCase): result += encode(letterCase.apply(symbol))
            case .symbols(let letterCase, let separator):
                result += symbols.map { encode(letterCase.apply($0)) }.joined(separator: separator ?? ",")
            case .counter: result += String(counter)
            }
        }
        return result
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
