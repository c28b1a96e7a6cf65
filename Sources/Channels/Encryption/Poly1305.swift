/// The one-time authenticator Poly1305 (docs/decisions/0006).
///
/// Constant time: numbers modulo 2¹³⁰ − 5 in five limbs of 26 bits, no branch and no index depends on key or message.
///
/// Source: D. J. Bernstein, "The Poly1305-AES message-authentication code" (2005); RFC 8439 section 2.5.
enum Poly1305 {
    /// Bytes of a tag.
    static let tagBytes = 16
    /// Five numbers of 26 bits, the lowest first; the rest stays zero.
    private typealias Limbs = SIMD8<UInt64>
    private static let mask: UInt64 = 0x3FF_FFFF

    /// The tag of `message` under a key that is used once.
    ///
    /// - Parameters:
    ///   - message: Any number of bytes.
    ///   - key: 32 bytes, never used for another message.
    /// - Returns: 16 bytes.
    static func tag(_ message: some RandomAccessCollection<UInt8>, key: [UInt8]) -> [UInt8] {
        precondition(key.count == 32, "Poly1305 key of wrong size")
        var clamped = Array(key[..<16])
        for index in [3, 7, 11, 15] { clamped[index] &= 15 }
        for index in [4, 8, 12] { clamped[index] &= 252 }
        let r = Self.limbs(clamped + [0])
        var sum = Limbs()
        var rest = message[...]
        while !rest.isEmpty {
            var block = Array(rest.prefix(16))
            rest = rest.dropFirst(block.count)
            block.append(1)
            block.append(contentsOf: repeatElement(0, count: 17 - block.count))
            sum = Self.product(sum &+ Self.limbs(block), r)
        }
        return Self.finish(sum, pad: key[16...])
    }

    /// 17 little-endian bytes, the last one 0 or 1, as five numbers of 26 bits.
    private static func limbs(_ bytes: [UInt8]) -> Limbs {
        func word(_ start: Int) -> UInt64 { bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        var limbs = Limbs()
        limbs[0] = word(0) & Self.mask
        limbs[1] = word(3) >> 2 & Self.mask
        limbs[2] = word(6) >> 4 & Self.mask
        limbs[3] = word(9) >> 6 & Self.mask
        limbs[4] = word(12) >> 8 | UInt64(bytes[16]) << 24
        return limbs
    }

    /// `h` × `r` modulo 2¹³⁰ − 5, up to a few bits that later steps carry away.
    ///
    /// What overflows 2¹³⁰ comes back times five. No limb of `h` has more than 28 bits, so no sum exceeds 60.
    private static func product(_ h: Limbs, _ r: Limbs) -> Limbs {
        var d = Limbs()
        for i in 0..<5 {
            for j in 0..<5 {
                let product = h[i] * r[j]
                d[(i + j) % 5] += i + j < 5 ? product : product * 5
            }
        }
        d[0] += Self.carry(&d) * 5
        d[1] += d[0] >> 26
        d[0] &= Self.mask
        return d
    }

    /// Takes what does not fit into a limb on to the next one, and returns what does not fit into the last.
    private static func carry(_ limbs: inout Limbs, adding start: UInt64 = 0) -> UInt64 {
        var carry = start
        for index in 0..<5 {
            limbs[index] += carry
            carry = limbs[index] >> 26
            limbs[index] &= Self.mask
        }
        return carry
    }

    /// The sum, fully reduced, plus the key's second half modulo 2¹²⁸.
    private static func finish(_ sum: Limbs, pad: ArraySlice<UInt8>) -> [UInt8] {
        var h = sum
        for _ in 0..<2 { h[0] += Self.carry(&h) * 5 }
        h[1] += h[0] >> 26
        h[0] &= Self.mask
        // h + 5 − 2¹³⁰: taken when it is not negative, chosen by a mask instead of a branch.
        var g = h
        let isReduced = 0 &- Self.carry(&g, adding: 5)
        for index in 0..<5 { h[index] = h[index] & ~isReduced | g[index] & isReduced }
        var total: UInt128 = 0
        // Bits above 128 are cut off on purpose.
        for index in 0..<5 { total |= UInt128(h[index]) << UInt128(26 * index) }
        total &+= pad.reversed().reduce(0) { $0 << 8 | UInt128($1) }
        return (0..<16).map { UInt8(truncatingIfNeeded: total >> UInt128(8 * $0)) }
    }
}
