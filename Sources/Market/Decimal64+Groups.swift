extension Decimal64 {
    /// Makes a number from groups of four decimal digits, as PostgreSQL's binary `numeric` has them.
    ///
    /// - Parameters:
    ///   - groups: Big-endian 16-bit groups below 10 000, the highest first.
    ///   - weight: The power of 10 000 of the first group.
    ///   - isNegative: Whether the number is below zero.
    /// - Returns: The number, rounded half-even to 18 digits where it is longer; `nil` beyond the range of exponents.
    package static func parse(groups: UnsafeRawBufferPointer, weight: Int, isNegative: Bool) -> Parsed? {
        let count = groups.count / 2
        func group(_ index: Int) -> UInt16 {
            UInt16(bigEndian: groups.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
        }
        if count <= 4 {
            // 16 digits: the mantissa fits as it is.
            var mantissa: Int64 = 0
            for index in 0..<count { mantissa = mantissa &* 10_000 &+ Int64(group(index)) }
            if mantissa == 0 { return Parsed(value: .zero, isRounded: false) }
            var exponent = 4 &* (weight &- count &+ 1)
            while mantissa % 10 == 0 {
                mantissa /= 10
                exponent &+= 1
            }
            guard Self.exponentRange.contains(exponent) else { return nil }
            return Parsed(
                value: Decimal64(normalisedMantissa: isNegative ? -mantissa : mantissa, exponent: Int8(exponent)),
                isRounded: false)
        }
        let wide = WideDecimal(groups: (0..<count).map(group), weight: weight, isNegative: isNegative)
        return Self.parse(wide.description)
    }

    /// Reads decimal text; see ``parse(_:)-(UnsafeRawBufferPointer)``.
    package static func parse(_ text: String) -> Parsed? {
        var text = text
        return text.withUTF8 { Self.parse(UnsafeRawBufferPointer($0)) }
    }
}
