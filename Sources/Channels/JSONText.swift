/// Escaping and unescaping the inside of JSON strings (RFC 8259 section 7).
package enum JSONText {
    /// Appends `bytes`, UTF-8 text, escaped for the inside of a JSON string.
    package static func appendEscaped(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        var copied = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied..<index]))
            copied = index + 1
            output.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
            case 0x0A: output.append(UInt8(ascii: "n"))
            case 0x0D: output.append(UInt8(ascii: "r"))
            case 0x09: output.append(UInt8(ascii: "t"))
            default:
                output.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
                output.append(HexDigest.digit(byte >> 4))
                output.append(HexDigest.digit(byte & 0xF))
            }
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied...]))
    }

    /// Appends `text` as a JSON string with its quotes.
    package static func appendString(_ text: String, to output: inout [UInt8]) {
        var text = text
        output.append(UInt8(ascii: "\""))
        text.withUTF8 { Self.appendEscaped($0, to: &output) }
        output.append(UInt8(ascii: "\""))
    }

    /// `text` as a JSON string with its quotes.
    package static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        Self.appendString(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text of an escaped string's inside; `bytes` must have passed the reader.
    ///
    /// Lone surrogates become U+FFFD.
    package static func unescaped(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < bytes.count else {
                output.append(byte)
                continue
            }
            let escape = bytes[index]
            index += 1
            switch escape {
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "u"):
                var unit = Self.codeUnit(bytes, at: index)
                index += 4
                if unit & 0xFC00 == 0xD800, index + 5 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
                    bytes[index + 1] == UInt8(ascii: "u")
                {
                    let low = Self.codeUnit(bytes, at: index + 2)
                    if low & 0xFC00 == 0xDC00 {
                        unit = 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF)
                        index += 6
                    }
                }
                output.append(contentsOf: String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
            default: output.append(escape)
            }
        }
        return output
    }

    /// The value of a hexadecimal digit.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func codeUnit(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt32 {
        var unit: UInt32 = 0
        for offset in index..<min(index + 4, bytes.count) {
            unit = unit << 4 | UInt32(Self.hexValue(bytes[offset]) ?? 0)
        }
        return unit
    }
}

extension JSONText {
    /// Whether `bytes` may stand between the quotes of a JSON string as they are.
    package static func isEscaped(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count + 2)
            text.append(UInt8(ascii: "\""))
            text.append(contentsOf: bytes)
            text.append(UInt8(ascii: "\""))
            return Self.isValue(text)
        }
    }

    /// Whether `bytes` are one JSON value.
    package static func isValue(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            guard bytes.isUTF8 else { return false }
            var reader = JSONReader(bytes)
            do throws(ChannelsError) {
                _ = try reader.skipValue()
                try reader.finish()
                return true
            } catch { return false }  // What is wrong with it helps nobody.
        }
    }
}
