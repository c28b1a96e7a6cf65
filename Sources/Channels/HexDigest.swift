import Crypto

/// Digests as lower-case hexadecimal text, and their comparison.
enum HexDigest {
    /// HMAC-SHA256 of `message`.
    static func hmac(_ message: some Sequence<UInt8>, key: SigningKey) -> [UInt8] {
        let code = Array(message).withUnsafeBytes { key.code(of: $0) }
        return code.withUnsafeBytes { Self.hex($0) }
    }

    /// MD5 of `bytes`, which the HTTP API uses as a checksum under the signature.
    static func md5(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = Insecure.MD5()
        hash.update(bufferPointer: bytes)
        return hash.finalize().withUnsafeBytes { Self.hex($0) }
    }

    /// Two lower-case hexadecimal digits for each byte.
    static func hex(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count * 2) { buffer, count in
            for byte in bytes {
                buffer[count] = Self.digit(byte >> 4)
                buffer[count + 1] = Self.digit(byte & 0xF)
                count += 2
            }
        }
    }

    /// Compares without telling by its duration where the difference is.
    ///
    /// The lengths are no secret.
    static func isEqual(_ left: [UInt8], _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        // Two arrays side by side: a walk over a string's bytes costs as much as the digest.
        let right = Array(right)
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    /// Whether `text` is `digest` in lower-case hexadecimal digits, without telling by its duration where it is not.
    static func isEqual(_ digest: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == digest.count * 2 else { return false }
        var difference: UInt8 = 0
        for index in digest.indices {
            difference |= Self.digit(digest[index] >> 4) ^ text[index * 2]
            difference |= Self.digit(digest[index] & 0xF) ^ text[index * 2 + 1]
        }
        return difference == 0
    }

    @inline(__always)
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
    }
}
