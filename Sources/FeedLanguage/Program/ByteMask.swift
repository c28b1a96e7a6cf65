/// Which of sixteen bytes pass a test, found out at once.
struct ByteMask {
    /// One bit for each byte that does: bit 4 × *n* for the *n*-th.
    private var bits: UInt64

    /// Reads sixteen bytes and keeps those that are no decimal digits.
    @inline(__always)
    init(nonDigits base: UnsafePointer<UInt8>) {
        let values = Self.load(base) &- SIMD16<UInt8>(repeating: 0x30)
        self.init(pairs: unsafeBitCast(values .> SIMD16<UInt8>(repeating: 9), to: SIMD8<UInt16>.self))
    }

    /// The place of the first `"` or `\` among sixteen bytes; 16 when there is none.
    ///
    /// Takes more instructions than a mask but fewer one after the other: the next byte to read depends on it.
    @inline(__always)
    static func firstQuoteOrBackslash(_ base: UnsafePointer<UInt8>) -> Int {
        let bytes = Self.load(base)
        let quotes = unsafeBitCast(bytes .== SIMD16<UInt8>(repeating: 0x22), to: SIMD2<UInt64>.self)
        let slashes = unsafeBitCast(bytes .== SIMD16<UInt8>(repeating: 0x5C), to: SIMD2<UInt64>.self)
        let words = quotes | slashes
        let low = UInt64(littleEndian: words[0])
        if low != 0 { return low.trailingZeroBitCount &>> 3 }
        return 8 &+ UInt64(littleEndian: words[1]).trailingZeroBitCount &>> 3
    }

    /// Reads sixteen bytes and keeps each `"` and `\`.
    @inline(__always)
    init(quotesAndBackslashes base: UnsafePointer<UInt8>) {
        let bytes = Self.load(base)
        let quotes = unsafeBitCast(bytes .== SIMD16<UInt8>(repeating: 0x22), to: SIMD8<UInt16>.self)
        let slashes = unsafeBitCast(bytes .== SIMD16<UInt8>(repeating: 0x5C), to: SIMD8<UInt16>.self)
        self.init(pairs: quotes | slashes)
    }

    /// Which of 64 bytes are no decimal digits: one bit for each, the lowest for the first.
    @inline(__always)
    static func nonDigits(of64 base: UnsafePointer<UInt8>) -> UInt64 {
        let words =
            Self.nonDigits(base, 0x0202_0202_0202_0202_0101_0101_0101_0101)
            | Self.nonDigits(base + 16, 0x0808_0808_0808_0808_0404_0404_0404_0404)
            | Self.nonDigits(base + 32, 0x2020_2020_2020_2020_1010_1010_1010_1010)
            | Self.nonDigits(base + 48, 0x8080_8080_8080_8080_4040_4040_4040_4040)
        // Bit 8 × c + r says now what bit 8 × r + c is to say: rows and columns change places.
        // Source: Henry S. Warren, "Hacker's Delight", second edition, section 7-3.
        var bits = UInt64(littleEndian: words[0]) | UInt64(littleEndian: words[1])
        var swapped = (bits ^ bits &>> 7) & 0x00AA_00AA_00AA_00AA
        bits ^= swapped ^ swapped &<< 7
        swapped = (bits ^ bits &>> 14) & 0x0000_CCCC_0000_CCCC
        bits ^= swapped ^ swapped &<< 14
        swapped = (bits ^ bits &>> 28) & 0x0000_0000_F0F0_F0F0
        return bits ^ swapped ^ swapped &<< 28
    }

    /// Sixteen bytes: zero for a digit, otherwise that of `weights`.
    @inline(__always)
    private static func nonDigits(_ base: UnsafePointer<UInt8>, _ weights: UInt128) -> SIMD2<UInt64> {
        let values = Self.load(base) &- SIMD16<UInt8>(repeating: 0x30)
        let words = unsafeBitCast(values .> SIMD16<UInt8>(repeating: 9), to: SIMD2<UInt64>.self)
        return words & SIMD2<UInt64>(UInt64(truncatingIfNeeded: weights), UInt64(truncatingIfNeeded: weights &>> 64))
    }

    /// The first byte's place; 16 when no byte passes.
    @inline(__always) var first: Int { self.bits.trailingZeroBitCount &>> 2 }
    /// The second byte's place; 16 when there is none.
    @inline(__always) var second: Int { (self.bits & (self.bits &- 1)).trailingZeroBitCount &>> 2 }

    /// Whether no byte passes.
    @inline(__always) var isEmpty: Bool { self.bits == 0 }

    /// Forgets the first byte that passes.
    @inline(__always)
    mutating func dropFirst() { self.bits &= self.bits &- 1 }

    /// Forgets the bytes before `place`, which is 0…15.
    @inline(__always)
    mutating func drop(_ place: Int) { self.bits &= .max &<< UInt64(truncatingIfNeeded: 4 &* place) }

    /// The first byte's place from `start` on, which is 0…15; 16 when there is none.
    @inline(__always)
    func first(from start: Int) -> Int {
        (self.bits & (.max &<< UInt64(truncatingIfNeeded: 4 &* start))).trailingZeroBitCount &>> 2
    }

    /// Takes a mask of whole bytes, two in a lane.
    ///
    /// A lane's two bytes are all ones or all zeros each, so its middle eight bits have four of either. This form compiles to
    /// four instructions: types are spelled out, masks are joined as lanes and never indexed; any other that was tried goes
    /// byte by byte, up to thirty times slower.
    @inline(__always)
    private init(pairs: SIMD8<UInt16>) {
        let middles = SIMD8<UInt8>(truncatingIfNeeded: pairs &>> SIMD8<UInt16>(repeating: 4))
        self.bits = unsafeBitCast(middles, to: UInt64.self) & 0x1111_1111_1111_1111
    }

    @inline(__always)
    private static func load(_ base: UnsafePointer<UInt8>) -> SIMD16<UInt8> {
        UnsafeRawPointer(base).loadUnaligned(as: SIMD16<UInt8>.self)
    }
}
