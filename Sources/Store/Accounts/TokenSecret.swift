import Crypto

/// An API token as its holder has it: `tw_` and 256 random bits in base64url.
///
/// Shown once, when it is made; only its hash is stored.
public struct TokenSecret: Sendable, CustomStringConvertible, CustomReflectable {
    private static let prefix = "tw_"
    /// 32 bytes in base64url without padding.
    private static let digitCount = 43
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The text.
    ///
    /// Never log it.
    public let exposed: String

    /// A new one.
    public init() {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        var text = Array(Self.prefix.utf8)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for index in 0...group.count { text.append(Self.digits[Int(bits >> UInt32(18 - 6 * index) & 0x3F)]) }
        }
        self.exposed = String(decoding: text, as: UTF8.self)
    }

    /// What somebody claims to be a token; `nil` when it cannot be one, so that nothing has to be asked.
    public init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + Self.digitCount,
            text.utf8.dropFirst(Self.prefix.utf8.count).allSatisfy({ Self.digits.contains($0) })
        else { return nil }
        self.exposed = text
    }

    /// SHA-256 of the text: what is stored.
    public var hash: [UInt8] { Array(SHA256.hash(data: Array(self.exposed.utf8))) }

    /// The prefix only.
    public var description: String { Self.prefix + "…" }
    /// The prefix only.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
