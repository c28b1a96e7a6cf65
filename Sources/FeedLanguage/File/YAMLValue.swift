import Market
import Yams

/// A YAML value with its place: all that the loader needs of the YAML library.
struct YAMLValue {
    enum Content {
        case scalar(String, isPlain: Bool)
        case sequence([YAMLValue])
        case mapping([(key: YAMLValue, value: YAMLValue)])
    }

    let content: Content
    let mark: SourceMark

    /// Aliases of aliases make a short text endlessly long; the longest real file has some thousand values.
    private static let countMax = 100_000

    /// Reads one YAML document.
    ///
    /// - Parameters:
    ///   - yaml: The text.
    ///   - file: Its name, for messages.
    ///   - isBase: Whether another file extends it: its marks then name it.
    /// - Returns: The document's root.
    /// - Throws: ``FeedFileError`` at the place of the first fault.
    static func document(_ yaml: String, file: String, isBase: Bool = false) throws(FeedFileError) -> YAMLValue {
        let node: Node?
        do {
            node = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw Self.translated(error, yaml: yaml, file: file)
        } catch {
            throw FeedFileError(file: file, line: 1, column: 1, message: "cannot read the YAML: \(error)")
        }
        guard let node else {
            throw FeedFileError(
                file: file, line: 1, column: 1,
                message: "the file is empty. Start it with 'feed: NAME'; docs/feeds.md shows a whole one."
            )
        }
        var count = 0
        return try Self.value(of: node, file: file, isBase: isBase, depth: 0, count: &count)
    }

    private static func value(
        of node: Node, file: String, isBase: Bool, depth: Int, count: inout Int
    ) throws(FeedFileError) -> YAMLValue {
        let mark = SourceMark(
            line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, file: isBase ? file : nil)
        guard depth < 64 else {
            throw FeedFileError(
                file: file, line: mark.line, column: mark.column, message: "nested deeper than 64 levels: flatten it."
            )
        }
        count += 1
        guard count <= Self.countMax else {
            throw FeedFileError(
                file: file, line: mark.line, column: mark.column,
                message: "more than \(Self.countMax) values, aliases written out: use fewer of them."
            )
        }
        switch node {
        case .scalar(let scalar):
            return YAMLValue(content: .scalar(scalar.string, isPlain: scalar.style == .plain), mark: mark)
        case .sequence(let sequence):
            var items: [YAMLValue] = []
            for item in sequence {
                items.append(try Self.value(of: item, file: file, isBase: isBase, depth: depth + 1, count: &count))
            }
            return YAMLValue(content: .sequence(items), mark: mark)
        case .mapping(let mapping):
            var pairs: [(key: YAMLValue, value: YAMLValue)] = []
            for (key, value) in mapping {
                pairs.append(
                    (
                        key: try Self.value(of: key, file: file, isBase: isBase, depth: depth + 1, count: &count),
                        value: try Self.value(of: value, file: file, isBase: isBase, depth: depth + 1, count: &count)
                    )
                )
            }
            return YAMLValue(content: .mapping(pairs), mark: mark)
        case .alias:
            throw FeedFileError(
                file: file, line: mark.line, column: mark.column, message: "an alias that names no anchor."
            )
        }
    }

    private static func translated(_ error: YamlError, yaml: String, file: String) -> FeedFileError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let complaint = YAMLComplaint(
                problem, context: context.map { (text: $0.text, line: $0.mark.line) }, line: mark.line,
                column: mark.column, in: yaml)
            return FeedFileError(file: file, line: mark.line, column: mark.column, message: complaint.message)
        case .duplicatedKeysInMapping(let duplicates, let context):
            return Self.duplicate(
                duplicates.first ?? "", line: context.mark.line, column: context.mark.column, yaml, file)
        case .reader(let problem, let offset, let value, _):
            let read = yaml.prefix(offset ?? 0).unicodeScalars
            let line = read.split(separator: "\n", omittingEmptySubsequences: false)
            let hex = String(value, radix: 16, uppercase: true)
            let fix =
                value < 0
                ? "" : ": remove the character U+\(String(repeating: "0", count: max(0, 4 - hex.count)))\(hex)"
            return FeedFileError(
                file: file, line: max(1, line.count), column: (line.last?.count ?? 0) + 1,
                message: "not valid YAML (\(problem))\(fix).")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return FeedFileError(file: file, line: 1, column: 1, message: "cannot read the YAML: \(error).")
        }
    }

    /// A key that stands twice; `line` and `column` are the first place.
    private static func duplicate(
        _ key: String, line: Int, column: Int, _ yaml: String, _ file: String
    ) -> FeedFileError {
        guard let second = DuplicateKey.second(key, afterLine: line, column: column, in: yaml) else {
            return FeedFileError(
                file: file, line: line, column: column,
                message: "the key '\(key)' stands more than once in one mapping: keep one of them.")
        }
        return FeedFileError(
            file: file, line: second.line, column: second.column,
            message: "the key '\(key)' stands a second time in one mapping, first in line \(line): keep one of them.")
    }

    /// What the value is, for "expected … but found …".
    var kindName: String {
        switch self.content {
        case .scalar(let text, _): text.isEmpty ? "nothing" : "'\(text)'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The scalar as JSON would write it: plain `true`, `null` and numbers are literals, everything else is a string.
    func jsonScalar() -> JSONScalar? {
        guard case .scalar(let text, let isPlain) = self.content else { return nil }
        return JSONScalar(text: text, isString: !(isPlain && JSONScalar.isLiteral(text)))
    }
}

/// A string, number, boolean or null.
struct JSONScalar: Hashable, Sendable {
    /// The string's content, or the literal as written.
    var text: String
    /// Whether it is a string.
    var isString: Bool

    /// Whether `text` is a JSON literal: a number, `true`, `false` or `null`.
    static func isLiteral(_ text: String) -> Bool {
        if text == "true" || text == "false" || text == "null" { return true }
        var text = text
        return text.withUTF8 { bytes in
            guard let base = bytes.baseAddress, bytes.count > 0 else { return false }
            return JSONNumber.length(base, limit: bytes.count) == bytes.count
        }
    }

    /// Appends the scalar as JSON.
    func write(to bytes: inout [UInt8]) {
        if self.isString { bytes.appendJSONString(self.text) } else { bytes.append(contentsOf: self.text.utf8) }
    }
}
