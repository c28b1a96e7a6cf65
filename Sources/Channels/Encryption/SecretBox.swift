/// NaCl's secretbox: XSalsa20 and Poly1305, what Pusher's encrypted channels are sealed with.
///
/// Source: D. J. Bernstein, "Cryptography in NaCl" (2009), sections 9 and 10.
package enum SecretBox {
    /// Bytes of a key.
    package static let keyBytes = Salsa20.keyBytes
    /// Bytes of a nonce, which must never be used twice with a key.
    package static let nonceBytes = Salsa20.nonceBytes
    /// Bytes that a box is longer than its message.
    package static let overheadBytes = Poly1305.tagBytes

    /// The first bytes of the key stream are the authenticator's key.
    private static let authenticatorKeyBytes = 32

    /// Encrypts and authenticates `message`.
    ///
    /// - Returns: The tag and the ciphertext.
    package static func seal(_ message: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8] {
        let stream = Salsa20.keyStream(Self.authenticatorKeyBytes + message.count, key: key, nonce: nonce)
        let ciphertext = zip(message, stream.dropFirst(Self.authenticatorKeyBytes)).map { $0 ^ $1 }
        return Poly1305.tag(ciphertext, key: Array(stream.prefix(Self.authenticatorKeyBytes))) + ciphertext
    }

    /// Opens a box.
    ///
    /// - Returns: The message; `nil` when the box was not made with this key and nonce.
    package static func open(_ box: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8]? {
        guard box.count >= Self.overheadBytes else { return nil }
        let ciphertext = box.dropFirst(Self.overheadBytes)
        let stream = Salsa20.keyStream(Self.authenticatorKeyBytes + ciphertext.count, key: key, nonce: nonce)
        let tag = Poly1305.tag(ciphertext, key: Array(stream.prefix(Self.authenticatorKeyBytes)))
        guard HexDigest.isEqual(tag, box.prefix(Self.overheadBytes)) else { return nil }
        return zip(ciphertext, stream.dropFirst(Self.authenticatorKeyBytes)).map { $0 ^ $1 }
    }
}
