/// The grammar of numbers, RFC 8259 section 6.
enum JSONNumber {
    /// The length of the number that starts at `base`, or `nil` when none does.
    ///
    /// - Parameters:
    ///   - base: The first byte.
    ///   - limit: How many bytes may be read.
    /// - Returns: The length in bytes, or `nil`.
    @inline(__always)
    static func length(_ base: UnsafePointer<UInt8>, limit: Int) -> Int? {
        let integerStart = limit > 0 && base[0] == UInt8(ascii: "-") ? 1 : 0
        var index = Self.endOfDigits(base, from: integerStart, limit: limit)
        let digits = index &- integerStart
        guard digits > 0, digits == 1 || base[integerStart] != UInt8(ascii: "0") else { return nil }
        if index < limit, base[index] == UInt8(ascii: ".") {
            let fractionStart = index &+ 1
            index = Self.endOfDigits(base, from: fractionStart, limit: limit)
            guard index > fractionStart else { return nil }
        }
        if index < limit, base[index] | 0x20 == UInt8(ascii: "e") {
            return Self.endOfExponent(base, from: index &+ 1, limit: limit)
        }
        return index
    }

    /// Where the digits that begin at `start` end, eight at a time.
    @inline(__always)
    private static func endOfDigits(_ base: UnsafePointer<UInt8>, from start: Int, limit: Int) -> Int {
        var index = start
        while limit &- index >= 8 {
            // Bytes that are no digits get their high bit; the lowest one is exact.
            let values = KeyBytes.load(base + index) ^ 0x3030_3030_3030_3030
            let others = (values | (values &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
            if others != 0 { return index &+ others.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < limit, base[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
        return index
    }

    @inline(never)
    private static func endOfExponent(_ base: UnsafePointer<UInt8>, from start: Int, limit: Int) -> Int? {
        var index = start
        if index < limit, base[index] == UInt8(ascii: "+") || base[index] == UInt8(ascii: "-") { index &+= 1 }
        let end = Self.endOfDigits(base, from: index, limit: limit)
        return end > index ? end : nil
    }
}
