import FoundationEssentials

/// Base64 with the alphabet for URLs: RFC 4648, section 5.
package enum Base64URL {
    /// What is read at most, in bytes: the longest is a token.
    private static let bytesMax = 8_192

    /// Without padding.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Reads it with or without padding, and Base64 with the usual alphabet too, as some libraries send it.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= Self.bytesMax else { return nil }
        var plain = String(text).replacing("-", with: "+").replacing("_", with: "/")
        while plain.hasSuffix("=") { plain.removeLast() }
        guard plain.utf8.count % 4 != 1 else { return nil }
        plain += String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        return Data(base64Encoded: plain).map { Array($0) }
    }
}
