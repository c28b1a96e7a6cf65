extension Decimal64 {
    /// A number read from text, and whether digits beyond the eighteenth were rounded away.
    public struct Parsed: Equatable, Sendable {
        /// The number.
        public let value: Decimal64
        /// True when the text had more than 18 significant digits and was rounded half-even.
        public let isRounded: Bool
    }

    /// Reads the decimal digits on the wire: `-12.50`, `.5`, `1e-7`, `+3`.
    ///
    /// O(*n*), allocates nothing.
    ///
    /// - Parameter text: ASCII bytes, the whole of which must be one number.
    /// - Returns: `nil` when the bytes are not a decimal number, or its exponent is beyond ±64.
    public static func parse(_ text: UnsafeRawBufferPointer) -> Parsed? {
        guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        let count = text.count
        var index = 0
        var isNegative = false
        if count > 0, base[0] == UInt8(ascii: "-") || base[0] == UInt8(ascii: "+") {
            isNegative = base[0] == UInt8(ascii: "-")
            index = 1
        }
        var mantissa: UInt64 = 0
        var significantDigits = 0
        // Zeros are held back until a digit follows them: what is held back at the end goes into the exponent.
        var heldZeros = 0
        var exponent = 0
        var hasDigits = false
        var isPastPoint = false
        while index < count {
            let byte = base[index]
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                hasDigits = true
                if isPastPoint { exponent &-= 1 }
                if digit == 0 {
                    if mantissa != 0 { heldZeros &+= 1 }
                } else {
                    significantDigits &+= heldZeros &+ 1
                    if significantDigits > 18 { return Self.parseLong(base, count, isNegative: isNegative) }
                    while heldZeros > 0 {
                        mantissa &*= 10
                        heldZeros &-= 1
                    }
                    mantissa = mantissa &* 10 &+ UInt64(digit)
                }
            } else if byte == UInt8(ascii: "."), !isPastPoint {
                isPastPoint = true
            } else if byte | 0x20 == UInt8(ascii: "e"), hasDigits {
                guard let written = Self.parseExponent(base, from: index &+ 1, count) else { return nil }
                exponent += written
                break
            } else {
                return nil
            }
            index &+= 1
        }
        guard hasDigits else { return nil }
        if mantissa == 0 { return Parsed(value: .zero, isRounded: false) }
        exponent += heldZeros
        guard Self.exponentRange.contains(exponent) else { return nil }
        let signed = isNegative ? -Int64(mantissa) : Int64(mantissa)
        return Parsed(value: Decimal64(normalisedMantissa: signed, exponent: Int8(exponent)), isRounded: false)
    }

    /// The digits after `e`; exponents of more than four digits are out of any range.
    private static func parseExponent(_ base: UnsafePointer<UInt8>, from start: Int, _ count: Int) -> Int? {
        var index = start
        var isNegative = false
        if index < count, base[index] == UInt8(ascii: "-") || base[index] == UInt8(ascii: "+") {
            isNegative = base[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < count, count - index <= 4 else { return nil }
        var value = 0
        while index < count {
            let digit = base[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
            index += 1
        }
        return isNegative ? -value : value
    }

    /// More than 18 significant digits: keeps 18 and rounds the rest half-even.
    private static func parseLong(_ base: UnsafePointer<UInt8>, _ count: Int, isNegative: Bool) -> Parsed? {
        var mantissa: UInt64 = 0
        var kept = 0
        var exponent = 0
        var isPastPoint = false
        var roundDigit: UInt8?
        var hasRest = false
        for index in 0..<count {
            let byte = base[index]
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                if kept == 18 {
                    if roundDigit == nil { roundDigit = digit } else if digit != 0 { hasRest = true }
                    if !isPastPoint { exponent += 1 }
                    continue
                }
                if isPastPoint { exponent -= 1 }
                if mantissa != 0 || digit != 0 { kept += 1 }
                mantissa = mantissa * 10 + UInt64(digit)
            } else if byte == UInt8(ascii: "."), !isPastPoint {
                isPastPoint = true
            } else if byte | 0x20 == UInt8(ascii: "e") {
                guard let written = Self.parseExponent(base, from: index + 1, count) else { return nil }
                exponent += written
                break
            } else if index > 0 {
                return nil
            }
        }
        let round = roundDigit ?? 0
        if round > 5 || (round == 5 && (hasRest || mantissa % 2 == 1)) { mantissa += 1 }
        let signed = isNegative ? -Int128(mantissa) : Int128(mantissa)
        // The error is "does not fit", which is what nil says.
        guard let value = try? Decimal64(exactly: signed, exponent: exponent) else { return nil }
        return Parsed(value: value, isRounded: round != 0 || hasRest)
    }

    /// Appends the plain decimal notation, without exponent: `64250.12`, `-0.00001`, `1200`.
    public func write(to bytes: inout [UInt8]) {
        var digits = self.mantissa.magnitude
        if self.mantissa < 0 { bytes.append(UInt8(ascii: "-")) }
        if digits == 0 {
            bytes.append(UInt8(ascii: "0"))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var count = 0
            while digits != 0 {
                let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: 10)
                count += 1
                buffer[20 - count] = UInt8(truncatingIfNeeded: remainder) + UInt8(ascii: "0")
                digits = quotient
            }
            let text = UnsafeBufferPointer(rebasing: buffer[(20 - count)...])
            let exponent = Int(self.exponent)
            if exponent >= 0 {
                bytes.append(contentsOf: text)
                for _ in 0..<exponent { bytes.append(UInt8(ascii: "0")) }
            } else if count > -exponent {
                bytes.append(contentsOf: text[..<(count + exponent)])
                bytes.append(UInt8(ascii: "."))
                bytes.append(contentsOf: text[(count + exponent)...])
            } else {
                bytes.append(UInt8(ascii: "0"))
                bytes.append(UInt8(ascii: "."))
                for _ in 0..<(-exponent - count) { bytes.append(UInt8(ascii: "0")) }
                bytes.append(contentsOf: text)
            }
        }
    }
}

extension Decimal64: LosslessStringConvertible {
    /// Reads a decimal number; `nil` when `text` is not one or would lose digits.
    public init?(_ text: String) {
        var text = text
        let parsed = text.withUTF8 { Self.parse(UnsafeRawBufferPointer($0)) }
        guard let parsed, !parsed.isRounded else { return nil }
        self = parsed.value
    }

    /// Plain decimal notation with the shortest digits of the same value.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        self.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
