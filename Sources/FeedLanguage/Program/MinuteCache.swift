import Market

/// Reads ISO 8601 times, remembering the last minute: nearly all times of a feed share it with the one before.
struct MinuteCache {
    /// The text up to the minute, `2026-11-23T12:00`, in two words.
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    /// The minute's start in UTC.
    private var start: Int64 = 0

    /// Nanoseconds since the Unix epoch; `nil` when the text is no time, see ``Timestamp/init(iso8601:)``.
    @inline(__always)
    mutating func nanoseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard let base = text.baseAddress, text.count >= 20, text.count <= 30,
            KeyBytes.load(base) == self.first, KeyBytes.load(base + 8) == self.second,
            let rest = Self.rest(base, text.count)
        else { return self.learn(text) }
        return self.start &+ rest
    }

    /// The nanoseconds that `:SS`, a fraction and `Z` make; `nil` for any other form.
    @inline(__always)
    private static func rest(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
        let tens = base[17] &- UInt8(ascii: "0")
        let ones = base[18] &- UInt8(ascii: "0")
        guard base[16] == UInt8(ascii: ":"), tens < 6, ones < 10, base[count - 1] == UInt8(ascii: "Z") else {
            return nil
        }
        let seconds = Int64(tens &* 10 &+ ones) &* 1_000_000_000
        if count == 20 { return seconds }
        guard base[19] == UInt8(ascii: "."), count > 21 else { return nil }
        if count == 27 {
            // Microseconds, the usual form: `.ffffffZ` is one word.
            let digits = (KeyBytes.load(base + 19) &<< 8 & ~0xFFFF) ^ 0x3030_3030_3030_0000
            return DigitText.areDigits(digits) ? seconds &+ DigitText.eight(digits) &* 1000 : nil
        }
        var fraction: Int64 = 0
        for index in 20..<(count &- 1) {
            let digit = base[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            fraction = fraction &* 10 &+ Int64(digit)
        }
        return seconds &+ fraction &* Self.units(count &- 21)
    }

    /// 10^(9 − `digits`) for 1…9.
    @inline(__always)
    private static func units(_ digits: Int) -> Int64 {
        switch digits {
        case 6: 1000
        case 3: 1_000_000
        case 9: 1
        case 1: 100_000_000
        case 2: 10_000_000
        case 4: 100_000
        case 5: 10_000
        case 7: 100
        default: 10
        }
    }

    @inline(never)
    private mutating func learn(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard let time = Timestamp(iso8601: UnsafeRawBufferPointer(text))?.nanoseconds else { return nil }
        if let base = text.baseAddress, text.count <= 30, let rest = Self.rest(base, text.count) {
            self.first = KeyBytes.load(base)
            self.second = KeyBytes.load(base + 8)
            self.start = time - rest
        }
        return time
    }
}
