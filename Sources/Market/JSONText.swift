/// Writing JSON text byte by byte: for frames and lines that are written thousands of times a second.
extension [UInt8] {
    /// Appends `text` as a JSON string with its quotes, escaped as RFC 8259 section 7 demands.
    public mutating func appendJSONString(_ text: String) {
        self.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { self.appendJSONEscaped($0) }
        self.append(UInt8(ascii: "\""))
    }

    /// Appends UTF-8 bytes escaped for the inside of a JSON string, without the quotes.
    public mutating func appendJSONEscaped(_ bytes: UnsafeBufferPointer<UInt8>) {
        var copied = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            self.append(contentsOf: bytes[copied..<index])
            copied = index + 1
            self.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.append(byte)
            case 0x08: self.append(UInt8(ascii: "b"))
            case 0x09: self.append(UInt8(ascii: "t"))
            case 0x0A: self.append(UInt8(ascii: "n"))
            case 0x0C: self.append(UInt8(ascii: "f"))
            case 0x0D: self.append(UInt8(ascii: "r"))
            default:
                self.append(contentsOf: "u00".utf8)
                self.append(Self.hexDigit(byte >> 4))
                self.append(Self.hexDigit(byte & 0xF))
            }
        }
        self.append(contentsOf: bytes[copied...])
    }

    /// Appends the bytes of a literal that needs no escaping.
    @inline(__always)
    public mutating func append(literal text: StaticString) {
        self.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the decimal digits of `value`.
    public mutating func append(integer value: some BinaryInteger) {
        self.append(contentsOf: String(value).utf8)
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
    }
}
