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

    /// The first byte's place; 16 when no byte passes.
    @inline(__always) var first: Int { self.bits.trailingZeroBitCount &>> 2 }
    /// The second byte's place; 16 when there is none.
    @inline(__always) var second: Int { (self.bits & (self.bits &- 1)).trailingZeroBitCount &>> 2 }

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
