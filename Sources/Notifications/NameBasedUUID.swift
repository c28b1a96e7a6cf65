import Crypto

/// Ids made of names, the same for the same name: RFC 9562.
package enum NameBasedUUID {
    /// The namespace of Tickwire's event ids, a random UUID chosen once.
    private static let namespace: [UInt8] = [
        0x8b, 0x1f, 0x5e, 0x0c, 0x3a, 0x47, 0x4d, 0x92, 0x9e, 0x61, 0x2c, 0x70, 0xd4, 0x55, 0x1a, 0xe3,
    ]

    /// The version 5 UUID of `name` in lower case (section 5.5).
    static func string(_ name: String) -> String {
        self.string(of: Insecure.SHA1.hash(data: self.namespace + Array(name.utf8)), version: 5)
    }

    /// The UUID in lower case that the first sixteen bytes of `digest` make: version 5, or 8 for a digest of one's own choice
    /// (section 5.8).
    package static func string(of digest: some Sequence<UInt8>, version: UInt8) -> String {
        var bytes = Array(digest.prefix(16))
        bytes[6] = bytes[6] & 0x0F | version << 4
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array(bytes.hexadecimal.utf8)
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(decoding: digits[$0], as: UTF8.self) }.joined(separator: "-")
    }
}
