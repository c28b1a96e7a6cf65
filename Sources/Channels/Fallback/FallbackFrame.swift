/// One frame's text on its way through a line of a receive response: quoted for JSON, with its length as a browser counts.
public struct FallbackFrame: Equatable, Sendable {
    /// The text as a JSON string with its quotes, UTF-8.
    public let quoted: [UInt8]
    /// The length of ``quoted`` in UTF-16 code units, which is what `responseText.length` counts.
    let length: Int

    /// Quotes a frame's text, which is UTF-8.
    public init(_ text: UnsafeBufferPointer<UInt8>) {
        var quoted: [UInt8] = []
        // Published events have about one quote in eight bytes.
        quoted.reserveCapacity(text.count + text.count / 4 + 2)
        quoted.append(UInt8(ascii: "\""))
        JSONText.appendEscaped(text, to: &quoted)
        quoted.append(UInt8(ascii: "\""))
        self.quoted = quoted
        self.length = quoted.withUnsafeBufferPointer { Self.codeUnits(of: $0) }
    }

    /// The number of UTF-16 code units that valid UTF-8 decodes to.
    static func codeUnits(of text: UnsafeBufferPointer<UInt8>) -> Int {
        var units = 0
        for byte in text {
            // A unit for each first byte of a character, and one more for what lies beyond the basic plane.
            if byte & 0xC0 != 0x80 { units += byte >= 0xF0 ? 2 : 1 }
        }
        return units
    }
}
