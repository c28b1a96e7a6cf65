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
        // The usual number: no exponent, at most sixteen bytes without the sign, and a comma or bracket behind it.
        if limit > 17 {
            let start = base[0] == UInt8(ascii: "-") ? 1 : 0
            let others = ByteMask(nonDigits: base + start)
            let point = others.first
            var end = point
            if base[start &+ point] == UInt8(ascii: ".") { end = others.second }
            if base[start] &- UInt8(ascii: "1") < 9 || (base[start] == UInt8(ascii: "0") && point == 1),
                Self.isBehindMember(base[start &+ end]), end != point &+ 1
            {
                return start &+ end
            }
        }
        return Self.unusualLength(base, limit: limit)
    }

    /// Whether the byte is `,`, `]` or `}`.
    @inline(__always)
    private static func isBehindMember(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte | 0x20 == UInt8(ascii: "}")
    }

    /// The length of any number.
    @inline(never)
    private static func unusualLength(_ base: UnsafePointer<UInt8>, limit: Int) -> Int? {
        let start = limit > 0 && base[0] == UInt8(ascii: "-") ? 1 : 0
        let point = Self.endOfDigits(base, from: start, limit: limit)
        guard point > start, point == start &+ 1 || base[start] != UInt8(ascii: "0") else { return nil }
        var end = point
        if end < limit, base[end] == UInt8(ascii: ".") {
            end = Self.endOfDigits(base, from: point &+ 1, limit: limit)
            guard end > point &+ 1 else { return nil }
        }
        guard end < limit, base[end] | 0x20 == UInt8(ascii: "e") else { return end }
        var exponent = end &+ 1
        if exponent < limit, base[exponent] == UInt8(ascii: "+") || base[exponent] == UInt8(ascii: "-") {
            exponent &+= 1
        }
        end = Self.endOfDigits(base, from: exponent, limit: limit)
        return end > exponent ? end : nil
    }

    /// Where the digits that begin at `start` end, sixteen or eight bytes at a time.
    @inline(__always)
    private static func endOfDigits(_ base: UnsafePointer<UInt8>, from start: Int, limit: Int) -> Int {
        var index = start
        while limit &- index >= 16 {
            let count = ByteMask(nonDigits: base + index).first
            if count < 16 { return index &+ count }
            index &+= 16
        }
        if limit &- index >= 8 {
            if let end = Self.nonDigit(base, from: index) { return end }
            // The last eight bytes, of which some are known to be digits.
            return Self.nonDigit(base, from: limit &- 8) ?? limit
        }
        while index < limit, base[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
        return index
    }

    /// The first of eight bytes that is no digit.
    @inline(__always)
    private static func nonDigit(_ base: UnsafePointer<UInt8>, from start: Int) -> Int? {
        // Bytes that are no digits get their high bit; the lowest one is exact.
        let values = KeyBytes.load(base + start) ^ 0x3030_3030_3030_3030
        let others = (values | (values &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
        return others == 0 ? nil : start &+ others.trailingZeroBitCount &>> 3
    }
}
