import NIOCore

/// Sizes of receive buffers for connections that mostly hear and seldom speak: what a read needed is given back after it.
///
/// A NIO channel keeps its first buffer for good, and uses it for every read unless the allocator says that the next may
/// be larger. So the first one is small, and every further one is larger than that and not kept. Works with
/// `maxMessagesPerRead` of 1 only, because with more the channel keeps as many.
struct ReceiveAllocator: RecvByteBufferAllocator {
    private static let firstBytes = 64

    private var sizes = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2048, maximum: 65_536)
    private var isFirst = true

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        self.isFirst ? allocator.buffer(capacity: Self.firstBytes) : self.sizes.buffer(allocator: allocator)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        if self.isFirst {
            self.isFirst = false
        } else {
            _ = self.sizes.record(actualReadBytes: actualReadBytes)
        }
        return true
    }
}
