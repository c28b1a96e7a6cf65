import Crypto

/// A secret that is ready to sign with HMAC-SHA256: both hashes of RFC 2104 have read their key already, once and for all
/// messages, which saves a short message half of its time.
struct SigningKey: Sendable {
    private static let blockBytes = 64

    private let inner: SHA256
    private let outer: SHA256

    /// The key with the bytes of `secret`.
    init(_ secret: some Sequence<UInt8>) {
        var key = Array(secret)
        if key.count > Self.blockBytes { key = Array(SHA256.hash(data: key)) }
        key += repeatElement(0, count: Self.blockBytes - key.count)
        var inner = SHA256()
        inner.update(data: key.map { $0 ^ 0x36 })
        var outer = SHA256()
        outer.update(data: key.map { $0 ^ 0x5C })
        self.inner = inner
        self.outer = outer
    }

    /// The code of `message`.
    func code(of message: UnsafeRawBufferPointer) -> SHA256.Digest {
        var inner = self.inner
        inner.update(bufferPointer: message)
        var outer = self.outer
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}
