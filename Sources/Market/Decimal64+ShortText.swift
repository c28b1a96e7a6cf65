extension Decimal64 {
    /// Reads the digits on the wire as ``parse(_:)`` does, faster for up to 16 bytes without exponent, behind a `-` or none.
    ///
    /// All digits are converted at once, in two words of eight.
    /// Source of the conversion: Daniel Lemire, "Quickly parsing eight digits", 2018.
    ///
    /// - Parameters:
    ///   - text: ASCII bytes, the whole of which must be one number.
    ///   - readable: How many bytes may be read from the text's first, at least as many as it has.
    /// - Returns: The number, or `nil` as ``parse(_:)`` says.
    package static func parse(_ text: UnsafeRawBufferPointer, readable: Int) -> Parsed? {
        let count = text.count
        guard count <= 16, count > 0, let base = text.baseAddress else { return Self.parse(text) }
        if base.load(as: UInt8.self) == UInt8(ascii: "-") { return Self.parseNegative(text, readable: readable) }
        if count <= 8 { return readable >= 8 ? Self.parseWord(text, base) : Self.parse(text) }
        var low = UInt64(littleEndian: base.loadUnaligned(as: UInt64.self))
        // The last eight bytes, without those that the first word has.
        var high = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
        high = high &>> Self.bits(16 &- count)
        let point = Self.firstPoint(low, high)
        var digitCount = count
        var decimals = 0
        if point < count {
            // The bytes behind the point move up by one.
            if point < 8 {
                let before = (1 &<< UInt64(truncatingIfNeeded: 8 &* point)) &- 1
                low = low & before | (low &>> 8) & ~before | high &<< 56
                high = high &>> 8
            } else {
                let before = (1 &<< UInt64(truncatingIfNeeded: 8 &* (point &- 8))) &- 1
                high = high & before | (high &>> 8) & ~before
            }
            digitCount &-= 1
            decimals = digitCount &- point
        }
        // From here on bytes are digits' values; there are eight at least, and none behind the last.
        low ^= Self.zeros
        high = digitCount == 8 ? 0 : high ^ (Self.zeros &>> Self.bits(16 &- digitCount))
        guard (low | (low &+ Self.aboveNine) | high | (high &+ Self.aboveNine)) & Self.highBits == 0 else {
            return Self.parse(text)
        }
        // Zeros at the end of the text are the empty high places.
        let significant: Int
        var mantissa: UInt64
        if high != 0 {
            let behind = 8 &- high.leadingZeroBitCount &>> 3
            significant = 8 &+ behind
            mantissa = Self.eightDigits(low) &* Self.powerOfTen(behind)
            mantissa &+= Self.eightDigits(high &<< Self.bits(8 &- behind))
        } else {
            guard low != 0 else { return Parsed(value: .zero, isRounded: false) }
            significant = 8 &- low.leadingZeroBitCount &>> 3
            mantissa = Self.eightDigits(low &<< Self.bits(8 &- significant))
        }
        return Parsed(
            value: Decimal64(
                normalisedMantissa: Int64(truncatingIfNeeded: mantissa),
                exponent: Int8(truncatingIfNeeded: digitCount &- significant &- decimals)),
            isRounded: false
        )
    }

    /// The same behind a `-`.
    @inline(never)
    private static func parseNegative(_ text: UnsafeRawBufferPointer, readable: Int) -> Parsed? {
        let magnitude = UnsafeRawBufferPointer(rebasing: text.dropFirst())
        // A second sign is for the other function to refuse.
        guard let first = magnitude.first, first &- UInt8(ascii: "0") < 10,
            let parsed = Self.parse(magnitude, readable: readable &- 1)
        else { return Self.parse(text) }
        return Parsed(value: parsed.value.negated, isRounded: parsed.isRounded)
    }

    /// Up to eight bytes: the same in one word.
    @inline(__always)
    private static func parseWord(_ text: UnsafeRawBufferPointer, _ base: UnsafeRawPointer) -> Parsed? {
        let word = UInt64(littleEndian: base.loadUnaligned(as: UInt64.self))
        let difference = word ^ 0x2E2E_2E2E_2E2E_2E2E
        let hits = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
        let point = hits.trailingZeroBitCount / 8
        var digits = word
        var digitCount = text.count
        var decimals = 0
        if point < digitCount {
            let before = (UInt64(1) &<< UInt64(8 * point)) - 1
            digits = digits & before | (digits >> 8) & ~before
            digitCount -= 1
            decimals = digitCount - point
        }
        guard digitCount > 0 else { return nil }
        let unused = UInt64(8 * (8 - digitCount))
        digits = ((digits ^ Self.zeros) &<< unused) &>> unused
        guard (digits | (digits &+ Self.aboveNine)) & Self.highBits == 0 else {
            return Self.parse(text)
        }
        if digits == 0 { return Parsed(value: .zero, isRounded: false) }
        let emptyPlaces = digits.leadingZeroBitCount / 8
        let mantissa = Self.eightDigits(digits &<< UInt64(8 * emptyPlaces))
        let exponent = digitCount - (8 - emptyPlaces) - decimals
        return Parsed(
            value: Decimal64(normalisedMantissa: Int64(mantissa), exponent: Int8(truncatingIfNeeded: exponent)),
            isRounded: false
        )
    }

    private static var zeros: UInt64 { 0x3030_3030_3030_3030 }
    /// Added to a digit's value it reaches the high bit from ten on.
    private static var aboveNine: UInt64 { 0x7676_7676_7676_7676 }
    private static var highBits: UInt64 { 0x8080_8080_8080_8080 }

    /// The bits of so many bytes.
    @inline(__always)
    private static func bits(_ bytes: Int) -> UInt64 { UInt64(truncatingIfNeeded: 8 &* bytes) }

    /// 10^`exponent` for 1…8.
    @inline(__always)
    private static func powerOfTen(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        default: 100_000_000
        }
    }

    /// The place of the first `.`, or 16.
    @inline(__always)
    private static func firstPoint(_ low: UInt64, _ high: UInt64) -> Int {
        // Mycroft's zero-byte test on the differences: the lowest set bit is exact.
        let lowDifference = low ^ 0x2E2E_2E2E_2E2E_2E2E
        let lowHits = (lowDifference &- 0x0101_0101_0101_0101) & ~lowDifference & 0x8080_8080_8080_8080
        if lowHits != 0 { return lowHits.trailingZeroBitCount / 8 }
        let highDifference = high ^ 0x2E2E_2E2E_2E2E_2E2E
        let highHits = (highDifference &- 0x0101_0101_0101_0101) & ~highDifference & 0x8080_8080_8080_8080
        return 8 + highHits.trailingZeroBitCount / 8
    }

    /// The number that eight digit values make, the first in the lowest byte.
    @inline(__always)
    private static func eightDigits(_ digits: UInt64) -> UInt64 {
        let pairs = (digits &* 2561) >> 8 & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 6_553_601) >> 16 & 0x0000_FFFF_0000_FFFF
        return (fours &* 42_949_672_960_001) >> 32
    }
}
