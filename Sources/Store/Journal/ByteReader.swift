/// Takes little-endian values one behind the other; `nil` where the bytes end.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    /// Where the next value begins.
    private(set) var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    var isAtEnd: Bool { self.offset >= self.bytes.count }

    @inline(__always)
    mutating func take<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        let size = MemoryLayout<Value>.size
        guard self.bytes.count - self.offset >= size else { return nil }
        defer { self.offset += size }
        return Value(littleEndian: self.bytes.loadUnaligned(fromByteOffset: self.offset, as: Value.self))
    }

    @inline(__always)
    mutating func take(bytes count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, self.bytes.count - self.offset >= count else { return nil }
        defer { self.offset += count }
        return UnsafeRawBufferPointer(rebasing: self.bytes[self.offset..<self.offset + count])
    }
}
