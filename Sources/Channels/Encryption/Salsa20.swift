/// The stream cipher XSalsa20 (docs/decisions/0006).
///
/// Constant time: additions, exclusive ors and rotations of 32-bit words only.
///
/// Sources: D. J. Bernstein, "Salsa20 specification" (2005) and "Extending the Salsa20 nonce" (2011).
enum Salsa20 {
    /// Bytes of a key.
    static let keyBytes = 32
    /// Bytes of XSalsa20's nonce.
    static let nonceBytes = 24
    /// Bytes of one block of the key stream.
    static let blockBytes = 64

    /// "expand 32-byte k" as four little-endian words.
    private static let constants: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]

    /// The key stream of XSalsa20 from its beginning.
    ///
    /// - Parameters:
    ///   - count: How many bytes.
    ///   - key: 32 bytes.
    ///   - nonce: 24 bytes, never used twice with the key.
    /// - Returns: `count` bytes.
    static func keyStream(_ count: Int, key: [UInt8], nonce: [UInt8]) -> [UInt8] {
        precondition(
            key.count == Self.keyBytes && nonce.count == Self.nonceBytes, "XSalsa20 key or nonce of wrong size")
        let subkey = Self.hSalsa20(key: Self.words(key), nonce: Self.words(Array(nonce[..<16])))
        let tail = Self.words(Array(nonce[16...]))
        var stream: [UInt8] = []
        stream.reserveCapacity(count + Self.blockBytes)
        var block: UInt64 = 0
        while stream.count < count {
            let input = Self.matrix(
                key: subkey, input: tail + [UInt32(truncatingIfNeeded: block), UInt32(block >> 32)])
            let output = Self.twentyRounds(input) &+ input
            for index in 0..<16 { Self.append(output[index], to: &stream) }
            block += 1
        }
        stream.removeLast(stream.count - count)
        return stream
    }

    /// A key for ``keyStream(_:key:nonce:)``'s second half of the nonce, made from the first.
    static func hSalsa20(key: [UInt32], nonce: [UInt32]) -> [UInt32] {
        let state = Self.twentyRounds(Self.matrix(key: key, input: nonce))
        return [0, 5, 10, 15, 6, 7, 8, 9].map { state[$0] }
    }

    /// Little-endian words.
    static func words(_ bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }

    /// Constants on the diagonal, the key around them, nonce and counter in the middle.
    private static func matrix(key: [UInt32], input: [UInt32]) -> SIMD16<UInt32> {
        var matrix = SIMD16<UInt32>()
        for index in 0..<4 {
            matrix[5 * index] = Self.constants[index]
            matrix[1 + index] = key[index]
            matrix[6 + index] = input[index]
            matrix[11 + index] = key[4 + index]
        }
        return matrix
    }

    private static func twentyRounds(_ input: SIMD16<UInt32>) -> SIMD16<UInt32> {
        var x = input
        for _ in 0..<10 {
            Self.quarterRound(&x, 0, 4, 8, 12)
            Self.quarterRound(&x, 5, 9, 13, 1)
            Self.quarterRound(&x, 10, 14, 2, 6)
            Self.quarterRound(&x, 15, 3, 7, 11)
            Self.quarterRound(&x, 0, 1, 2, 3)
            Self.quarterRound(&x, 5, 6, 7, 4)
            Self.quarterRound(&x, 10, 11, 8, 9)
            Self.quarterRound(&x, 15, 12, 13, 14)
        }
        return x
    }

    @inline(__always)
    private static func quarterRound(_ x: inout SIMD16<UInt32>, _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
        x[b] ^= Self.rotated(x[a] &+ x[d], 7)
        x[c] ^= Self.rotated(x[b] &+ x[a], 9)
        x[d] ^= Self.rotated(x[c] &+ x[b], 13)
        x[a] ^= Self.rotated(x[d] &+ x[c], 18)
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
}
