/// A regular expression ready to use, with the results of the last texts: channel names repeat all the time.
///
/// Belongs to one decoder, so it is used from one thread at a time.
final class CompiledPattern {
    /// What a text gave.
    enum Match: Equatable {
        case none
        /// The text matches; the first group, if there is one, took this part.
        case found(group: String?)
    }

    /// The longest text that is looked at: backtracking must not run away on a hostile frame.
    static let textMax = 512
    private static let rememberedMax = 1024

    private let regex: Regex<AnyRegexOutput>
    private var remembered: [String: Match] = [:]

    /// How many capturing groups it has.
    let groupCount: Int

    init(_ text: String) throws {
        self.regex = try Regex(text)
        self.groupCount = TextPattern.groupCount(text)
    }

    /// Looks for the pattern anywhere in `text`; `^` and `$` tie it to the ends.
    func match(_ bytes: UnsafeBufferPointer<UInt8>) -> Match {
        guard bytes.count <= Self.textMax else { return .none }
        let text = String(decoding: bytes, as: UTF8.self)
        if let known = self.remembered[text] { return known }
        var match = Match.none
        // An expression can only throw from custom consumers, of which a text has none.
        if let found = try? self.regex.firstMatch(in: text) {
            let group = found.output.count > 1 ? found.output[1].substring.map(String.init) : nil
            match = .found(group: group)
        }
        if self.remembered.count >= Self.rememberedMax { self.remembered.removeAll(keepingCapacity: true) }
        self.remembered[text] = match
        return match
    }
}

extension TextPattern {
    func compiled() throws -> CompiledPattern { try CompiledPattern(self.text) }

    /// How many capturing groups an expression has.
    ///
    /// Opening parentheses count that are neither escaped, nor in a class, nor followed by a `?` without a name.
    static func groupCount(_ text: String) -> Int {
        var count = 0
        var isInClass = false
        var rest = text[...]
        while let next = rest.first {
            rest.removeFirst()
            switch next {
            case "\\": rest = rest.dropFirst()
            case "[": isInClass = true
            case "]": isInClass = false
            case "(" where !isInClass:
                let isNamed = rest.hasPrefix("?<") && !rest.hasPrefix("?<=") && !rest.hasPrefix("?<!")
                if !rest.hasPrefix("?") || isNamed { count += 1 }
            default: break
            }
        }
        return count
    }
}
