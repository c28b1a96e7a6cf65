import Market

/// Rows in PostgreSQL's binary COPY format; see the PostgreSQL manual, COPY, "Binary Format".
///
/// The room for a row is made before the row is written, so that the writes themselves check nothing.
struct BinaryCopy: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer
    private var count = 0

    /// A numeric is at most 4 + 8 + 6 × 2 bytes with its length: 18 digits touch no more than six groups of four.
    static let numericBytesMax = 24

    /// Begins the data, with room for about `capacity` bytes.
    init(capacity: Int) {
        self.storage = .allocate(byteCount: max(capacity, 1024), alignment: 8)
        // The signature's byte 0xFF is no UTF-8, so it is written by hand.
        for byte in [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00] as [UInt8] {
            self.storage[self.count] = byte
            self.count += 1
        }
        self.put(Int32(0))
        self.put(Int32(0))
    }

    deinit { self.storage.deallocate() }

    /// Ends the data and returns it.
    consuming func finish() -> [UInt8] {
        self.reserve(2)
        self.put(Int16(-1))
        return Array(UnsafeRawBufferPointer(start: self.storage.baseAddress, count: self.count))
    }

    /// Begins a row of `columns` columns that take at most `bytes` bytes with their lengths.
    mutating func beginRow(columns: Int16, bytes: Int) {
        self.reserve(bytes + 2)
        self.put(columns)
    }

    /// A NULL.
    mutating func appendNull() { self.put(Int32(-1)) }

    /// A `timestamptz`: microseconds since 2000-01-01.
    mutating func append(_ time: Timestamp) { self.append(microseconds: time.microseconds) }

    /// A `timestamptz` given in microseconds since 1970-01-01.
    mutating func append(microseconds: Int64) {
        self.put(Int32(8))
        self.put(microseconds &- 946_684_800_000_000)
    }

    /// A `bigint`.
    mutating func append(_ value: Int64?) {
        guard let value else { return self.appendNull() }
        self.put(Int32(8))
        self.put(value)
    }

    /// An `integer`.
    mutating func append(_ value: Int32) {
        self.put(Int32(4))
        self.put(value)
    }

    /// A `smallint`.
    mutating func append(_ value: Int16) {
        self.put(Int32(2))
        self.put(value)
    }

    /// A `"char"`.
    mutating func append(character: UInt8) {
        self.put(Int32(1))
        self.storage[self.count] = character
        self.count &+= 1
    }

    /// A `text`.
    mutating func append(_ text: String?) {
        guard var text else { return self.appendNull() }
        text.withUTF8 { bytes in
            self.put(Int32(truncatingIfNeeded: bytes.count))
            UnsafeMutableRawBufferPointer(rebasing: self.storage[self.count...]).copyMemory(
                from: UnsafeRawBufferPointer(bytes))
            self.count &+= bytes.count
        }
    }

    /// A `numeric`: groups of four decimal digits, the highest first, the weight of the first, the sign and the scale.
    ///
    /// Source: `numeric_recv` in PostgreSQL's numeric.c.
    mutating func append(_ number: Decimal64?) {
        guard let number else { return self.appendNull() }
        let exponent = Int(number.exponent)
        // exponent = 4 × groupExponent + shift: the groups must meet at the decimal point.
        let shift = exponent & 3
        var groupExponent = exponent >> 2
        var rest = number.mantissa.magnitude
        // Up to six groups, the lowest first.
        var groups: (UInt16, UInt16, UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0, 0, 0)
        var groupCount = 0
        withUnsafeMutableBytes(of: &groups) { raw in
            let digits = raw.assumingMemoryBound(to: UInt16.self)
            if shift != 0, rest != 0 {
                // The lowest group takes only 4 − shift digits of the mantissa and is filled up with zeros.
                let (taken, factor): (UInt64, UInt64) =
                    switch shift {
                    case 1: (1000, 10)
                    case 2: (100, 100)
                    default: (10, 1000)
                    }
                digits[0] = UInt16(truncatingIfNeeded: rest % taken * factor)
                rest /= taken
                groupCount = 1
            }
            while rest != 0 {
                digits[groupCount] = UInt16(truncatingIfNeeded: rest % 10_000)
                rest /= 10_000
                groupCount &+= 1
            }
        }
        if groupCount == 0 { groupExponent = 0 }
        self.put(Int32(truncatingIfNeeded: 8 &+ 2 &* groupCount))
        self.put(Int16(truncatingIfNeeded: groupCount))
        self.put(Int16(truncatingIfNeeded: groupCount == 0 ? 0 : groupExponent &+ groupCount &- 1))
        self.put(number.isNegative ? Int16(0x4000) : 0)
        self.put(Int16(truncatingIfNeeded: max(0, -exponent)))
        withUnsafeBytes(of: groups) { raw in
            let digits = raw.assumingMemoryBound(to: UInt16.self)
            var index = groupCount &- 1
            while index >= 0 {
                self.put(Int16(bitPattern: digits[index]))
                index &-= 1
            }
        }
    }

    /// A `numeric` of any length; takes ``bytes(of:)`` bytes.
    mutating func append(_ sum: ExactSum.Groups) {
        self.put(Int32(truncatingIfNeeded: 8 + 2 * sum.digits.count))
        self.put(Int16(truncatingIfNeeded: sum.digits.count))
        self.put(Int16(truncatingIfNeeded: sum.weight))
        self.put(sum.isNegative ? Int16(0x4000) : 0)
        self.put(Int16(truncatingIfNeeded: sum.scale))
        for group in sum.digits { self.put(group) }
    }

    /// What a sum takes with its length.
    static func bytes(of sum: ExactSum.Groups) -> Int { 12 + 2 * sum.digits.count }

    @inline(__always)
    private mutating func put(_ value: some FixedWidthInteger) {
        self.storage.storeBytes(of: value.bigEndian, toByteOffset: self.count, as: type(of: value))
        self.count &+= value.bitWidth / 8
    }

    private mutating func reserve(_ bytes: Int) {
        guard self.count + bytes > self.storage.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(self.storage.count * 2, self.count + bytes), alignment: 8
        )
        larger.copyMemory(from: UnsafeRawBufferPointer(start: self.storage.baseAddress, count: self.count))
        self.storage.deallocate()
        self.storage = larger
    }
}
