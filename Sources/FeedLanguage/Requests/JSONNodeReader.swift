/// Reads JSON text into a ``JSONNode``.
struct JSONNodeReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// Deeper values are refused.
    private static let depthMax = 64

    /// The value that `bytes` hold; `nil` when they are not one JSON value.
    static func read(_ bytes: UnsafeRawBufferPointer) -> JSONNode? {
        var reader = JSONNodeReader(bytes: bytes)
        guard let node = reader.value(depth: 0) else { return nil }
        reader.skipBlanks()
        return reader.position == bytes.count ? node : nil
    }

    /// The places of the members where `bytes` hold a list; `nil` for anything else.
    static func members(of bytes: UnsafeRawBufferPointer) -> [Range<Int>]? {
        var reader = JSONNodeReader(bytes: bytes)
        reader.skipBlanks()
        guard reader.take(UInt8(ascii: "[")) else { return nil }
        var places: [Range<Int>] = []
        reader.skipBlanks()
        if reader.take(UInt8(ascii: "]")) { return places }
        while true {
            reader.skipBlanks()
            let start = reader.position
            guard reader.value(depth: 1) != nil else { return nil }
            places.append(start..<reader.position)
            reader.skipBlanks()
            if reader.take(UInt8(ascii: ",")) { continue }
            return reader.take(UInt8(ascii: "]")) ? places : nil
        }
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    private mutating func skipBlanks() {
        while let byte = self.next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { self.position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.next == byte else { return false }
        self.position += 1
        return true
    }

    private mutating func take(word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard self.bytes.count - self.position >= count else { return false }
        for offset in 0..<count where self.bytes[self.position + offset] != word.utf8Start[offset] { return false }
        self.position += count
        return true
    }

    private mutating func value(depth: Int) -> JSONNode? {
        self.skipBlanks()
        guard depth < Self.depthMax, let first = self.next else { return nil }
        switch first {
        case UInt8(ascii: "{"): return self.object(depth: depth)
        case UInt8(ascii: "["): return self.array(depth: depth)
        case UInt8(ascii: "\""): return self.string().map(JSONNode.string)
        case UInt8(ascii: "t"): return self.take(word: "true") ? .boolean(true) : nil
        case UInt8(ascii: "f"): return self.take(word: "false") ? .boolean(false) : nil
        case UInt8(ascii: "n"): return self.take(word: "null") ? .null : nil
        default: return self.number()
        }
    }

    private mutating func object(depth: Int) -> JSONNode? {
        self.position += 1
        var members: [JSONNode.Member] = []
        self.skipBlanks()
        if self.take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            self.skipBlanks()
            guard self.next == UInt8(ascii: "\""), let key = self.string() else { return nil }
            self.skipBlanks()
            guard self.take(UInt8(ascii: ":")), let value = self.value(depth: depth + 1) else { return nil }
            members.append(.init(key: key, value: value))
            self.skipBlanks()
            if self.take(UInt8(ascii: ",")) { continue }
            return self.take(UInt8(ascii: "}")) ? .object(members) : nil
        }
    }

    private mutating func array(depth: Int) -> JSONNode? {
        self.position += 1
        var items: [JSONNode] = []
        self.skipBlanks()
        if self.take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            guard let item = self.value(depth: depth + 1) else { return nil }
            items.append(item)
            self.skipBlanks()
            if self.take(UInt8(ascii: ",")) { continue }
            return self.take(UInt8(ascii: "]")) ? .array(items) : nil
        }
    }

    private mutating func number() -> JSONNode? {
        guard let base = self.bytes.baseAddress else { return nil }
        let start = base.assumingMemoryBound(to: UInt8.self) + self.position
        guard let length = JSONNumber.length(start, limit: self.bytes.count - self.position) else { return nil }
        self.position += length
        return .number(String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self))
    }

    private mutating func string() -> String? {
        self.position += 1
        var text: [UInt8] = []
        var copied = self.position
        while let byte = self.next {
            switch byte {
            case UInt8(ascii: "\""):
                text.append(contentsOf: self.bytes[copied..<self.position])
                self.position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: self.bytes[copied..<self.position])
                guard let scalar = self.escape() else { return nil }
                text.append(contentsOf: String(scalar).utf8)
                copied = self.position
            case 0..<0x20: return nil
            default: self.position += 1
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        self.position += 1
        guard let byte = self.next else { return nil }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let high = self.hexDigits() else { return nil }
            guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) ?? "\u{FFFD}" }
            // A surrogate without its partner stands for nothing: the replacement character does.
            guard self.take(word: "\\u"), let low = self.hexDigits(), (0xDC00..<0xE000).contains(low) else {
                return "\u{FFFD}"
            }
            return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        default: return nil
        }
    }

    private mutating func hexDigits() -> UInt32? {
        guard self.bytes.count - self.position >= 4 else { return nil }
        let digits = String(decoding: self.bytes[self.position..<self.position + 4], as: UTF8.self)
        guard digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else { return nil }
        self.position += 4
        return value
    }
}
