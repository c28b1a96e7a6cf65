import Glibc

extension UnsafeRawBufferPointer {
    /// Whether the bytes are those of `other`.
    package func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        guard self.count == other.count else { return false }
        guard let left = self.baseAddress, let right = other.baseAddress else { return true }
        return memcmp(left, right, self.count) == 0
    }

    /// Whether the bytes read `text`.
    @inline(__always)
    package func reads(_ text: StaticString) -> Bool {
        self.equals(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
