/// A strict pull parser for JSON text (RFC 8259) that hands out byte ranges and builds no tree.
struct JSONReader {
    typealias Failure = ChannelsError

    /// What a value is, by its first byte.
    enum Kind { case object, array, string, number, boolean, null }

    /// A string's content between its quotes, still escaped.
    struct StringSlice {
        var range: Range<Int>
        var hasEscapes: Bool
    }

    /// Values may be nested this deep.
    static let depthMax = 64

    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0
    private var depth = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The kind of the next value.
    mutating func peek() throws(Failure) -> Kind {
        switch try self.nextByte() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw self.failure("a value is expected")
        }
    }

    /// Reads an object; `member` must read or skip each value.
    mutating func readObject(
        _ member: (inout JSONReader, StringSlice) throws(Failure) -> Void
    ) throws(Failure) {
        try self.expect(UInt8(ascii: "{"), "an object is expected")
        try self.descend()
        if try self.nextByte() == UInt8(ascii: "}") {
            self.position += 1
        } else {
            while true {
                let key = try self.readString()
                try self.expect(UInt8(ascii: ":"), "':' is expected")
                try member(&self, key)
                let byte = try self.nextByte()
                self.position += 1
                if byte == UInt8(ascii: "}") { break }
                guard byte == UInt8(ascii: ",") else {
                    throw self.failure("',' or '}' is expected", at: self.position - 1)
                }
            }
        }
        self.depth -= 1
    }

    /// Reads an array; `element` must read or skip each value.
    mutating func readArray(_ element: (inout JSONReader) throws(Failure) -> Void) throws(Failure) {
        try self.expect(UInt8(ascii: "["), "an array is expected")
        try self.descend()
        if try self.nextByte() == UInt8(ascii: "]") {
            self.position += 1
        } else {
            while true {
                try element(&self)
                let byte = try self.nextByte()
                self.position += 1
                if byte == UInt8(ascii: "]") { break }
                guard byte == UInt8(ascii: ",") else {
                    throw self.failure("',' or ']' is expected", at: self.position - 1)
                }
            }
        }
        self.depth -= 1
    }

    /// Reads a string.
    mutating func readString() throws(Failure) -> StringSlice {
        try self.expect(UInt8(ascii: "\""), "a string is expected")
        let start = self.position
        var hasEscapes = false
        while self.position < self.bytes.count {
            let byte = self.bytes[self.position]
            if byte == UInt8(ascii: "\"") {
                self.position += 1
                return StringSlice(range: start..<(self.position - 1), hasEscapes: hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try self.skipEscape()
            } else if byte < 0x20 {
                throw self.failure("control character in a string")
            } else {
                self.position += 1
            }
        }
        throw self.failure("the string does not end")
    }

    /// Skips any value and returns where it stands.
    mutating func skipValue() throws(Failure) -> Range<Int> {
        let kind = try self.peek()
        let start = self.position
        switch kind {
        case .string: _ = try self.readString()
        case .object: try self.readObject { (reader, _) throws(Failure) in _ = try reader.skipValue() }
        case .array: try self.readArray { (reader) throws(Failure) in _ = try reader.skipValue() }
        case .number: try self.skipNumber()
        case .boolean: try self.skipLiteral(self.bytes[start] == UInt8(ascii: "t") ? "true" : "false")
        case .null: try self.skipLiteral("null")
        }
        return start..<self.position
    }

    /// Checks that nothing but white space is left.
    mutating func finish() throws(Failure) {
        self.skipSpace()
        guard self.position == self.bytes.count else { throw self.failure("text after the end of the value") }
    }

    /// Whether `slice` reads `text`, which must be ASCII.
    func matches(_ slice: StringSlice, _ text: StaticString) -> Bool {
        guard !slice.hasEscapes else { return self.decode(slice) == text.description }
        guard slice.range.count == text.utf8CodeUnitCount else { return false }
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return self.bytes[slice.range].elementsEqual(expected)
    }

    /// A string's content without escapes.
    ///
    /// A lone surrogate becomes U+FFFD.
    func decode(_ slice: StringSlice) -> String {
        let raw = UnsafeBufferPointer(rebasing: self.bytes[slice.range])
        return slice.hasEscapes
            ? String(decoding: JSONText.unescaped(raw), as: UTF8.self) : String(decoding: raw, as: UTF8.self)
    }

    /// A failure at the current position.
    func failure(_ reason: String, at offset: Int? = nil) -> Failure {
        .invalidJSON(reason: reason, offset: offset ?? self.position)
    }

    private mutating func descend() throws(Failure) {
        self.depth += 1
        guard self.depth <= Self.depthMax else { throw self.failure("nested deeper than \(Self.depthMax)") }
    }

    private mutating func skipSpace() {
        while self.position < self.bytes.count {
            switch self.bytes[self.position] {
            case 0x20, 0x09, 0x0A, 0x0D: self.position += 1
            default: return
            }
        }
    }

    private mutating func nextByte() throws(Failure) -> UInt8 {
        self.skipSpace()
        guard self.position < self.bytes.count else { throw self.failure("the text ends too early") }
        return self.bytes[self.position]
    }

    private mutating func expect(_ byte: UInt8, _ reason: String) throws(Failure) {
        guard try self.nextByte() == byte else { throw self.failure(reason) }
        self.position += 1
    }

    private mutating func skipEscape() throws(Failure) {
        guard self.position + 1 < self.bytes.count else { throw self.failure("the string does not end") }
        switch self.bytes[self.position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            self.position += 2
        case UInt8(ascii: "u"):
            guard self.position + 6 <= self.bytes.count,
                self.bytes[(self.position + 2)..<(self.position + 6)].allSatisfy({ JSONText.hexValue($0) != nil })
            else { throw self.failure("bad \\u escape") }
            self.position += 6
        default: throw self.failure("bad escape")
        }
    }

    private mutating func skipLiteral(_ text: StaticString) throws(Failure) {
        let end = self.position + text.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard end <= self.bytes.count, self.bytes[self.position..<end].elementsEqual(expected) else {
            throw self.failure("'\(text)' is expected")
        }
        self.position = end
    }

    private mutating func skipDigits() -> Int {
        let start = self.position
        while self.position < self.bytes.count, self.bytes[self.position] >= 0x30, self.bytes[self.position] <= 0x39 {
            self.position += 1
        }
        return self.position - start
    }

    private mutating func skipNumber() throws(Failure) {
        if self.bytes[self.position] == UInt8(ascii: "-") { self.position += 1 }
        let first = self.position
        let digits = self.skipDigits()
        guard digits > 0, digits == 1 || self.bytes[first] != UInt8(ascii: "0") else {
            throw self.failure("bad number")
        }
        if self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: ".") {
            self.position += 1
            guard self.skipDigits() > 0 else { throw self.failure("bad number") }
        }
        if self.position < self.bytes.count, self.bytes[self.position] | 0x20 == UInt8(ascii: "e") {
            self.position += 1
            if self.position < self.bytes.count,
                self.bytes[self.position] == UInt8(ascii: "+") || self.bytes[self.position] == UInt8(ascii: "-")
            {
                self.position += 1
            }
            guard self.skipDigits() > 0 else { throw self.failure("bad number") }
        }
    }
}
