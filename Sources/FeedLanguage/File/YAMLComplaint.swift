/// What the YAML library complains of, told with the fix that the offending line suggests.
struct YAMLComplaint {
    /// The library's reason.
    let problem: String
    /// What it was reading, and the line where that began.
    let context: (text: String, line: Int)?
    private let line: [Unicode.Scalar]
    private let contextLine: [Unicode.Scalar]
    /// How many characters of `line` stand before the fault.
    private let offset: Int

    /// Takes a complaint with its place, counted from 1 in lines and Unicode scalars.
    init(_ problem: String, context: (text: String, line: Int)?, line: Int, column: Int, in yaml: String) {
        self.problem = problem
        self.context = context
        self.line = Self.line(line, of: yaml)
        self.contextLine = context.map { Self.line($0.line, of: yaml) } ?? []
        self.offset = min(max(0, column - 1), self.line.count)
    }

    /// The reason, shortened, and the fix; the library's own words where no fix is known.
    var message: String {
        guard let fix else {
            return "not valid YAML: \(self.problem)\(self.context.map { " (\($0.text))" } ?? "")."
        }
        return "not valid YAML (\(self.problem.replacing(" in this context", with: ""))): \(fix)"
    }

    /// A line of a text without its end, from 1; empty behind the last one.
    static func line(_ number: Int, of text: String) -> [Unicode.Scalar] {
        let lines = text.unicodeScalars.split(
            separator: "\n", maxSplits: max(1, number), omittingEmptySubsequences: false)
        guard lines.indices.contains(number - 1) else { return [] }
        let line = Array(lines[number - 1])
        return line.last == "\r" ? line.dropLast() : line
    }

    private static let indentationFix = "is the line indented like the one above it?"
    private static let colonFix = "put a text with ': ' in it in quotes."

    private var before: ArraySlice<Unicode.Scalar> { self.line.prefix(self.offset) }
    private var next: Unicode.Scalar? { self.offset < self.line.count ? self.line[self.offset] : nil }
    private var isFlow: Bool { self.context?.text.contains("flow") ?? false }

    private var fix: String? {
        if !self.isFlow, self.line.prefix(while: Self.isBlank).contains("\t") {
            return "a tab stands here: indent with blanks."
        }
        switch self.problem {
        case "mapping values are not allowed in this context":
            return Self.hasColon(self.before) ? Self.colonFix : Self.indentationFix
        case "did not find expected key", "did not find expected '-' indicator", "did not find expected ',' or '}'",
            "did not find expected ',' or ']'", "did not find expected <document start>":
            return self.structureFix
        case "found character that cannot start any token":
            return self.next.map { "a text that begins with '\($0)' must be in quotes." }
        case "found undefined alias":
            return "a text that begins with '*' must be in quotes."
        case "could not find expected ':'":
            guard let context else { return nil }
            return Self.lacksBlank(self.contextLine)
                ? "a blank is missing after the colon in line \(context.line)."
                : "a ':' is missing behind the key in line \(context.line)."
        case "found unexpected end of stream", "found unexpected document indicator":
            return self.context.map { "the quote that opens in line \($0.line) is never closed." }
        case "found unexpected ':'": return "a blank is missing after the colon."
        case "found unknown escape character":
            return "write '\\\\' for a backslash, or put the text in single quotes."
        case "but found another document":
            return "a file holds one document: remove the '---'."
        default: return nil
        }
    }

    /// The fix where something stands that neither goes on nor ends what is open.
    private var structureFix: String {
        let isText = self.next.map { !Self.isBlank($0) && $0 != "," } ?? false
        let last = self.before.last
        if isText, let last, last == "}" || last == "]" {
            return "a text that begins with '\(last == "}" ? "{" : "[")' must be in quotes."
        }
        if self.isFlow {
            if self.next == ":", Self.hasColon(self.before) { return Self.colonFix }
            if let next, next == "{" || next == "[", let last, !Self.isBlank(last) {
                return "a text with '\(next)' in it must be in quotes."
            }
            let bracket = self.problem.hasSuffix("'}'") ? "{" : "["
            return "is a ',' missing before it, or is the '\(bracket)' of line \(self.context?.line ?? 1) never closed?"
        }
        switch self.before.last(where: { !Self.isBlank($0) }) {
        case .some(let bracket) where bracket == "}" || bracket == "]":
            return "nothing may follow the '\(bracket)': begin a new line, or put the whole text in quotes."
        case "\"", "'": return "put the whole text in quotes."
        default: break
        }
        return self.next == "-" ? "a '-' stands where a key should: write the list below its key." : Self.indentationFix
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }

    /// Whether a key with its colon stands in `text` already.
    private static func hasColon(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        zip(text, text.dropFirst()).contains { $0 == ":" && Self.isBlank($1) }
    }

    /// Whether a key's colon is followed by something else than a blank: `when:{event: trade}`.
    private static func lacksBlank(_ line: [Unicode.Scalar]) -> Bool {
        guard let colon = line.firstIndex(of: ":"), colon + 1 < line.count else { return false }
        return !Self.isBlank(line[colon + 1])
    }
}
