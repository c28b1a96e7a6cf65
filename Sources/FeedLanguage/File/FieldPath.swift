/// Where in a frame a value stands: `product_id`, `data.price`, `"05. price"`, `[1][-1]`, `^.time`, `$.ts`, `@key`.
struct FieldPath: Hashable, Sendable {
    enum Segment: Hashable, Sendable {
        case key(String)
        case index(Int)
    }

    enum Origin: Hashable, Sendable {
        /// The current item of the innermost `each`, or the frame where there is none.
        case item
        /// `^`: so many `each` levels further out.
        case outer(Int)
        /// `$`: the frame.
        case frame
    }

    var origin: Origin
    var segments: [Segment]
    /// Ends in `@key`: the name under which the current entry stands in its object.
    var isEntryKey = false
    /// Ends in `*`: every entry of an object, only in `each`.
    var isEveryEntry = false
    /// `@symbol`: the symbol that was asked for, only as a tick's symbol.
    var isRequestSymbol = false

    /// The longest path: also bounds how deep the scanner recurses.
    static let segmentsMax = 12

    /// What is wrong with a path's text.
    struct SyntaxError: Error, Equatable {
        let message: String
    }

    /// Reads a path.
    ///
    /// - Throws: ``SyntaxError`` with the offending character and the fix.
    static func parse(_ text: String) throws(SyntaxError) -> FieldPath {
        var parser = Parser(text: text)
        return try parser.path()
    }

    private struct Parser {
        let text: String
        var rest: Substring.UnicodeScalarView

        init(text: String) {
            self.text = text
            self.rest = text[...].unicodeScalars
        }

        func fail(_ message: String) -> SyntaxError { SyntaxError(message: "bad path '\(self.text)': \(message)") }

        mutating func path() throws(SyntaxError) -> FieldPath {
            guard !self.rest.isEmpty else { throw self.fail("write the name of a field, or '.' for the value itself.") }
            var path = FieldPath(origin: .item, segments: [])
            if self.text == "." { return path }
            if self.text == "@symbol" {
                path.isRequestSymbol = true
                return path
            }
            if self.rest.first == "$" {
                self.rest.removeFirst()
                path.origin = .frame
                if self.rest.isEmpty { return path }
            } else if self.rest.first == "^" {
                var levels = 0
                while self.rest.first == "^" {
                    levels += 1
                    self.rest.removeFirst()
                    if self.rest.count >= 2, self.rest.first == ".",
                        self.rest[self.rest.index(after: self.rest.startIndex)] == "^"
                    {
                        self.rest.removeFirst()
                    }
                }
                path.origin = .outer(levels)
                if self.rest.isEmpty { return path }
            }
            var needsDot = path.origin != .item
            while let next = self.rest.first {
                if next == "[" {
                    path.segments.append(.index(try self.index()))
                    needsDot = true
                } else {
                    if needsDot {
                        guard next == "." else { throw self.fail("put a '.' before '\(next)'.") }
                        self.rest.removeFirst()
                    }
                    try self.name(into: &path)
                    if path.isEntryKey || path.isEveryEntry {
                        guard self.rest.isEmpty else { throw self.fail("nothing may follow '@key' or '*'.") }
                    }
                    needsDot = true
                }
                guard path.segments.count <= FieldPath.segmentsMax else {
                    throw self.fail("more than \(FieldPath.segmentsMax) steps deep.")
                }
            }
            return path
        }

        mutating func index() throws(SyntaxError) -> Int {
            self.rest.removeFirst()
            guard let end = self.rest.firstIndex(of: "]") else { throw self.fail("the '[' is never closed.") }
            let digits = String(self.rest[..<end])
            guard let index = Int(digits), (-8...1023).contains(index) else {
                throw self.fail("'[\(digits)]' is not an index: write [0] to [1023], or [-1] to [-8] from the end.")
            }
            self.rest = self.rest[self.rest.index(after: end)...]
            return index
        }

        mutating func name(into path: inout FieldPath) throws(SyntaxError) {
            guard let first = self.rest.first else { throw self.fail("it ends in a '.': name a field after it.") }
            if first == "\"" {
                self.rest.removeFirst()
                guard let end = self.rest.firstIndex(of: "\"") else {
                    throw self.fail("the quote is never closed.")
                }
                path.segments.append(.key(String(self.rest[..<end])))
                self.rest = self.rest[self.rest.index(after: end)...]
                return
            }
            if first == "*" {
                self.rest.removeFirst()
                path.isEveryEntry = true
                return
            }
            var name = String.UnicodeScalarView()
            while let next = self.rest.first, next != ".", next != "[" {
                guard next != "$", next != "^", next != "]", next != "*", next != "\"", next.value > 0x20 else {
                    throw self.fail("'\(next)' may not stand in a name; quote the name: '\"…\"'.")
                }
                name.append(next)
                self.rest.removeFirst()
            }
            guard !name.isEmpty else { throw self.fail("a name is missing beside a '.'.") }
            if String(name) == "@key" { path.isEntryKey = true } else { path.segments.append(.key(String(name))) }
        }
    }
}

extension FieldPath: CustomStringConvertible {
    /// The path as a feed file writes it.
    var description: String {
        if self.isRequestSymbol { return "@symbol" }
        var parts: [String] = []
        switch self.origin {
        case .item: break
        case .frame: parts.append("$")
        case .outer(let levels): parts.append(String(repeating: "^", count: levels))
        }
        for segment in self.segments {
            switch segment {
            case .key(let name): parts.append(name.contains(where: { ". [".contains($0) }) ? "\"\(name)\"" : name)
            case .index(let index):
                if parts.isEmpty { parts.append("[\(index)]") } else { parts[parts.count - 1] += "[\(index)]" }
            }
        }
        if self.isEntryKey { parts.append("@key") }
        if self.isEveryEntry { parts.append("*") }
        return parts.isEmpty ? "." : parts.joined(separator: ".")
    }
}
