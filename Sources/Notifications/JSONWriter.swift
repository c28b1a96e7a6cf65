import Market

/// Writes JSON in the order it is told, so that the same values always give the same bytes.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// The bytes of one object.
    static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(512)
        writer.enclose("{", "}", members)
        return writer.bytes
    }

    mutating func object(_ key: StaticString, _ members: (inout JSONWriter) -> Void) {
        self.key(key)
        self.enclose("{", "}", members)
    }

    mutating func string(_ key: StaticString, _ value: String) {
        self.key(key)
        self.bytes.appendJSONString(value)
    }

    /// Leaves the member out when there is no value.
    mutating func string(_ key: StaticString, ifPresent value: String?) {
        if let value { self.string(key, value) }
    }

    mutating func integer(_ key: StaticString, _ value: Int64) {
        self.key(key)
        self.bytes.append(integer: value)
    }

    mutating func boolean(_ key: StaticString, _ value: Bool) {
        self.key(key)
        self.bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// A member whose value is JSON already.
    mutating func json(_ key: StaticString, _ value: [UInt8]) {
        self.key(key)
        self.bytes.append(contentsOf: value)
    }

    /// A finite number; anything else is written as 0, because JSON has no name for it.
    mutating func number(_ key: StaticString, _ value: Double) {
        self.key(key)
        self.bytes.append(contentsOf: (value.isFinite ? value : 0).description.utf8)
    }

    /// A member whose value is an array, written with `element`.
    mutating func array(_ key: StaticString, _ elements: (inout JSONWriter) -> Void) {
        self.key(key)
        self.enclose("[", "]", elements)
    }

    /// An array of strings.
    mutating func array(_ key: StaticString, strings: [String]) {
        self.array(key) { writer in
            for text in strings { writer.element(text) }
        }
    }

    /// An array of integers.
    mutating func array(_ key: StaticString, integers: [Int]) {
        self.array(key) { writer in
            for value in integers {
                writer.comma()
                writer.bytes.append(integer: value)
            }
        }
    }

    /// A string of the array being written.
    mutating func element(_ text: String) {
        self.comma()
        self.bytes.appendJSONString(text)
    }

    /// An object of the array being written.
    mutating func element(_ members: (inout JSONWriter) -> Void) {
        self.comma()
        self.enclose("{", "}", members)
    }

    /// An array of the array being written.
    mutating func elements(_ elements: (inout JSONWriter) -> Void) {
        self.comma()
        self.enclose("[", "]", elements)
    }

    /// Members with run-time keys, all strings.
    mutating func strings(_ pairs: [(name: String, value: String)]) {
        for pair in pairs {
            self.comma()
            self.bytes.appendJSONString(pair.name)
            self.bytes.append(UInt8(ascii: ":"))
            self.bytes.appendJSONString(pair.value)
        }
    }

    private mutating func key(_ key: StaticString) {
        self.comma()
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(literal: key)
        self.bytes.append(literal: "\":")
    }

    private mutating func comma() {
        if self.needsComma { self.bytes.append(UInt8(ascii: ",")) }
        self.needsComma = true
    }

    private mutating func enclose(
        _ opening: StaticString, _ closing: StaticString, _ members: (inout JSONWriter) -> Void
    ) {
        self.bytes.append(literal: opening)
        self.needsComma = false
        members(&self)
        self.bytes.append(literal: closing)
        self.needsComma = true
    }
}
