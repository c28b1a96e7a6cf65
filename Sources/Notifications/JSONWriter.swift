import Market

/// Writes JSON in the order it is told, so that the same values always give the same bytes.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// The bytes of one object.
    static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(512)
        writer.enclose(members)
        return writer.bytes
    }

    mutating func object(_ key: StaticString, _ members: (inout JSONWriter) -> Void) {
        self.key(key)
        self.enclose(members)
        self.needsComma = true
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

    private mutating func enclose(_ members: (inout JSONWriter) -> Void) {
        self.bytes.append(UInt8(ascii: "{"))
        self.needsComma = false
        members(&self)
        self.bytes.append(UInt8(ascii: "}"))
    }
}
