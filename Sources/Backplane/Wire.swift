/// What stands at the beginning of every message between nodes.
enum Wire {
    /// Nodes of another version are not understood: their messages are dropped and counted.
    static let version: UInt8 = 1
    /// Bytes of one message: NATS takes a megabyte unless told otherwise.
    static let messageBytesMax = 900_000

    /// What a message is.
    enum Kind: UInt8 {
        case events = 1
        case heartbeat, changes, state, stateRequest, bye, ask, answer
    }

    /// Begins a message of this node.
    static func header(_ kind: Kind, node: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "T"), Self.version, kind.rawValue]
        bytes.append(wire: node)
        return bytes
    }
}

extension [UInt8] {
    /// Appends a number, the most significant byte first.
    mutating func append(wire number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { self.append(contentsOf: $0) }
    }

    /// Appends a text with its length; what is longer than 65 535 bytes is cut, which no name is.
    mutating func append(wire text: String) {
        let utf8 = text.utf8.prefix(Int(UInt16.max))
        self.append(wire: UInt16(utf8.count))
        self.append(contentsOf: utf8)
    }

    /// Appends bytes with their length.
    mutating func append(wireBytes bytes: some Collection<UInt8>) {
        self.append(wire: UInt32(bytes.count))
        self.append(contentsOf: bytes)
    }
}

/// Reads a message of another node; whatever it holds, reading ends with a value or an error.
struct WireReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether all is read.
    var isAtEnd: Bool { self.position == self.bytes.count }

    /// The beginning: what the message is, and whose.
    mutating func header() throws(BackplaneError) -> (kind: Wire.Kind, node: UInt64) {
        guard self.bytes.count >= 11, self.bytes[0] == UInt8(ascii: "T") else {
            throw .malformed("\(self.bytes.count) bytes that do not begin as ours do")
        }
        guard self.bytes[1] == Wire.version else { throw .malformed("version \(self.bytes[1])") }
        guard let kind = Wire.Kind(rawValue: self.bytes[2]) else { throw .malformed("kind \(self.bytes[2])") }
        self.position = 3
        return (kind, try self.number())
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(BackplaneError) -> Number {
        let size = MemoryLayout<Number>.size
        guard self.bytes.count - self.position >= size else { throw .malformed("it ends within a number") }
        var value: Number = 0
        for byte in self.bytes[self.position..<self.position + size] {
            value = value << 8 | Number(truncatingIfNeeded: byte)
        }
        self.position += size
        return value
    }

    mutating func text() throws(BackplaneError) -> String {
        let slice = try self.slice(Int(self.number(UInt16.self)))
        guard let text = String(validating: slice, as: UTF8.self) else { throw .malformed("a name is no UTF-8") }
        return text
    }

    mutating func data() throws(BackplaneError) -> ArraySlice<UInt8> { try self.slice(Int(self.number(UInt32.self))) }

    private mutating func slice(_ count: Int) throws(BackplaneError) -> ArraySlice<UInt8> {
        guard self.bytes.count - self.position >= count else { throw .malformed("it ends within a text") }
        defer { self.position += count }
        return self.bytes[self.position..<self.position + count]
    }
}
