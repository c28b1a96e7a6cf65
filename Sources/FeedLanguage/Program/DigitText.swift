/// Whole numbers out of digits, eight at a time.
///
/// Source of the conversion: Daniel Lemire, "Quickly parsing eight digits", 2018.
enum DigitText {
    /// The number that up to sixteen digits make; `nil` for anything but digits.
    ///
    /// - Parameters:
    ///   - base: The first digit; eight bytes may be read from it.
    ///   - count: How many digits, 1…16.
    /// - Returns: The number, or `nil`.
    @inline(__always)
    static func integer(_ base: UnsafePointer<UInt8>, count: Int) -> Int64? {
        let first = KeyBytes.load(base) ^ 0x3030_3030_3030_3030
        if count <= 8 {
            let digits = first &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count)
            return Self.areDigits(digits) ? Self.eight(digits) : nil
        }
        // The last eight, without those that the first word has.
        let overlap = UInt64(truncatingIfNeeded: 8 &* (16 &- count))
        let last = ((KeyBytes.load(base + (count &- 8)) ^ 0x3030_3030_3030_3030) &>> overlap) &<< overlap
        guard Self.areDigits(first), Self.areDigits(last) else { return nil }
        return Self.eight(first) &* Self.powers(count &- 8) &+ Self.eight(last)
    }

    /// Whether each byte is 0…9.
    @inline(__always)
    static func areDigits(_ values: UInt64) -> Bool {
        (values | (values &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 == 0
    }

    /// Whether one of eight ASCII bytes is `1`…`9`; `false` as well when one is not ASCII.
    @inline(__always)
    static func hasNonZero(_ text: UInt64) -> Bool {
        let values = text ^ 0x3030_3030_3030_3030
        let isPositive = values &+ 0x7F7F_7F7F_7F7F_7F7F
        let isAboveNine = values &+ 0x7676_7676_7676_7676
        return text & 0x8080_8080_8080_8080 == 0 && isPositive & ~isAboveNine & 0x8080_8080_8080_8080 != 0
    }

    /// The number that eight digit values make, the first in the lowest byte.
    @inline(__always)
    static func eight(_ digits: UInt64) -> Int64 {
        let pairs = (digits &* 2561) >> 8 & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 6_553_601) >> 16 & 0x0000_FFFF_0000_FFFF
        return Int64(truncatingIfNeeded: (fours &* 42_949_672_960_001) >> 32)
    }

    /// 10^`exponent` for 1…8.
    @inline(__always)
    private static func powers(_ exponent: Int) -> Int64 {
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
}
