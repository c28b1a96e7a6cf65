/// Checks UTF-8 that comes in pieces and says no at the first byte that cannot be right.
///
/// The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
struct UTF8Validator {
    /// Continuation bytes still missing.
    private var missing: UInt8 = 0
    /// What the next of them may be.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// Whether the text so far ends with a whole character.
    var isComplete: Bool { self.missing == 0 }

    /// Takes the next piece.
    ///
    /// - Returns: `false` when no continuation can make the text valid.
    mutating func accept(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for byte in bytes where !self.accept(byte) { return false }
        return true
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        if self.missing > 0 {
            guard byte >= self.lower, byte <= self.upper else { return false }
            self.missing -= 1
            (self.lower, self.upper) = (0x80, 0xBF)
            return true
        }
        switch byte {
        case 0x00...0x7F: return true
        case 0xC2...0xDF: self.missing = 1
        case 0xE0: (self.missing, self.lower) = (2, 0xA0)
        case 0xED: (self.missing, self.upper) = (2, 0x9F)
        case 0xE1...0xEF: self.missing = 2
        case 0xF0: (self.missing, self.lower) = (3, 0x90)
        case 0xF1...0xF3: self.missing = 3
        case 0xF4: (self.missing, self.upper) = (3, 0x8F)
        default: return false
        }
        return true
    }
}
