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
        var index = 0
        if index < limit, base[index] == UInt8(ascii: "-") { index &+= 1 }
        let integerStart = index
        while limit &- index >= 8 {
            // Bytes that are no digits get their high bit; the lowest one is exact.
            let values = KeyBytes.load(base + index) ^ 0x3030_3030_3030_3030
            let others = (values | (values &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
            if others != 0 {
                index &+= others.trailingZeroBitCount &>> 3
                break
            }
            index &+= 8
        }
        while index < limit, base[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
        let digits = index &- integerStart
        guard digits > 0, digits == 1 || base[integerStart] != UInt8(ascii: "0") else { return nil }
        if index < limit, base[index] == UInt8(ascii: ".") {
            index &+= 1
            let fractionStart = index
            while index < limit, base[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
            guard index > fractionStart else { return nil }
        }
        if index < limit, base[index] | 0x20 == UInt8(ascii: "e") {
            index &+= 1
            if index < limit, base[index] == UInt8(ascii: "+") || base[index] == UInt8(ascii: "-") { index &+= 1 }
            let exponentStart = index
            while index < limit, base[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
            guard index > exponentStart else { return nil }
        }
        return index
    }
}
