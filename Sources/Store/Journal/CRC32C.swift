/// The CRC-32C checksum (Castagnoli, reflected polynomial 0x82F63B78), as iSCSI and ext4 use it.
///
/// Source: RFC 3720, section 12.1; eight tables as in Kounavis and Berry, "A Systematic Approach to Building High
/// Performance, Software-based, CRC generators", 2005.
enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : (value >> 1) ^ 0x82F6_3B78 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let previous = tables[index - 256]
            tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }()

    /// The checksum of all the bytes; O(*n*), eight bytes a step.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let start = bytes.baseAddress else { return 0 }
        return self.tables.withUnsafeBufferPointer { tables in
            var value = ~UInt32(0)
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let mixed = word ^ UInt64(value)
                value = 0
                for place in 0..<8 {
                    let byte = Int(truncatingIfNeeded: (mixed >> UInt64(8 * place)) & 0xFF)
                    value ^= tables[(7 - place) * 256 + byte]
                }
                offset += 8
            }
            while offset < bytes.count {
                value = (value >> 8) ^ tables[Int((value ^ UInt32(bytes[offset])) & 0xFF)]
                offset += 1
            }
            return ~value
        }
    }
}
