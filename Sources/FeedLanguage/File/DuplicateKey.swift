/// Finds where a key of a mapping stands again: the YAML library tells the first place only.
struct DuplicateKey {
    private let spellings: [[Unicode.Scalar]]
    private let lines: [[Unicode.Scalar]]

    /// The second place of `key`, whose first one is known; `nil` where the text is too unusual to tell.
    ///
    /// Lines and columns count from 1, columns in Unicode scalars.
    static func second(_ key: String, afterLine line: Int, column: Int, in yaml: String) -> (line: Int, column: Int)? {
        let lines = yaml.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0) }
        guard lines.indices.contains(line - 1), column >= 1, column <= lines[line - 1].count else { return nil }
        let finder = DuplicateKey(
            spellings: [key, "\"\(key)\"", "'\(key)'"].map { Array($0.unicodeScalars) }, lines: lines)
        let isFirstOfLine = lines[line - 1].prefix(column - 1).allSatisfy { " -?".unicodeScalars.contains($0) }
        if isFirstOfLine, let place = finder.inBlock(line - 1, column - 1) { return place }
        return finder.inBraces(line - 1, column - 1)
    }

    /// The next line of the mapping that begins with the key in the same column.
    private func inBlock(_ line: Int, _ column: Int) -> (line: Int, column: Int)? {
        for next in self.lines.indices.dropFirst(line + 1) {
            let indentation = self.lines[next].prefix { $0 == " " }.count
            guard indentation < self.lines[next].count, self.lines[next][indentation] != "#",
                self.lines[next][indentation] != "\r"
            else { continue }
            if indentation < column { return nil }
            if indentation == column, self.isKey(next, column) { return (line: next + 1, column: column + 1) }
        }
        return nil
    }

    /// The key behind a comma of the same braces.
    private func inBraces(_ line: Int, _ column: Int) -> (line: Int, column: Int)? {
        var depth = 0
        var quote: Unicode.Scalar?
        // A quote opens a text only where a value begins: `it's` has none.
        var isAtStart = true
        var isAfterComma = false
        for next in self.lines.indices.dropFirst(line) {
            for position in self.lines[next].indices.dropFirst(next == line ? column : 0) {
                let scalar = self.lines[next][position]
                if let open = quote {
                    if scalar == open { quote = nil }
                    continue
                }
                if scalar == " " || scalar == "\t" || scalar == "\r" { continue }
                if isAfterComma, depth == 0, self.isKey(next, position) {
                    return (line: next + 1, column: position + 1)
                }
                if isAtStart, scalar == "\"" || scalar == "'" { quote = scalar }
                if scalar == "{" || scalar == "[" { depth += 1 }
                if scalar == "}" || scalar == "]" { depth -= 1 }
                if depth < 0 { return nil }
                isAfterComma = scalar == ","
                isAtStart = ",{[:".unicodeScalars.contains(scalar)
            }
        }
        return nil
    }

    private func isKey(_ line: Int, _ position: Int) -> Bool {
        let rest = self.lines[line][position...]
        return self.spellings.contains { spelling in
            rest.starts(with: spelling) && rest.dropFirst(spelling.count).first { $0 != " " } == ":"
        }
    }
}
