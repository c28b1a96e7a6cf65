extension TextTemplate {
    /// Reads a template; `{{` and `}}` stand for the braces themselves.
    ///
    /// - Parameters:
    ///   - text: The text as the file writes it.
    ///   - scope: Which placeholders may stand in it.
    /// - Returns: The template.
    /// - Throws: ``SyntaxError`` that names the placeholder and the fix.
    static func parse(_ text: String, scope: TemplateScope) throws(SyntaxError) -> TextTemplate {
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let next = rest.first {
            rest.removeFirst()
            if next == "$", rest.first == "{" {
                rest.removeFirst()
                if !literal.isEmpty { parts.append(.text(literal)) }
                literal = ""
                parts.append(.insertion(try Self.variable(&rest)))
                continue
            }
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
            parts.append(.insertion(try Self.insertion(String(rest[..<end]), scope: scope)))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty || parts.isEmpty { parts.append(.text(literal)) }
        return TextTemplate(parts: parts)
    }

    /// What stands behind `${`, up to and with the brace that closes it.
    private static func variable(_ rest: inout Substring) throws(SyntaxError) -> Insertion {
        guard let end = rest.firstIndex(of: "}") else {
            throw SyntaxError(message: "'${\(rest)' is never closed: write '${NAME}' or '${NAME:default}'.")
        }
        let content = rest[..<end]
        let colon = content.firstIndex(of: ":")
        let name = String(content[..<(colon ?? end)])
        let fallback = colon.map { String(content[content.index(after: $0)...]) }
        guard Self.isVariableName(name) else {
            throw SyntaxError(
                message:
                    "'${\(content)}' names no environment variable: write A to Z, 0 to 9 and '_', such as '${ACME_API_KEY}'."
            )
        }
        rest = rest[rest.index(after: end)...]
        return Insertion(placeholder: .variable(name, fallback: fallback))
    }

    private static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    private static func insertion(_ text: String, scope: TemplateScope) throws(SyntaxError) -> Insertion {
        let pieces = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        var insertion = Insertion(placeholder: try Self.placeholder(pieces[0], in: text, scope: scope))
        for filter in pieces.dropFirst() {
            if filter == "lower" {
                insertion.letterCase = .lower
            } else if filter == "upper" {
                insertion.letterCase = .upper
            } else if filter == "json" {
                insertion.form = .json
            } else if filter == "text" {
                insertion.form = .text
            } else if filter.hasPrefix("join ") {
                insertion.form = .joined(String(filter.dropFirst(5)))
            } else {
                let fix = Suggestion.text(for: filter, among: ["lower", "upper", "join ,", "json", "text"])
                throw SyntaxError(message: "unknown filter '\(filter)' in '{\(text)}': \(fix)")
            }
        }
        if case .joined = insertion.form, insertion.placeholder != .symbols {
            throw SyntaxError(message: "'join' of '{\(text)}' needs a list: write '{symbols|join ,}', or remove it.")
        }
        return insertion
    }

    private static func placeholder(
        _ name: String, in text: String, scope: TemplateScope
    ) throws(SyntaxError) -> Placeholder {
        if name.hasPrefix("$") {
            guard scope.kinds.contains(.frame) else {
                throw SyntaxError(
                    message:
                        "'{\(text)}' is a value of a received frame: it belongs into \(TemplateScope.home(of: .frame)), not into \(scope.place)."
                )
            }
            do {
                let path = try FieldPath.parse(name)
                guard !path.isEveryEntry, !path.isEntryKey else {
                    throw SyntaxError(message: "'{\(text)}': '*' and '@key' have no value here; name one place.")
                }
                return .frame(path)
            } catch let error as FieldPath.SyntaxError {
                throw SyntaxError(message: "'{\(text)}': \(error.message)")
            } catch let error as SyntaxError {
                throw error
            } catch {
                preconditionFailure("a path was refused for an unknown reason: \(error)")
            }
        }
        if scope.captures?.contains(name) == true { return .capture(name) }
        if let known = TemplateScope.names.first(where: { $0.name == name }) {
            guard let kind = known.kind, !scope.kinds.contains(kind) else { return known.placeholder }
            throw SyntaxError(
                message:
                    "'{\(text)}' has no meaning in \(scope.place): it belongs into \(TemplateScope.home(of: kind)); remove it here."
            )
        }
        let fix = Suggestion.text(for: name, among: scope.allowedNames)
        throw SyntaxError(message: "unknown placeholder '{\(text)}': \(fix)")
    }
}
