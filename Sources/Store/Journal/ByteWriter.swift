/// Puts little-endian values one behind the other into memory that is large enough.
struct ByteWriter {
    private let start: UnsafeMutableRawPointer
    /// Bytes put so far.
    private(set) var count = 0

    init(_ start: UnsafeMutableRawPointer) { self.start = start }

    @inline(__always)
    mutating func put(_ value: some FixedWidthInteger) {
        self.start.storeBytes(of: value.littleEndian, toByteOffset: self.count, as: type(of: value))
        self.count += value.bitWidth / 8
    }

    /// Puts a length in one byte, and the text that `store` stores; needs room for 24 bytes of it.
    @inline(__always)
    mutating func putText(_ store: (UnsafeMutableRawPointer) -> Int) {
        let length = store(self.start + self.count + 1)
        self.put(UInt8(truncatingIfNeeded: length))
        self.count += length
    }
}
